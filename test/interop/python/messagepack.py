"""MessagePack, as far as the lamp wire needs it: nil, booleans, numbers, texts, binary, arrays, maps, extensions.

Written from the format's public specification; Debian's python3 has no module for it.
"""

import struct

MAX_DEPTH = 128


class Malformed(Exception):
    """Octets that are no MessagePack, or nested too deep."""


class Packer:
    """Writes values one after the other into `out`; whoever has values of other types overrides `other`."""

    def __init__(self):
        self.out = bytearray()
        self.depth = 0

    def value(self, value):
        kind = type(value)
        if value is None:
            self.out.append(0xC0)
        elif kind is bool:
            self.out.append(0xC3 if value else 0xC2)
        elif kind is int and -(1 << 63) <= value < 1 << 64:
            self.integer(value)
        elif kind is float:
            self.out += struct.pack(">Bd", 0xCB, value)
        elif kind is str:
            data = value.encode()
            self.length(len(data), (0xA0, 32), (0xD9, 0xDA, 0xDB))
            self.out += data
        elif kind is bytes:
            self.length(len(value), None, (0xC4, 0xC5, 0xC6))
            self.out += value
        elif kind in (list, tuple):
            self.length(len(value), (0x90, 16), (None, 0xDC, 0xDD))
            self.inside(value)
        elif kind is dict:
            self.length(len(value), (0x80, 16), (None, 0xDE, 0xDF))
            self.inside(part for item in value.items() for part in item)
        else:
            self.other(value)

    def inside(self, values):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        for value in values:
            self.value(value)
        self.depth -= 1

    def other(self, value):
        raise TypeError(f"{type(value).__name__} cannot be packed")

    def integer(self, value):
        if -32 <= value < 128:
            self.out += struct.pack(">b", value)
            return
        for code, form in zip(range(0xCC, 0xD0), "BHIQ") if value >= 0 else zip(range(0xD0, 0xD4), "bhiq"):
            try:
                self.out += struct.pack(">B" + form, code, value)
                return
            except struct.error:
                continue

    def length(self, length, small, codes):
        """A head that tells a length: in one octet where `small` (base, limit) has room, else in 1, 2 or 4 more."""
        if small and length < small[1]:
            self.out.append(small[0] + length)
            return
        for code, form in zip(codes, "BHI"):
            if code is not None and length < 1 << 8 * struct.calcsize(form):
                self.out += struct.pack(">B" + form, code, length)
                return
        raise ValueError("too long")

    def extension(self, kind, data):
        if len(data) in (1, 2, 4, 8, 16):
            self.out.append(0xD4 + len(data).bit_length() - 1)
        else:
            self.length(len(data), None, (0xC7, 0xC8, 0xC9))
        self.out.append(kind)
        self.out += data


class Unpacker:
    """Reads values one after the other; whoever knows extensions overrides `extension`."""

    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0
        self.depth = 0

    @property
    def at_end(self):
        return self.at == len(self.data)

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise Malformed("ends early")
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def value(self):
        code = self.number("B")
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 256
        if code < 0x90:
            return self.map(code & 15)
        if code < 0xA0:
            return self.array(code & 15)
        if code < 0xC0:
            return self.text(code & 31)
        if code in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[code]
        if code in range(0xC4, 0xC7):
            return bytes(self.take(self.number("BHI"[code - 0xC4])))
        if code in range(0xC7, 0xCA):
            return self.extended(self.number("BHI"[code - 0xC7]))
        if code in range(0xCA, 0xD4):
            return self.number("fdBHIQbhiq"[code - 0xCA])
        if code in range(0xD4, 0xD9):
            return self.extended(1 << code - 0xD4)
        if code in range(0xD9, 0xDC):
            return self.text(self.number("BHI"[code - 0xD9]))
        if code in (0xDC, 0xDD):
            return self.array(self.number("HI"[code - 0xDC]))
        if code in (0xDE, 0xDF):
            return self.map(self.number("HI"[code - 0xDE]))
        raise Malformed("0xc1 begins no value")

    def text(self, length):
        try:
            return bytes(self.take(length)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("no UTF-8") from error

    def enter(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Malformed("nested too deep")

    def array(self, length):
        self.enter()
        # One by one: a length that a few octets claim takes no memory.
        values = [self.value() for _ in range(length)]
        self.depth -= 1
        return values

    def map(self, length):
        values = self.array(length * 2)
        if not all(isinstance(key, str) for key in values[::2]):
            raise Malformed("a key is no text")
        return dict(zip(values[::2], values[1::2]))

    def extended(self, length):
        kind = self.number("b")
        return self.extension(kind, self.take(length))

    def extension(self, kind, content):
        raise Malformed(f"unknown extension {kind}")
