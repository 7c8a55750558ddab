"""The values of the lamp wire, written from docs/lamp-wire.md, section 3: classes for those that Python lacks, and how all
of them are written and read."""

from dataclasses import dataclass, field
from typing import Any

from messagepack import Malformed, Packer, Unpacker

BINARY_KINDS = (
    "Uint8Array Buffer ArrayBuffer DataView Int8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array "
    "Float32Array Float64Array BigInt64Array BigUint64Array"
).split()
FRAME_BYTES = 16 * 1024


class Undefined:
    def __repr__(self):
        return "UNDEFINED"


UNDEFINED = Undefined()


class BigInt(int):
    """An integer that was, or is to be, a bigint over there; plain integers become numbers as long as those hold them."""

    def __repr__(self):
        return f"BigInt({int(self)})"


@dataclass(frozen=True)
class Date:
    ms: float


@dataclass(frozen=True)
class Map:
    pairs: list


@dataclass(frozen=True)
class Set:
    members: list


@dataclass(frozen=True)
class RegExp:
    source: str
    flags: str


@dataclass(frozen=True)
class Url:
    href: str


@dataclass(frozen=True)
class Error:
    name: str
    message: str
    cause: Any = None
    errors: Any = None
    data: Any = None


@dataclass(frozen=True)
class Binary:
    """Octets of one of BINARY_KINDS; those of a Uint8Array arrive as `bytes`. `beside` sends few of them in a frame."""

    kind: str
    octets: bytes
    beside: bool = field(default=False, repr=False)


class Encoder(Packer):
    """Writes one record. `ends` gives numbers to references and streams (types 11 and 12); what stands beside the
    record is in `frames`, numbered from `first_frame` on."""

    def __init__(self, ends, first_frame=0):
        super().__init__()
        self.ends = ends
        self.first_frame = first_frame
        self.frames = []
        self.given = []

    @property
    def size(self):
        return len(self.out) + sum(map(len, self.frames))

    def record(self, parts):
        self.length(len(parts), (0x90, 16), (None, 0xDC, 0xDD))
        for part in parts:
            self.value(part)

    def value(self, value):
        if type(value) is bytes and len(value) >= FRAME_BYTES:
            self.binary(0, value)
        else:
            super().value(value)

    def other(self, value):
        if value is UNDEFINED:
            self.extension(1, b"")
        elif isinstance(value, int):
            self.content(2, [("-" if value < 0 else "") + f"{abs(value):x}"])
        elif isinstance(value, Date):
            self.content(3, [float(value.ms)])
        elif isinstance(value, Map):
            self.content(4, [part for pair in value.pairs for part in pair])
        elif isinstance(value, Set):
            self.content(5, value.members)
        elif isinstance(value, RegExp):
            self.content(6, [value.source, value.flags])
        elif isinstance(value, Url):
            self.content(7, [value.href])
        elif isinstance(value, Error):
            self.content(8, [{name: part for name, part in vars(value).items() if part is not None}])
        elif isinstance(value, Binary):
            self.binary(BINARY_KINDS.index(value.kind), value.octets, value.beside)
        else:
            kind, content, given = self.ends.give(value)
            self.given.append(given)
            self.content(kind, content)

    def content(self, kind, values):
        outer, self.out = self.out, bytearray()
        self.inside(values)
        content, self.out = self.out, outer
        self.extension(kind, content)

    def binary(self, kind, octets, beside=False):
        if len(octets) < FRAME_BYTES and not beside:
            self.extension(9, bytes([kind]) + octets)
            return
        number = Packer()
        number.value(self.first_frame + len(self.frames))
        self.extension(10, bytes([kind]) + number.out)
        self.frames.append(octets)


class Decoder(Unpacker):
    """Reads the records of one message, `frames` being those that follow; `ends` makes something of references and
    streams."""

    def __init__(self, data, frames, ends):
        super().__init__(data)
        # The array that a record is does not count.
        self.depth = -1
        self.frames = frames
        self.ends = ends

    def extension(self, kind, content):
        if kind == 9:
            return self.binary(content[:1], bytes(content[1:]))
        if kind == 10:
            number = Unpacker(content[1:]).value()
            if not isinstance(number, int) or not 0 <= number < len(self.frames):
                raise Malformed("no such frame")
            return self.binary(content[:1], self.frames[number])
        try:
            return self.built(kind, self.parts(content))
        except (IndexError, TypeError, ValueError) as error:
            raise Malformed(f"extension {kind}: {error}") from error

    def parts(self, content):
        """The values that stand one after the other in an extension."""
        outer = self.data, self.at
        self.data, self.at = content, 0
        self.enter()
        values = []
        while not self.at_end:
            values.append(self.value())
        self.depth -= 1
        self.data, self.at = outer
        return values

    def built(self, kind, parts):
        if kind == 1:
            return UNDEFINED
        if kind == 2:
            return BigInt(parts[0], 16)
        if kind == 3:
            return Date(float(parts[0]))
        if kind == 4:
            return Map([list(pair) for pair in zip(parts[::2], parts[1::2], strict=True)])
        if kind == 5:
            return Set(parts)
        if kind == 6:
            return RegExp(*parts)
        if kind == 7:
            return Url(*parts)
        if kind == 8:
            return Error(**parts[0])
        if kind == 11:
            return self.ends.take_reference(*parts)
        if kind == 12:
            return self.ends.take_stream(*parts)
        raise Malformed(f"unknown extension {kind}")

    def binary(self, kind, octets):
        if len(kind) == 0 or kind[0] >= len(BINARY_KINDS):
            raise Malformed("no such kind of binary value")
        return octets if kind[0] == 0 else Binary(BINARY_KINDS[kind[0]], octets)
