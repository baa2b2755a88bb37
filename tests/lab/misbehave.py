"""A client that behaves badly, and counts what it gets.

Reads one JSON object from standard input: {"mode", "host", "port", "requests": [{"method", "path",
"authorization"}]}; prints the list of statuses that it got, in order.

plain       one connection, one request at a time; one with "after" when that file is there
slow        likewise, and four seconds between two of them
segments    likewise, each byte of a head in a segment of its own
pipeline    one connection, all requests at once, then all answers
split       pipelined, cut into segments at every 700 bytes
upload      each on a connection of its own, with a body of 10 MB that the server does not want
expect      likewise, with Expect: 100-continue
late        each on a connection of its own, the request some time after the handshake
fastopen    each on a connection of its own, the request inside the SYN
"""

import json
import os
import socket
import sys
import time

# Seconds; an emulated machine is some ten times slower.
PATIENCE = 20 * int(os.environ.get("OBSERVER_TEST_SLOWNESS", "1"))
BODY = b"GET / HTTP/1.1\r\nnot: a head\r\n\r\n" * 312500


def head(request, host, extra=()):
    host = f"[{host}]" if ":" in host else host
    lines = [f"{request['method']} {request['path']} HTTP/1.1", f"Host: {host}"]
    if request.get("authorization") is not None:
        lines.append(f"Authorization: {request['authorization']}")
    lines += extra
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(host, port):
    sock = socket.create_connection((host, port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Answers:
    """Reads answers off a socket by Content-Length and chunked coding."""

    def __init__(self, sock):
        self.file = sock.makefile("rb")

    def next(self):
        line = self.file.readline()
        if not line:
            return None
        status = int(line.split()[1])
        length, chunked = 0, False
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(value)
            chunked |= name.lower() == "transfer-encoding" and "chunked" in value
        if status < 200:
            return self.next()
        while chunked:
            size = int(self.file.readline(), 16)
            self.file.read(size + 2)
            chunked = size > 0
        self.file.read(length)
        return status


def plain(job, pause=0):
    sock = connect(job["host"], job["port"])
    answers = Answers(sock)
    statuses = []
    for request in job["requests"]:
        time.sleep(pause if statuses else 0)
        while "after" in request and not os.path.exists(request["after"]):
            time.sleep(0.01)
        sock.sendall(head(request, job["host"]))
        statuses.append(answers.next())
    return statuses


def slow(job):
    return plain(job, 4)


def segments(job):
    sock = connect(job["host"], job["port"])
    answers = Answers(sock)
    statuses = []
    for request in job["requests"]:
        for byte in head(request, job["host"]):
            sock.send(bytes([byte]))
        statuses.append(answers.next())
    return statuses


def pipeline(job):
    sock = connect(job["host"], job["port"])
    sock.sendall(b"".join(head(request, job["host"]) for request in job["requests"]))
    answers = Answers(sock)
    return [answers.next() for _ in job["requests"]]


def split(job):
    sock = connect(job["host"], job["port"])
    answers, statuses = Answers(sock), []
    heads = [head(request, job["host"]) for request in job["requests"]]
    whole = b"".join(heads)
    for start in range(0, len(whole), 700):
        sent = whole[: start + 700]
        sock.send(sent[start:])
        # A server that falls behind would put many answers into one segment.
        while len(statuses) < len(heads) and len(sent) >= len(b"".join(heads[: len(statuses) + 1])):
            statuses.append(answers.next())
        time.sleep(0.002)
    return statuses


def upload(job, extra=()):
    statuses = []
    for request in job["requests"]:
        sock = connect(job["host"], job["port"])
        fields = [f"Content-Length: {len(BODY)}", *extra]
        sock.sendall(head(request, job["host"], fields))
        answers = Answers(sock)
        if extra:
            # The server refuses: the body is never sent.
            statuses.append(answers.next())
            sock.close()
            continue
        try:
            sock.sendall(BODY)
        except OSError:
            # Refused before all of it was sent.
            pass
        statuses.append(answers.next())
        sock.close()
    return statuses


def expect(job):
    return upload(job, ["Expect: 100-continue"])


def late(job):
    statuses = []
    for request in job["requests"]:
        sock = connect(job["host"], job["port"])
        time.sleep(0.05)
        sock.sendall(head(request, job["host"]))
        statuses.append(Answers(sock).next())
        sock.close()
    return statuses


def fastopen(job):
    statuses = []
    for request in job["requests"]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        data = head(request, job["host"])
        # A socket with a timeout does not block, and then connect has not happened yet.
        sent = sock.sendto(data, socket.MSG_FASTOPEN, (job["host"], job["port"]))
        sock.settimeout(PATIENCE)
        sock.sendall(data[sent:])
        statuses.append(Answers(sock).next())
        sock.close()
    return statuses


MODES = {
    "plain": plain,
    "slow": slow,
    "segments": segments,
    "pipeline": pipeline,
    "split": split,
    "upload": upload,
    "expect": expect,
    "late": late,
    "fastopen": fastopen,
}

job = json.load(sys.stdin)
print(json.dumps(MODES[job["mode"]](job)))
