"""What is worked out when it is first asked for, and kept."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 - it is used as a decorator
    """functools.cached_property as Python 3.12 has it: without a lock for all objects of a class.

    The lock of Python 3.11 would be held for ever in a process that was forked while another thread had it. Two
    threads that ask at once may both work it out."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function, self._name, self.__doc__ = function, function.__name__, function.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> "lazy[T]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> "lazy[T] | T":
        if owner is None:
            return self
        # The dictionary itself, since the owner may be frozen; found there, this is not asked again.
        value: T = owner.__dict__.setdefault(self._name, self._function(owner))
        return value
