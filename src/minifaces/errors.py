"""The one exception that the package raises for bad input and failed work, and the one warning that it gives.

Its message is one line that names the thing and the remedy. The command line prints it and exits: 2 when
the request itself was wrong (`UsageError`), 1 when it failed underway (`MinifacesError`)."""

from importlib.util import find_spec


class MinifacesError(Exception):
    """Something could not be done; the message says what, and what to do about it."""


class UsageError(MinifacesError):
    """What was asked for makes no sense: an unknown name, an impossible number, an odd file."""


class MinifacesWarning(UserWarning):
    """Something was done otherwise than asked for; the message, one line, says what. The command line prints it."""


def needs(what: str, extra: str, *modules: str) -> None:
    """Raise UsageError where a module of an extra is not installed."""
    for module in modules:
        if find_spec(module) is None:
            raise UsageError(f"{what} needs {module}: pip install 'minifaces[{extra}]'")
