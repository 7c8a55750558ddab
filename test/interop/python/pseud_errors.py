"""How errors travel, and what a caller makes of them (section 8 of the protocol)."""

import builtins
import traceback


class ServiceNotFoundError(Exception):
    pass


class UnauthorizedError(Exception):
    pass


class ComponentLookupError(LookupError):
    """A domain has no predicate."""


# Where the library has them; tracebacks and tests see it.
ServiceNotFoundError.__module__ = UnauthorizedError.__module__ = "pseud.interfaces"

OF_LIBRARY = {kind.__name__: kind for kind in (ServiceNotFoundError, UnauthorizedError)}


class WaitsForEver(BaseException):
    """Stands for a caller that hangs: the library has forgotten its call without an outcome."""


def describe(error):
    """Class name, text and traceback of an error that is being handled."""
    return type(error).__name__, str(error), traceback.format_exc()


def _indented(line):
    """Lines that are only blank lose their blanks."""
    return f"    {line}\n" if line.strip() else "\n"


def full_text(message, trace):
    lines = "".join(map(_indented, trace.splitlines()))
    header, footer = "-- Beginning of remote traceback --", "-- End of remote traceback --"
    return "\n".join((f"\n{header}\n{lines}{footer}\n", message))


def rebuild(name, message, trace):
    """The error at the caller. A builtin that is no class of errors, or takes no lone text, kills the reader."""
    text = full_text(message, trace)
    if not hasattr(builtins, name):
        return OF_LIBRARY[name](text) if name in OF_LIBRARY else Exception("\n".join((name, text)))
    found = getattr(builtins, name)
    if isinstance(found, type) and issubclass(found, BaseException):
        return found(text)
    # The library calls it, which ends the same way; here nothing is evaluated, opened, printed or asked for.
    raise TypeError(f"builtin {name} is no class of errors")
