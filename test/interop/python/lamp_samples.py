"""One value of every kind that docs/lamp-wire.md, section 3, names. The other side has the same names."""

import struct

from lamp_values import UNDEFINED, BigInt, Binary, Date, Error, Map, RegExp, Set, Url

BIG = 20_000

SAMPLES = {
    "nil": None,
    "true": True,
    "false": False,
    "integers": [0, 127, 128, 255, 65_536, 1 << 32, (1 << 53) - 1, -1, -32, -33, -129, -32_769, -(1 << 31) - 1, 1 - (1 << 53)],
    "doubles": [0.5, -0.0, float("nan"), float("inf"), float("-inf"), 1.5e300],
    "texts": ["", "é☃", "\U0001f600", "x" * 31, "x" * 32, "x" * 256, "x" * 65_536],
    "array": [1, [2, [3, []]]],
    "map": {"a": {"b": [None, True]}, "": 0},
    "long": [list(range(16)), list(range(70_000))],
    "wide": {f"k{n}": n for n in range(20)},
    "undefined": [UNDEFINED, {"u": UNDEFINED}],
    "bigint": [BigInt(0), BigInt(255), BigInt(-255), BigInt(1 << 63), BigInt(1 << 80), BigInt(-(1 << 80))],
    "Date": [Date(0.0), Date(1234567890123.0), Date(-1.0), Date(float("nan"))],
    "Map": Map([["a", 1], [Date(1.0), Set([2])], [Map([]), None]]),
    "Set": Set([1, "two", [3]]),
    "RegExp": RegExp("a\\/b.*\\d", "gi"),
    "URL": Url("https://example.org/a?b=c#d"),
    "Error": Error("TypeError", "outer", cause=Error("RangeError", "inner", cause="a text")),
    "ErrorWithData": Error("Error", "coded", data={"code": "E_X", "at": Date(1.0)}),
    "AggregateError": Error("AggregateError", "several", errors=[Error("Error", "one"), 2]),
    "Uint8Array": b"\x00\x01\xff",
    "Buffer": Binary("Buffer", b"\x00\x01\xff"),
    "ArrayBuffer": Binary("ArrayBuffer", b"\x00\x01\xff"),
    "DataView": Binary("DataView", b"\x00\x01\xff"),
    "Int8Array": Binary("Int8Array", struct.pack("<3b", 0, 1, -1)),
    "Uint8ClampedArray": Binary("Uint8ClampedArray", b"\x00\x01\xff"),
    "Int16Array": Binary("Int16Array", struct.pack("<2h", 1, -2)),
    "Uint16Array": Binary("Uint16Array", struct.pack("<2H", 1, 65_535)),
    "Int32Array": Binary("Int32Array", struct.pack("<2i", 1, -2)),
    "Uint32Array": Binary("Uint32Array", struct.pack("<2I", 1, 4_294_967_295)),
    "Float32Array": Binary("Float32Array", struct.pack("<2f", 0.5, -2)),
    "Float64Array": Binary("Float64Array", struct.pack("<2d", 0.5, -2)),
    "BigInt64Array": Binary("BigInt64Array", struct.pack("<2q", 1, -2)),
    "BigUint64Array": Binary("BigUint64Array", struct.pack("<2Q", 1, (1 << 64) - 1)),
    "emptyBinary": b"",
    "bigBinary": [b"\x05" * BIG, Binary("Buffer", b"\x06" * BIG), Binary("Float64Array", struct.pack("<d", 0.5) * BIG)],
}


def same(one, other):
    """Whether two values are the same in kind and content; repr tells -0.0 from 0, NaN is itself, and 1 is not True."""
    return repr(one) == repr(other)
