"""How much disk a benchmark needs at its fullest; pure arithmetic."""

from collections.abc import Container, Sequence

from benchmarks.plan import Content, Load, Work

# For the rehearsal, logs and databases.
_MARGIN = 1 << 30


def needed(load: Load, runs: int, peers: Sequence[Container[Work]]) -> int:
    """Return the bytes: the sources, every tree of every run, and the large files of one run."""
    works = load.works()
    sources = sum(load.bytes_of(content) for content in {work.content for work in works})
    copies = 0
    for able in peers:
        done = [work for work in works if work in able]
        for work in done:
            held = 1 if work.content is Content.LARGE else runs
            copies += held * load.bytes_of(work.content)
        # What is only fetched was brought there before; what is only stored is fetched to compare it.
        for origin in {work.origin for work in done}:
            belonging = [work for work in done if work.origin is origin]
            if origin not in done or len(belonging) == 1:
                held = 1 if origin.content is Content.LARGE else runs
                copies += held * load.bytes_of(origin.content)
    return sources + copies + _MARGIN
