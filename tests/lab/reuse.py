"""A service whose every worker is a fork of its own and handles one connection.

Prints its port. For each line `PID` on standard input it forks a worker that has this number (0: any),
prints the number that it got, lets it answer one request with 401, and waits for its end.
"""

import os
import socket
import sys
import time

LAST = "/proc/sys/kernel/ns_last_pid"
ANSWER = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def serve(listener):
    connection, _ = listener.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    connection.sendall(ANSWER)
    connection.close()
    # Whoever wants to know who this was finds it still there.
    time.sleep(0.3)


def fork(wanted):
    while True:
        if wanted:
            with open(LAST, "w") as last:
                last.write(str(wanted - 1))
        pid = os.fork()
        if pid == 0:
            if wanted in (0, os.getpid()):
                serve(listener)
            os._exit(0)
        if not wanted or pid == wanted:
            return pid
        # Somebody else was faster.
        os.waitpid(pid, 0)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
for line in sys.stdin:
    worker = fork(int(line))
    print(worker, flush=True)
    os.waitpid(worker, 0)
