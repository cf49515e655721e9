"""Work in a child process that may be killed: what it told until then arrives here.

To fork is far cheaper than to start Python anew. Only for a process with one thread,
as `python -m tests.faults` is: its work with threads and loops is done in children, too.
"""

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

Tell = Callable[[Any], None]


@dataclass(frozen=True)
class Told:
    """What a child told, in order, and whether it was killed."""

    values: list[Any]
    killed: bool


def in_child(work: Callable[[Tell], None]) -> Told:
    """Do `work` in a child, which is given a way to tell. Raises RuntimeError when it ends with an error."""
    return in_children([work])[0]


def in_children(works: Sequence[Callable[[Tell], None]]) -> list[Told]:
    """Each in a child of its own, beside each other. Raises as `in_child`."""
    children = [_fork(work) for work in works]
    return [_end_of(child, reading) for child, reading in children]


def _fork(work: Callable[[Tell], None]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(work, writing)
    os.close(writing)
    return child, reading


def _end_of(child: int, reading: int) -> Told:
    with os.fdopen(reading, "rb") as pipe:
        values = list(_received(pipe.read()))
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if status and not killed:
        raise RuntimeError(f"the child ended with {os.waitstatus_to_exitcode(status)}")
    return Told(values, killed)


def _work(work: Callable[[Tell], None], writing: int) -> NoReturn:
    """In the child. It must never come back into what its parent was doing."""
    code = 1
    try:
        work(lambda value: _send(writing, value))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _send(writing: int, value: object) -> None:
    data = pickle.dumps(value)
    view = memoryview(len(data).to_bytes(4, "big") + data)
    while view:
        view = view[os.write(writing, view) :]


def _received(data: bytes) -> Iterator[Any]:
    """Whole messages; a kill may have cut the last."""
    while len(data) >= 4 and len(data) >= (end := 4 + int.from_bytes(data[:4], "big")):
        yield pickle.loads(data[4:end])
        data = data[end:]
