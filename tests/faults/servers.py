"""Parts of the long run that need a real server: stopped amid transfers, copied under load, rotten, large."""

import hashlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.restart import Restart
from tests.acceptance.stage import Stage
from tests.e2e.inspection import inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1
from tests.e2e.tus import Tus, web_address
from tests.faults.forks import Tell, in_child
from tests.faults.parts import Plan
from tests.faults.soak import soaked
from tests.faults.stops import stopped

MIB = 1 << 20
BACKUPS = 50

Check = Callable[[Stage], list[Row]]


def part(name: str, check: Check) -> Callable[[Plan], list[Row]]:
    """A part of that name, in a child: it may have threads."""

    def run(plan: Plan) -> list[Row]:
        (rows,) = in_child(partial(_in_child, plan, name, check)).values
        assert isinstance(rows, list)
        return rows

    return run


def _in_child(plan: Plan, name: str, check: Check, tell: Tell) -> None:
    stage = Stage(plan.folder / name, f"{plan.seed} {name}", plan.count, plan.say)
    try:
        tell(check(stage))
    finally:
        stage.close()


# Copied


def copied(stage: Stage) -> list[Row]:
    """Backups while files are uploaded: each is restored, and each is started on as well."""
    server, many = stage.serve(require_auth=False), stage.count(BACKUPS)
    wrong = {"restore-backup": list[str](), "started on": list[str]()}
    with _load(server) as told:
        for number in range(many):
            wait_until("more has come", lambda: len(told) > 2 * number)  # noqa: B023 (at once)
            copy, before = stage.folder / f"copy{number}" / "data", dict(told)
            copy.parent.mkdir()
            _back_up(server, copy, before, wrong)
            shutil.rmtree(copy.parent)
            found = sum(map(len, wrong.values()))
            stage.say(f"backups: {number + 1} of {many}, {found} findings")
    return [none_of(f"backup under load, {way}: not whole", "backups", wrong[way], many) for way in wrong]


@contextmanager
def _load(server: Server) -> Iterator[dict[str, str]]:
    """Files arrive meanwhile, small and large; gives each one's digest once it was acknowledged."""
    told: dict[str, str] = {}
    ended = threading.Event()

    def send() -> None:
        with Version1(server.address) as talk:
            while not ended.is_set():
                number = len(told)
                data = content(300_000 if number % 2 else 3000, seed=number)
                talk.upload(f"{number}.bin", data)
                told[f"{number}.bin"] = hashlib.sha256(data).hexdigest()
                ended.wait(0.05)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield told
    finally:
        ended.set()
        sender.join()


def _back_up(server: Server, copy: Path, told: dict[str, str], wrong: dict[str, list[str]]) -> None:
    """What was told before must be in it, whichever way it is used."""
    restored = copy.with_name("restored")
    for way, used, words in (
        ("restore-backup", restored, ((server, "backup", copy), (Server(restored), "restore-backup", copy))),
        ("started on", copy, ()),
    ):
        for one, word, target in words:
            done = one.run(word, str(target))
            if done.returncode:
                wrong[way].append(f"{word} ended with {done.returncode}: {done.stderr[-200:]}")
        try:
            wrong[way] += [f"{copy.parent.name}: {finding}" for finding in _tried(used, told)]
        except (OSError, AssertionError, sqlite3.Error) as error:
            wrong[way].append(f"{copy.parent.name}: {type(error).__name__}: {error}")


def _tried(folder: Path, told: dict[str, str]) -> Iterator[str]:
    """Start on it, download all, look at it from outside."""
    again = Server(folder, {"require_auth": False}).start()
    try:
        with Version1(again.address) as talk:
            got = {name: hashlib.sha256(talk.download(name)).hexdigest() for name in talk.names()}
    finally:
        code = again.stop()
    if code:
        yield f"the server on it ended with {code}"
    if not told.items() <= got.items():
        yield f"files are missing: {sorted(told.items() - got.items())[:3]}"
    found = inspect(folder, rehash=True)
    if got != stored(folder) or found.lost or found.orphans:
        yield str(found)


# Rotten


def rotten(stage: Stage) -> list[Row]:
    """Blobs that changed on the disk: `verify` finds them, downloads refuse, the version before is there."""
    server = stage.serve(bcrypt_cost=4)
    shell, wrong = stage.shell(server.address), list[str]()
    with Version1(server.address).log_in() as talk:
        for number, name in enumerate(ROTS):
            talk.upload(name, content(MIB, seed=number))
            talk.upload(name, content(MIB, seed=100 + number), overwrite=True)
        for name, spoil in ROTS.items():
            digest = stored(server.data_dir)[name]
            spoil(server.data_dir / "blobs" / digest[:2] / digest)
    verified = server.run("verify")
    for number, name in enumerate(ROTS):
        if verified.returncode != 5 or name not in verified.stdout:
            wrong.append(f"{name}: verify ended with {verified.returncode} and did not name it")
        target = shell.work / f"{name}.out"
        if not shell.run("download", name, "--output", target, expect=None).code or target.exists():
            wrong.append(f"{name}: was downloaded")
        before = Tus(web_address(server)).ask("GET", f"/files/{name}?version=1")
        if before.body != content(MIB, seed=number):
            wrong.append(f"{name}: the version before answers {before.status}")
    for name in ROTS:  # whether a bit flipped is known since `verify` has read all
        answer = Tus(web_address(server)).ask("GET", f"/files/{name}")
        if answer.status != 500 or b"version 1 is whole" not in answer.body:
            wrong.append(f"{name}: the web door answers {answer.status}: {answer.body[-200:]!r}")
    with Version1(server.address).log_in() as talk:
        for name in ROTS:
            status, told = talk.ask("DOWNLOAD", filename=name)
            if status != "ERROR" or "version 1 is whole" not in told["message"]:
                wrong.append(f"{name}: the TCP door answers {status} {told}")
        for number, name in enumerate(ROTS):
            talk.upload(name, content(MIB, seed=100 + number), overwrite=True)
    if (healed := server.run("verify")).returncode:
        wrong.append(f"uploaded once more they are not healed: {healed.stdout[-200:]}")
    return [none_of("bit rot that is not found, or served", "findings", wrong, len(ROTS))]


def _flip(blob: Path) -> None:
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(data)


def _truncate(blob: Path) -> None:
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.truncate(MIB // 2)


ROTS: dict[str, Callable[[Path], None]] = {"flipped": _flip, "truncated": _truncate, "missing": Path.unlink}


# Large


def large(stage: Stage) -> list[Row]:
    """A restart with a hundred thousand files, after a kill."""
    if stage.counted is not None:  # as many thousands are asked for
        stage.counted = 1
    return Restart(stage).run()


def soak(plan: Plan) -> list[Row]:
    """Everything together, for as long as was asked."""
    return part("soak", partial(soaked, minutes=plan.minutes))(plan)


SERVER_PARTS = {
    "stop": part("stop", stopped),
    "backups": part("backups", copied),
    "rot": part("rot", rotten),
    "large": part("large", large),
    "soak": soak,
}
