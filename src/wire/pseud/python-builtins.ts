/**
 * Names of Python's builtins that are no exceptions which one text makes, as of Python 3.11 and with those that `site` adds:
 * what `dir(builtins)` has, without the names that begin with two underscores, and without the subclasses of `Exception` that
 * can be called with one text and be set on a future, which `StopIteration` cannot.
 *
 * A Python peer that gets an error of such a name calls what it finds under it. That ends its reader, or the caller's program
 * (docs/pseud-wire.md, section 4).
 */
export const UNSENDABLE_NAMES: ReadonlySet<string> = new Set(
  `
  BaseException BaseExceptionGroup Ellipsis ExceptionGroup False GeneratorExit KeyboardInterrupt None NotImplemented
  StopIteration SystemExit True UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError abs aiter all anext any
  ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright credits delattr dict
  dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int
  isinstance issubclass iter len license list locals map max memoryview min next object oct open ord pow print
  property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip
`
    .trim()
    .split(/\s+/),
);
