"""Errors on order, so that tests can see what becomes of a failure at a chosen step.

Only the stores in memory have it: `store.fail("sync", StorageFailed())` and the next
`sync` raises. Never reached in a server.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from fileshare.errors import FileshareError, StorageFailed, Unavailable

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Mishaps")


@dataclass(slots=True)
class _Planned:
    step: str
    error: FileshareError
    left: int
    after: bool


class Mishaps:
    """A store that fails when it was told to."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._stopped = False

    def fail(self, step: str, error: FileshareError, nth: int = 1, *, after: bool = False) -> None:
        """Let the `nth` call of the method `step` from now on raise `error`, once.

        With `after` the work has been done when it raises: a commit whose outcome the
        caller can't know. That, and a StorageFailed, stops a catalog's writes (Unavailable)
        until `reopen_after_failure`.
        """
        self._planned.append(_Planned(step, error, nth, after))

    def reopen_after_failure(self) -> None:
        """The store is opened anew: it takes writes again."""
        self._stopped = False

    def reach(self, step: str, *, after: bool = False) -> None:
        """Raise what was planned for this call of `step`."""
        for planned in self._planned:
            if (planned.step, planned.after) != (step, after):
                continue
            planned.left -= 1
            if planned.left == 0:
                self._planned.remove(planned)
                self._stopped = self._stopped or after or isinstance(planned.error, StorageFailed)
                raise planned.error

    def check_writable(self) -> None:
        """Raise Unavailable after a failure that stops writes."""
        if self._stopped:
            raise Unavailable()


Method = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


def writes(method: Method[S, P, T]) -> Method[S, P, T]:
    """A method that changes the store: refused after a failure, and fails as planned."""

    @wraps(method)
    async def unit(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.check_writable()
        self.reach(method.__name__)
        result = await method(self, *args, **kwargs)
        self.reach(method.__name__, after=True)
        return result

    return unit


def reads(method: Method[S, P, T]) -> Method[S, P, T]:
    """A method that only looks: fails as planned."""

    @wraps(method)
    async def unit(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.reach(method.__name__)
        return await method(self, *args, **kwargs)

    return unit
