-- {TOKENS}, {PATH} and {COUNT} are filled in by the bench.
local requests, sent = {}, 0

function init()
    for token in io.lines("{TOKENS}") do
        requests[#requests + 1] = wrk.format("GET", "{PATH}", {
            ["Host"] = "orders.bench.test",
            ["User-Agent"] = "bench",
            ["Accept"] = "application/json",
            ["Authorization"] = "Bearer " .. token,
        })
    end
end

function request()
    sent = sent + 1
    if sent > {COUNT} then
        wrk.thread:stop()
    end
    return requests[math.random(#requests)]
end
