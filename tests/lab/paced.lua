-- Each connection of wrk waits some milliseconds between requests: a load that a debug build bears.
function delay()
   return 4
end
