"""Processes of somebody who asks both doors for lists, as long as told to, and is timed.

Some connections stand from the beginning, some are new each time and log in first, by token or by
password. Prints what was asked, from when to when, and what went wrong, if anything did.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple, Self

from tests.e2e.servers import Server
from tests.e2e.talk import Talk, Version2
from tests.e2e.tus import web_address

PAUSES = {"lists": 0.020, "passwords": 1.0}
"""Seconds between two rounds of questions; each is a process's, so that neither waits for the other."""
PATIENCE = 30.0
LIST = "/api/v1/files?path=small&limit=1000"
TOP = Path(__file__).parents[2]


class Asked(NamedTuple):
    """One question: seconds of the monotonic clock, and what went wrong."""

    what: str
    start: float
    end: float
    wrong: str

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


class Neighbour:
    """Both doors, on connections that are kept."""

    def __init__(self, tcp: tuple[str, int], web: tuple[str, int], name: str, password: str) -> None:
        self._tcp, self._web, self._name, self._password = tcp, web, name, password
        self._talk = Version2(tcp, PATIENCE)
        self._token = self._password_at_tcp(self._talk)
        self._line = HTTPConnection(*web, timeout=PATIENCE)

    def lists(self) -> Mapping[str, Callable[[], None]]:
        """Lists on connections that stand, and on new ones."""
        return {
            "kept TCP": lambda: _list_at_tcp(self._talk),
            "kept web": lambda: _list_at_web(self._line, f"Bearer {self._token}"),
            "token TCP": self._new_at_tcp,
            "token web": lambda: self._new_at_web(f"Bearer {self._token}"),
        }

    def passwords(self) -> Mapping[str, Callable[[], None]]:
        """Logins, each of which costs a quarter of a second of a processor."""
        return {"password TCP": self._password_new_at_tcp, "password web": self._password_at_web}

    def _new_at_tcp(self) -> None:
        with Version2(self._tcp, PATIENCE) as talk:
            status, data = talk.ask("AUTH", token=self._token)
            assert status == "AUTH_SUCCESS", (status, data)
            _list_at_tcp(talk)

    def _new_at_web(self, credential: str) -> None:
        line = HTTPConnection(*self._web, timeout=PATIENCE)
        try:
            _list_at_web(line, credential)
        finally:
            line.close()

    def _password_new_at_tcp(self) -> None:
        with Version2(self._tcp, PATIENCE) as talk:
            self._password_at_tcp(talk)

    def _password_at_tcp(self, talk: Talk) -> str:
        status, data = talk.ask("AUTH", username=self._name, password=self._password, name="neighbour")
        assert status == "AUTH_SUCCESS", (status, data)
        return str(data["token"])

    def _password_at_web(self) -> None:
        line = HTTPConnection(*self._web, timeout=PATIENCE)
        body = json.dumps({"username": self._name, "password": self._password})
        try:
            line.request("POST", "/api/v1/tokens", body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
            assert answer.status in (200, 201), (answer.status, text)
        finally:
            line.close()


def _list_at_tcp(talk: Talk) -> None:
    status, data = talk.ask("LIST", path="", recursive=True)
    assert status == "OK" and data["entries"], (status, data)


def _list_at_web(line: HTTPConnection, credential: str) -> None:
    line.request("GET", LIST, headers={"Authorization": credential})
    answer = line.getresponse()
    text = answer.read()
    assert answer.status == 200, (answer.status, text)


def ask(questions: Mapping[str, Callable[[], None]], pause: float) -> list[Asked]:
    """From each other line of standard input to the next, until that ends. Tells all afterwards: a full
    pipe would stop it."""
    asked: list[Asked] = []
    busy = False
    while True:
        if select.select([sys.stdin], [], [], pause if busy else None)[0]:
            if not sys.stdin.readline():
                return asked
            busy = not busy
            continue
        for what, question in questions.items():
            start, wrong = time.monotonic(), ""
            try:
                question()
            except (OSError, HTTPException, AssertionError, ValueError, KeyError) as error:
                wrong = f"{type(error).__name__}: {error}"
            asked.append(Asked(what, start, time.monotonic(), wrong))


class Neighbours:
    """A process for each kind of question, from `with` on; `asked` has what they tell, after it."""

    def __init__(self, server: Server, name: str, password: str) -> None:
        self.asked: list[Asked] = []
        self._words = [str(word) for word in (*server.address, *web_address(server), name, password)]

    def __enter__(self) -> Self:
        pipe, command = subprocess.PIPE, [sys.executable, "-m", __name__]
        self._processes = [
            subprocess.Popen([*command, kind, *self._words], stdin=pipe, stdout=pipe, text=True, cwd=TOP)
            for kind in PAUSES
        ]
        return self

    @contextmanager
    def asking(self) -> Iterator[None]:
        """They ask, within."""
        self._turn()
        try:
            yield
        finally:
            self._turn()

    def _turn(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            told = process.communicate()[0]
            self.asked += [Asked(*json.loads(line)) for line in told.splitlines()]


if __name__ == "__main__":
    what, tcp_host, tcp_port, web_host, web_port, *who = sys.argv[1:]
    one = Neighbour((tcp_host, int(tcp_port)), (web_host, int(web_port)), *who)
    for found in ask(one.lists() if what == "lists" else one.passwords(), PAUSES[what]):
        sys.stdout.write(json.dumps(found) + "\n")
