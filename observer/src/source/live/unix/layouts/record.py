#!/usr/bin/env python3
"""Records where kernels keep what is said over unix sockets.

    record.py PACKAGE...

PACKAGE is a kernel as Debian or Ubuntu pack it (linux-image-*.deb), a vmlinux, or a description of types
such as /sys/kernel/btf/vmlinux with its release after a colon: /sys/kernel/btf/vmlinux:6.18.44.

For each, a file SERIES.btf (of a package, such as 6.1; otherwise RELEASE.btf) is written beside this script, which is the kernel's own description of its
types, cut down to those that observer looks at, and a row of layouts.tsv. The row is not made by observer
nor from the file that was cut: bpftool writes all types of the kernel as C, gcc compiles them, and gdb
says where the members lie. A member that the kernel does not have is written as "-".

Takes bpftool, gcc, gdb, dpkg-deb and whatever the kernel is packed with (gzip, xz, zstd, lz4).
"""

import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# What is recorded, in the order of the columns.
OFFSETS = [
    ("socket_sk", "socket", "sk"),
    ("message_iter", "msghdr", "msg_iter"),
    ("iter_type", "iov_iter", "iter_type"),
    ("type", "iov_iter", "type"),
    ("iov_offset", "iov_iter", "iov_offset"),
    ("iov", "iov_iter", "iov"),
    ("__iov", "iov_iter", "__iov"),
    ("ubuf", "iov_iter", "ubuf"),
    ("unix_addr", "unix_sock", "addr"),
    ("unix_peer", "unix_sock", "peer"),
    ("address_len", "unix_address", "len"),
    ("address_name", "unix_address", "name"),
    ("sun_path", "sockaddr_un", "sun_path"),
    ("sk_peer_pid", "sock", "sk_peer_pid"),
    ("pid_numbers", "pid", "numbers"),
    ("upid_nr", "upid", "nr"),
    ("skc_family", "sock", "__sk_common.skc_family"),
    ("sk_type", "sock", "sk_type"),
]
VALUES = ["ITER_IOVEC", "ITER_UBUF"]
STRUCTURES = {structure for _, structure, _ in OFFSETS} | {"sock_common"}
ENUMERATIONS = {"iter_type"}
FUNCTIONS = {"tcp_recvmsg"}

PACKED = [
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x02!L\x18", "lz4"),
]


def main(sources):
    table = os.path.join(HERE, "layouts.tsv")
    head = ["series", "release", "package", *(name for name, *_ in OFFSETS), *VALUES, "tcp_recvmsg"]
    rows = {}
    if os.path.exists(table):
        with open(table) as lines:
            for line in lines.read().splitlines()[1:]:
                rows[line.split("\t")[0]] = line
    for source in sources:
        with tempfile.TemporaryDirectory() as folder:
            release, package, types = read(source, folder)
            series = release if package == "-" else ".".join(release.split(".")[:2])
            with open(os.path.join(HERE, series + ".btf"), "wb") as out:
                out.write(Cut(types).done())
            rows[series] = "\t".join([series, release, package, *said(types, folder)])
            print(rows[series], flush=True)
            with open(table, "w") as out:
                order = sorted(rows, key=lambda series: [int(part) for part in series.split(".")])
                out.write("\n".join(["\t".join(head), *(rows[series] for series in order), ""]))


def read(source, folder):
    """The release, the package and the types of a kernel."""
    if ":" in source:
        path, release = source.rsplit(":", 1)
        with open(path, "rb") as types:
            return release, "-", types.read()
    package = os.path.basename(source)
    if not source.endswith(".deb"):
        with open(source, "rb") as kernel:
            return package.removeprefix("vmlinux-"), "-", section(kernel.read(), b".BTF")
    subprocess.run(["dpkg-deb", "-x", source, folder], check=True)
    (image,) = glob.glob(folder + "/boot/vmlinuz-*")
    release = os.path.basename(image).removeprefix("vmlinuz-")
    with open(image, "rb") as packed:
        return release, package.removesuffix(".deb"), section(unpacked(packed.read()), b".BTF")


def unpacked(image):
    for magic, tool in PACKED:
        at = image.find(magic)
        while at >= 0:
            tried = subprocess.run([tool, "-dc"], input=image[at:], capture_output=True)
            if tried.stdout.startswith(b"\x7fELF"):
                return tried.stdout
            at = image.find(magic, at + 1)
    sys.exit("the image is packed in no way that is known here")


def section(elf, wanted):
    (sections,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    heads = [struct.unpack_from("<IIQQQQ", elf, sections + size * each) for each in range(count)]
    strings = heads[names][4]
    for name, _, _, _, offset, length in heads:
        if name_at(elf, strings + name) == wanted:
            return elf[offset : offset + length]
    sys.exit("this kernel does not describe its types")


def name_at(data, place):
    return data[place : data.index(b"\0", place)]


def said(types, folder):
    """What bpftool, gcc and gdb say."""
    whole, source, compiled = (os.path.join(folder, name) for name in ("types", "types.c", "types.o"))
    with open(whole, "wb") as out:
        out.write(types)
    dumped = subprocess.run(["bpftool", "btf", "dump", "file", whole, "format", "c"], capture_output=True, check=True)
    with open(source, "wb") as out:
        out.write(dumped.stdout)
        for number, name in enumerate(sorted(STRUCTURES)):
            out.write(f"struct {name} *kept_{number};\n".encode())
        out.write(b"enum iter_type kept_values;\n")
    subprocess.run(["gcc", "-w", "-g", "-fno-eliminate-unused-debug-types", "-c", source, "-o", compiled], check=True)
    asked = [f"(long)&((struct {structure} *)0)->{member}" for _, structure, member in OFFSETS]
    asked += [f"(long){value}" for value in VALUES]
    answers = []
    commands = [part for ask in asked for part in ("-ex", f"print/d {ask}", "-ex", "echo .\\n")]
    gdb = subprocess.run(["gdb", "-batch", "-nx", *commands, compiled], capture_output=True, text=True, check=True)
    for answer in gdb.stdout.split(".\n")[: len(asked)]:
        found = re.search(r"^\$\d+ = (-?\d+)$", answer, re.M)
        answers.append(found[1] if found else "-")
    raw = subprocess.run(["bpftool", "btf", "dump", "file", whole], capture_output=True, text=True, check=True).stdout
    function = re.search(r"^\[\d+\] FUNC 'tcp_recvmsg' type_id=(\d+)", raw, re.M)
    proto = re.search(rf"^\[{function[1]}\] FUNC_PROTO .*vlen=(\d+)", raw, re.M)
    return [*answers, proto[1]]


class Cut:
    """A description of types, cut down. Of the structures that are kept all members stay, with their names
    and places; what other types they have is not."""

    ELSEWHERE = 1  # The number of the type that stands for all others.
    NAMES_OF_OTHERS = (8, 9, 10, 11, 18)

    def __init__(self, types):
        length, from_, size, strings, _ = struct.unpack_from("<IIIII", types, 4)
        self.types, self.strings = types, length + strings
        self.places = [None]
        place, end = length + from_, length + from_ + size
        while place < end:
            self.places.append(place)
            info = struct.unpack_from("<I", types, place + 4)[0]
            place += 12 + self.added(info >> 24 & 31, info & 0xFFFF)
        self.numbers, self.out = {}, []
        self.names = bytearray(b"\0")
        # An integer of four bytes.
        self.out.append(struct.pack("<IIII", self.name(b"elsewhere"), 1 << 24, 4, 32))

    @staticmethod
    def added(kind, count):
        if kind in (1, 14, 17):
            return 4
        if kind == 3:
            return 12
        if kind in (4, 5, 15, 19):
            return 12 * count
        if kind in (6, 13):
            return 8 * count
        return 0

    def head(self, number):
        name, info, other = struct.unpack_from("<III", self.types, self.places[number])
        return name_at(self.types, self.strings + name), info, other

    def name(self, name):
        if not name:
            return 0
        at = bytes(self.names).find(b"\0" + name + b"\0")
        if at < 0:
            at = len(self.names) - 1
            self.names += name + b"\0"
        return at + 1

    def done(self):
        for number in range(1, len(self.places)):
            name, info, _ = self.head(number)
            wanted = {4: STRUCTURES, 6: ENUMERATIONS, 12: FUNCTIONS}.get(info >> 24 & 31, ())
            if name.decode() in wanted:
                self.keep(number)
        types = b"".join(self.out)
        head = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(self.names))
        return head + types + bytes(self.names)

    def keep(self, number):
        """Copies a type, and gives its new number."""
        if number in self.numbers:
            return self.numbers[number]
        name, info, other = self.head(number)
        kind, count, place = info >> 24 & 31, info & 0xFFFF, self.places[number] + 12
        self.out.append(b"")
        new = self.numbers[number] = len(self.out)
        more = b""
        if kind in (4, 5):
            for member in range(count):
                called, type_, offset = struct.unpack_from("<III", self.types, place + 12 * member)
                called = self.name(name_at(self.types, self.strings + called))
                more += struct.pack("<III", called, self.inside(type_), offset)
        elif kind == 6:
            for value in range(count):
                called, number_ = struct.unpack_from("<II", self.types, place + 8 * value)
                more += struct.pack("<II", self.name(name_at(self.types, self.strings + called)), number_)
        elif kind == 13:
            more = struct.pack("<II", 0, self.ELSEWHERE) * count
            other = self.ELSEWHERE
        elif kind == 12 or kind in self.NAMES_OF_OTHERS:
            other = self.keep(other)
        self.out[new - 1] = struct.pack("<III", self.name(name), info, other) + more
        return new

    def inside(self, number):
        """The type of a member: kept where observer looks into it, which is where it has no name, and in
        structures that are kept."""
        at = number
        while at and (self.head(at)[1] >> 24 & 31) in self.NAMES_OF_OTHERS:
            at = self.head(at)[2]
        if not at:
            return self.ELSEWHERE
        name, info, _ = self.head(at)
        kind = info >> 24 & 31
        looked_into = kind in (4, 5) and (not name or kind == 4 and name.decode() in STRUCTURES)
        return self.keep(number) if looked_into else self.ELSEWHERE


if __name__ == "__main__":
    main(sys.argv[1:])
