"""The sheets: parallel transfers, sizes, files listed, and the line between the ends."""

import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import sources
from benchmarks.plan import Content, Load, size_text
from benchmarks.scaling.bench import Bench, together
from benchmarks.scaling.rows import Case
from benchmarks.server import Server

_FOLDER_FILES = 100_000
_QUESTIONS = 20
_SMALL = 4096
_JOBS = ("--jobs", "4")


@dataclass(frozen=True)
class Extent:
    """How far the sheets go; sizes in bytes, round trips in milliseconds."""

    parallel: tuple[int, ...]
    parallel_size: int
    sizes: tuple[int, ...]
    files: tuple[int, ...]
    round_trips: tuple[float, ...]
    losses: tuple[float, ...]
    line_size: int
    line_files: int


def parallel(bench: Bench, extent: Extent) -> None:
    """Some clients at once, each with a file of its own, up and then down."""
    for number in extent.parallel:
        load = Load(0, number, extent.parallel_size, 1)
        for run in range(bench.runs):
            here = bench.folder / f"parallel-{number}-{run}"
            files = list(sources.files(sources.make(here / "source", load)[Content.SMALL]))
            names = [f"{here.name}-{file.name}" for file in files]
            (here / "target").mkdir()
            total = number * extent.parallel_size
            ups = [bench.peer.upload_file(*pair) for pair in zip(files, names, strict=True)]
            downs = [bench.peer.download_file(name, here / "target" / name) for name in names]
            setting = f"{number} × {size_text(extent.parallel_size)} at once"
            case = Case("Parallel transfers", setting, run)
            bench.measured(case, "up", together(ups), total)
            bench.measured(case, "down", together(downs), total)
            for file, name in zip(files, names, strict=True):
                sources.compare(file, here / "target" / name)
            _forget(bench, here, names)


def sizes(bench: Bench, extent: Extent) -> None:
    """One file of each size, up and then down."""
    for size in extent.sizes:
        for run in range(bench.runs):
            here = bench.folder / f"size-{size}-{run}"
            source = sources.make(here, Load(size, 0, 0, 1))[Content.LARGE]
            _both_ways(bench, Case("Sizes", size_text(size), run), source, here)
            _forget(bench, here, [here.name])


def listing(bench: Bench, extent: Extent) -> None:
    """More and more files, up to 100,000 in a folder: an upload, a page, a search, a whole list."""
    stored = 0
    for count in extent.files:
        case = Case("Files listed", f"{count:,}")
        while stored < count:
            more = min(_FOLDER_FILES, count - stored)
            here = bench.folder / f"files-{stored}"
            _write_tiny(here, stored, more)
            upload = bench.peer.upload_tree(here, f"many-{stored}")
            if stored + more == count:
                bench.measured(case, f"the last {more:,} up", upload)
            else:
                bench.done(upload)
            shutil.rmtree(here)
            stored += more
            newest = here.name.replace("files", "many")
        _ask(bench, case, "first page of a folder", {"path": newest})
        _ask(bench, case, "the same by size", {"path": newest, "sort": "size", "order": "desc"})
        _ask(bench, case, "search in all", {"path": "", "q": f"tiny-{count - 1:07}"})
        whole = bench.peer.list_all()
        bench.measured(case, "list --recursive", whole)


def line(bench: Bench, extent: Extent) -> None:
    """One file, and many small ones, over lines of more and more latency and loss."""
    for round_trip in extent.round_trips:
        # What a loss costs is a round trip: without one it is nothing.
        for loss in extent.losses if round_trip else (0.0,):
            _over(bench, extent, round_trip, loss)


def _over(bench: Bench, extent: Extent, round_trip: float, loss: float) -> None:
    argv = (sys.executable, "-m", "benchmarks.line", bench.peer.port, str(round_trip), str(loss))
    setting = f"{round_trip:g} ms, {loss:.1%} lost"
    server = Server(argv, bench.folder / "line.log", bench.peer.environ)
    try:
        far = bench.peer.through(server.await_line(r"(?<=port )\d+")[0])
        for run in range(bench.runs):
            here = bench.folder / f"line-{round_trip:g}-{loss:g}-{run}"
            made = sources.make(here, Load(extent.line_size, extent.line_files, _SMALL, 1))
            beyond = Bench(far, bench.folder, bench.runs, bench.timeout, bench.note)
            case = Case("Latency and loss", setting, run)
            _both_ways(beyond, case, made[Content.LARGE], here)
            _both_ways(beyond, case, made[Content.LARGE], here, jobs=True)
            _small_files(beyond, case, made[Content.SMALL], here, extent.line_files)
            _forget(bench, here, [here.name, f"{here.name}-jobs"])
    finally:
        server.stop()


def _both_ways(bench: Bench, case: Case, source: Path, here: Path, *, jobs: bool = False) -> None:
    """Up and down again, by one connection or by several; the bytes are new to the server."""
    words, name = (_JOBS, f"{here.name}-jobs") if jobs else ((), here.name)
    size, target, with_words = source.stat().st_size, here / "target", " ".join(("", *words))
    sources.mark(source, int(jobs))
    up, down = bench.peer.upload_file(source, name), bench.peer.download_file(name, target)
    bench.measured(case, f"up{with_words}", replace(up, argv=(*up.argv, *words)), size)
    bench.measured(case, f"down{with_words}", replace(down, argv=(*down.argv, *words)), size)
    sources.compare(source, target)
    target.unlink()


def _small_files(bench: Bench, case: Case, tree: Path, here: Path, count: int) -> None:
    name, size = f"{here.name}-small", count * _SMALL
    bench.measured(case, f"{count} × 4 KiB up", bench.peer.upload_tree(tree, name), size)
    bench.measured(case, f"{count} × 4 KiB down", bench.peer.download_tree(name, here / name), size)
    sources.compare(tree, here / name)


def _forget(bench: Bench, here: Path, names: Sequence[str]) -> None:
    """Make room: large files go at both ends, as between the runs of the comparison."""
    for name in names:
        bench.done(bench.peer.discard(name))
    shutil.rmtree(here)


def _write_tiny(folder: Path, first: int, number: int) -> None:
    folder.mkdir(parents=True)
    for place in range(first, first + number):
        descriptor = os.open(folder / f"tiny-{place:07}.txt", os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(descriptor, place.to_bytes(8, "little"))
        os.close(descriptor)


def _ask(bench: Bench, case: Case, work: str, question: dict[str, str]) -> None:
    """Note some answers of the web door, each on a connection of its own; none may be empty."""
    request = bench.peer.question(f"/api/v1/files?{urlencode(question)}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for run in range(_QUESTIONS):
        started = time.perf_counter()
        with opener.open(request, timeout=bench.timeout) as reply:
            answer = reply.read()
        bench.note(replace(case, run=run).row(work, time.perf_counter() - started))
        if not json.loads(answer)["files"]:
            raise sources.WrongContent(f"the answer to {work!r} is empty")


SHEETS = {"parallel": parallel, "sizes": sizes, "listing": listing, "line": line}
