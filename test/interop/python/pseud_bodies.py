"""The bodies: msgpack as strict as pseud reads it, arrays as tuples, and real pickles of dates in extensions."""

import datetime
import functools
import pickle

import msgpack

_dumps = functools.partial(pickle.dumps, protocol=pickle.HIGHEST_PROTOCOL)

# Extension code: class, to octets, from octets.
DATES = {
    123: (datetime.tzinfo, _dumps, pickle.loads),
    124: (datetime.timedelta, _dumps, pickle.loads),
    125: (datetime.datetime, _dumps, pickle.loads),
    126: (datetime.date, _dumps, pickle.loads),
}


class Bodies:
    """Packs and unpacks with a translation table, that of a user over the one for dates."""

    def __init__(self, table=None):
        self.table = dict(sorted({**DATES, **(table or {})}.items()))

    def pack(self, value):
        return msgpack.packb(value, use_bin_type=True, default=self._extend)

    def unpack(self, octets):
        """One value, nothing after it; keys are text or octets."""
        return msgpack.unpackb(octets, raw=False, use_list=False, strict_map_key=True, ext_hook=self._revive)

    def _extend(self, value):
        for code, (kind, to_octets, _) in self.table.items():
            if isinstance(value, kind):
                return msgpack.ExtType(code, to_octets(value))
        raise TypeError(f"{value!r} cannot be packed")

    def _revive(self, code, octets):
        if code in self.table:
            return self.table[code][2](octets)
        return msgpack.ExtType(code, octets)
