"""One order out of several, each begun only when what it holds can be next."""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fileshare.storage.sqlite.orders import Key


class Source(NamedTuple):
    """Keys in order, none of which comes before `edge`."""

    edge: Key
    begin: Callable[[], Iterator[Key]]


def merged(sources: Iterable[Source], *, descending: bool) -> Iterator[Key]:
    """The keys of all sources, in order."""
    begins = list(sources)
    waiting = sorted((source.edge, number) for number, source in enumerate(begins))
    begun: dict[int, Iterator[Key]] = {}
    while waiting:
        key, number = waiting.pop(-1 if descending else 0)
        if number in begun:
            yield key
        else:
            begun[number] = begins[number].begin()
        following = next(begun[number], None)
        if following is not None:
            insort(waiting, (following, number))
