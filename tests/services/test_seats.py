"""Who gives way at a door where there are too many."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

import pytest

from fileshare.services import memory, room
from fileshare.services.room import Room
from fileshare.services.seats import Seats

EVER = 1000.0
"""Seconds that nothing here lasts: who came is still fresh."""


@dataclass(eq=False)
class Sitter:
    """A connection that remembers whether it was asked to leave."""

    group: str = "a"
    holder: Hashable = None
    gone: bool = False

    @property
    def stranger(self) -> bool:
        return self.holder is None

    def give_way(self) -> None:
        self.gone = True


def seats(places: int = 100, strangers: int = 100, per_address: int = 2, moment: float = 0) -> Seats:
    return Seats(Room(places), strangers, per_address, moment)


def come(door: Seats, *sitters: Sitter) -> tuple[Sitter, ...]:
    for sitter in sitters:
        assert door.come(sitter)
    return sitters


async def gone(*sitters: Sitter) -> list[bool]:
    """Who has had to go, once the loop has turned."""
    for _ in range(3):
        await asyncio.sleep(0)
    return [sitter.gone for sitter in sitters]


async def test_of_too_many_strangers_of_an_address_the_oldest_give_way() -> None:
    door = seats()
    here = come(door, *(Sitter() for _ in range(4)))
    other = come(door, Sitter("b"))
    assert await gone(*here, *other) == [True, True, False, False, False]


async def test_of_too_many_strangers_in_all_the_oldest_give_way() -> None:
    door = seats(strangers=2)
    assert await gone(*come(door, *(Sitter(str(number)) for number in range(3)))) == [True, False, False]


async def test_newcomers_have_a_moment_however_many_they_are() -> None:
    door = seats(moment=EVER)
    assert not any(await gone(*come(door, *(Sitter() for _ in range(50)))))
    door.close()


async def test_newcomers_give_way_when_their_moment_is_over() -> None:
    door = seats(moment=0.01)
    first, *others = come(door, *(Sitter() for _ in range(3)))
    async with asyncio.timeout(30):
        while not first.gone:
            await asyncio.sleep(0)
    assert not any(await gone(*others))


async def test_who_never_said_a_word_goes_before_who_did() -> None:
    door = seats()
    spoken, silent = come(door, Sitter(), Sitter())
    door.ask(spoken)
    door.wait(spoken)
    (newest,) = come(door, Sitter())
    assert await gone(spoken, silent, newest) == [False, True, False]


async def test_who_only_speaks_again_and_again_gives_way_as_well() -> None:
    door = seats()
    sitters = come(door, Sitter(), Sitter())
    for sitter in (*sitters, *sitters):
        door.ask(sitter)
        door.wait(sitter)
    newest = Sitter()
    assert door.come(newest)
    door.ask(newest)
    door.wait(newest)
    assert await gone(*sitters, newest) == [True, False, False]


async def test_who_is_answered_or_logged_in_is_no_stranger_who_waits() -> None:
    door = seats(per_address=1)
    asking, known = come(door, Sitter(), Sitter(holder=1))
    door.ask(asking)
    strangers = come(door, Sitter(), Sitter())
    assert await gone(asking, known, *strangers) == [False, False, True, False]


async def test_at_the_last_place_a_stranger_goes_first_then_the_idle_of_who_has_most() -> None:
    door = seats(places=4, moment=EVER)
    alone, *many = come(door, Sitter(holder=1), Sitter(holder=2), Sitter(holder=2))
    stranger, newcomer, second = Sitter(), Sitter(holder=3), Sitter(holder=4)
    come(door, stranger, newcomer)
    assert await gone(stranger, alone, *many) == [True, False, False, False]
    come(door, second)
    assert await gone(alone, *many, newcomer) == [False, True, False, False]


async def test_at_the_last_place_a_crowd_of_busy_ones_of_one_account_does_not_keep_the_door_shut() -> None:
    door = seats(places=8)
    greedy = come(door, *(Sitter(holder="mallory") for _ in range(3)), Sitter(holder="anna"))
    for one in greedy:
        door.ask(one)
    come(door, Sitter())
    assert await gone(*greedy) == [True, False, False, False]


async def test_where_all_are_busy_and_nobody_has_too_many_there_is_no_place() -> None:
    door = seats(places=4)
    for one in come(door, Sitter(holder=1), Sitter(holder=2)):
        door.ask(one)
    assert not door.come(Sitter())


@pytest.mark.parametrize("times", [1, 2])
async def test_who_left_counts_no_more(times: int) -> None:
    door = seats(per_address=1)
    (first,) = come(door, Sitter())
    for _ in range(times):
        door.leave(first)
    second = come(door, Sitter())
    assert not any(await gone(first, *second))


async def test_those_who_wait_take_one_place_and_those_who_ask_two() -> None:
    door = seats(places=4, moment=EVER)
    here = come(door, *(Sitter(holder=number) for number in range(4)))
    door.ask(here[3])
    assert await gone(*here) == [True, False, False, False]
    door.wait(here[3])
    assert not any(await gone(*come(door, Sitter(holder=5)), *here[1:]))


async def test_nobody_gives_way_to_a_stranger_who_only_says_who_it_is() -> None:
    door = seats(places=2, moment=EVER)
    known, stranger = come(door, Sitter(holder=1), Sitter())
    door.ask(stranger)
    assert not any(await gone(known, stranger))


async def test_nobody_who_is_answered_gives_way_to_another_who_asks() -> None:
    door = seats(places=3, moment=EVER)
    both = come(door, Sitter(holder=1), Sitter(holder=1))
    for one in both:
        door.ask(one)
    assert not any(await gone(*both))


async def test_two_doors_share_their_places_and_the_one_that_holds_most_gives_way() -> None:
    both = Room(3)
    tcp, web = (Seats(both, 100, 100, EVER) for _ in range(2))
    crowd = come(web, *(Sitter(holder=1) for _ in range(3)))
    (newcomer,) = come(tcp, Sitter(holder=2))
    assert await gone(*crowd, newcomer) == [True, False, False, False]


async def test_memory_is_given_back_once_when_a_crowd_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[None] = []
    monkeypatch.setattr(memory, "give_back", lambda: given_back.append(None))
    monkeypatch.setattr(room, "SOON", 0)
    door = seats(places=room.CROWD * 2, strangers=room.CROWD * 2, per_address=room.CROWD * 2)
    crowd = come(door, *(Sitter() for _ in range(room.CROWD + 1)))
    for count, one in enumerate(crowd, 1):
        door.leave(one)
        if count < room.CROWD * 7 // 8:
            assert not await gone() and not given_back
    await gone()
    assert len(given_back) == 1
