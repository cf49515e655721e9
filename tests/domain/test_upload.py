"""The life of an upload, against a model that is nothing but a list of received bytes."""

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from fileshare.domain import upload as life
from fileshare.domain.digest import EMPTY, digest_of
from fileshare.domain.model import Upload, UploadState
from fileshare.errors import BadOffset, DigestMismatch, FileshareError, TooLarge

OTHER = digest_of(b"other")
WEEK = 7 * 24 * 3600 * 1000


def begun(size: int | None = 10, digest: str | None = None) -> Upload:
    return life.begin("0" * 32, 1, "a/b", now=5, boot_id="boot", device=7, size=size, digest=digest)


def in_state(state: UploadState) -> Upload:
    return replace(begun(), state=state, offset=10, found_digest=EMPTY if state is life.VERIFYING else None)


def test_an_upload_begins_with_nothing_received() -> None:
    upload = begun()
    assert (upload.state, upload.offset, upload.epoch) == (life.RECEIVING, 0, 1)
    assert (upload.created, upload.touched) == (5, 5)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(BadOffset):
        begun(size=-1)


def test_bytes_past_the_announced_size_are_refused() -> None:
    assert life.advance(begun(), 10, 6).offset == 10
    with pytest.raises(TooLarge):
        life.advance(begun(), 11, 6)
    with pytest.raises(TooLarge):
        life.reopen(begun(), 11, "boot", 7, 6)


def test_a_durable_offset_never_goes_back_while_receiving() -> None:
    with pytest.raises(ValueError, match="advance"):
        life.advance(life.advance(begun(), 6, 6), 5, 7)


def test_a_missing_byte_is_not_verified() -> None:
    with pytest.raises(BadOffset, match="Only 9 of 10"):
        life.verify(life.advance(begun(), 9, 6), EMPTY, 7)


def test_another_digest_than_the_promised_one_is_not_verified() -> None:
    upload = life.advance(begun(digest=EMPTY), 10, 6)
    with pytest.raises(DigestMismatch):
        life.verify(upload, OTHER, 7)
    assert life.reject(upload, 7).state is life.REJECTED


def test_unknown_size_is_settled_by_what_arrived() -> None:
    verified = life.verify(life.advance(begun(size=None), 12, 6), OTHER, 7)
    assert (verified.state, verified.size, verified.found_digest) == (life.VERIFYING, 12, OTHER)


def test_end_may_tell_what_the_beginning_did_not() -> None:
    upload = life.promise(life.advance(begun(size=None), 12, 6), 7, size=12, digest=OTHER)
    assert (upload.size, upload.digest) == (12, OTHER)
    with pytest.raises(DigestMismatch):
        life.verify(upload, EMPTY, 8)


@pytest.mark.parametrize("size", [9, 11])
def test_end_may_not_contradict_the_announced_size(size: int) -> None:
    with pytest.raises(BadOffset, match="10 were announced"):
        life.promise(life.advance(begun(), 10, 6), 7, size=size)


def test_end_may_not_cut_off_what_has_arrived() -> None:
    with pytest.raises(BadOffset):
        life.promise(life.advance(begun(size=None), 12, 6), 7, size=11)


def test_end_may_not_contradict_the_promised_digest() -> None:
    assert life.promise(begun(digest=EMPTY), 6, digest=EMPTY).digest == EMPTY
    with pytest.raises(DigestMismatch):
        life.promise(begun(digest=EMPTY), 6, digest=OTHER)


def test_nothing_learned_changes_nothing_promised() -> None:
    upload = begun(digest=EMPTY)
    assert life.promise(upload, 5) == upload


def test_a_short_part_after_a_power_cut_is_received_again() -> None:
    verifying = life.verify(life.advance(begun(), 10, 6), EMPTY, 7)
    again = life.reopen(verifying, 4, "another boot", 8, 9)
    assert (again.state, again.offset, again.found_digest) == (life.RECEIVING, 4, None)
    assert (again.boot_id, again.device, again.touched) == ("another boot", 8, 9)


def test_hashing_is_gone_on_with_unless_the_part_is_shorter_than_it_was() -> None:
    upload = life.advance(begun(), 9, 6, b"state at 9")
    assert life.reopen(upload, 9, "boot", 7, 7).hash_state == b"state at 9"
    assert life.reopen(upload, 10, "boot", 7, 7).hash_state == b"state at 9"
    assert life.reopen(upload, 8, "another", 7, 7).hash_state is None


def test_a_kept_tail_after_a_kill_moves_the_offset_forward() -> None:
    assert life.reopen(life.advance(begun(), 4, 6), 9, "boot", 7, 7).offset == 9


def test_a_negative_offset_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="no offset"):
        life.reopen(begun(), -1, "boot", 7, 7)


@pytest.mark.parametrize("state", sorted(life.LIVE))
def test_each_takeover_raises_the_epoch_and_nothing_else(state: UploadState) -> None:
    upload = in_state(state)
    taken = life.take_over(upload, 9)
    assert taken == replace(upload, epoch=upload.epoch + 1, touched=9)


def test_only_a_receiving_upload_grows_old() -> None:
    assert life.expires_at(begun(), WEEK) == 5 + WEEK
    assert life.expires_at(life.take_over(begun(), 100), WEEK) == 100 + WEEK
    assert life.expires_at(in_state(life.VERIFYING), WEEK) is None


@pytest.mark.parametrize(("before", "after"), list(product(UploadState, UploadState)))
def test_the_table_alone_decides_what_follows(before: UploadState, after: UploadState) -> None:
    upload = in_state(before)
    attempts: dict[UploadState, Callable[[], Upload]] = {
        life.RECEIVING: lambda: life.reopen(upload, 0, "boot", 7, 9),
        life.VERIFYING: lambda: (
            life.take_over(upload, 9) if before is after else life.verify(upload, EMPTY, 9)
        ),
        life.STORED: lambda: life.store(upload, 9),
        life.REJECTED: lambda: life.reject(upload, 9),
        life.ABANDONED: lambda: life.abandon(upload, 9),
    }
    if after in life.TRANSITIONS[before]:
        assert attempts[after]().state is after
    else:
        with pytest.raises(ValueError, match="can't"):
            attempts[after]()


@pytest.mark.parametrize("state", sorted(set(UploadState) - life.LIVE))
def test_an_ended_upload_stays_ended(state: UploadState) -> None:
    upload = in_state(state)
    attempts: list[Callable[[], Upload]] = [
        lambda: life.advance(upload, 10, 9),
        lambda: life.promise(upload, 9, size=10),
        lambda: life.verify(upload, EMPTY, 9),
        lambda: life.take_over(upload, 9),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=f"upload that is {state}"):
            attempt()


class UploadLife(RuleBasedStateMachine):
    """A server that receives, checkpoints, is killed, loses power, is taken over, and finishes."""

    source = b"0123456789" * 4

    @initialize(announces_size=st.booleans(), announces_digest=st.booleans())
    def begin(self, announces_size: bool, announces_digest: bool) -> None:
        self.now = 5
        self.written = 0
        self.boot = 1
        self.upload = begun(
            size=len(self.source) if announces_size else None,
            digest=digest_of(self.source) if announces_digest else None,
        )

    def time(self) -> int:
        self.now += 1
        return self.now

    def receiving(self) -> bool:
        return self.upload.state is life.RECEIVING

    def live(self) -> bool:
        return self.upload.state in life.LIVE

    @precondition(receiving)
    @rule(count=st.integers(0, 40))
    def write(self, count: int) -> None:
        end = len(self.source) if self.upload.size is None else self.upload.size  # END has settled it
        self.written = min(self.written + count, end)

    @precondition(receiving)
    @rule()
    def checkpoint(self) -> None:
        self.upload = life.advance(self.upload, self.written, self.time())

    @precondition(live)
    @rule()
    def killed(self) -> None:
        self.upload = life.reopen(self.upload, self.written, f"boot {self.boot}", 7, self.time())

    @precondition(live)
    @rule(lost=st.integers(0, 40))
    def power_cut(self, lost: int) -> None:
        self.boot += 1
        self.written = max(self.upload.offset - (lost if lost > 35 else 0), 0)
        self.upload = life.reopen(self.upload, self.written, f"boot {self.boot}", 7, self.time())

    @precondition(live)
    @rule()
    def newcomer(self) -> None:
        epoch = self.upload.epoch
        self.upload = life.take_over(self.upload, self.time())
        assert self.upload.epoch == epoch + 1

    @precondition(receiving)
    @rule(corrupt=st.booleans())
    def finish(self, corrupt: bool) -> None:
        self.checkpoint()
        found = OTHER if corrupt else digest_of(self.source[: self.upload.offset])
        before = self.upload
        try:
            self.upload = life.verify(self.upload, found, self.time())
        except BadOffset:
            assert before.size is not None
            assert before.offset < before.size
        except DigestMismatch:
            assert before.digest is not None
            assert found != before.digest
        else:
            assert self.upload.size == self.upload.offset

    @precondition(lambda self: self.upload.state is life.VERIFYING)
    @rule()
    def commit(self) -> None:
        self.upload = life.store(self.upload, self.time())

    @precondition(live)
    @rule()
    def abort(self) -> None:
        self.upload = life.abandon(self.upload, self.time())

    @precondition(lambda self: not self.live())
    @rule()
    def late_writer(self) -> None:
        with pytest.raises(ValueError, match="can't"):
            life.reopen(self.upload, self.written, "boot", 7, self.time())

    @invariant()
    def offset_never_leads_what_was_written(self) -> None:
        assert 0 <= self.upload.offset <= self.written <= len(self.source)

    @invariant()
    def digest_is_known_from_verifying_on(self) -> None:
        if self.upload.state in (life.VERIFYING, life.STORED):
            assert self.upload.found_digest is not None
            assert self.upload.size == self.upload.offset
            assert self.upload.digest in (None, self.upload.found_digest)
        if self.upload.state is life.RECEIVING:
            assert self.upload.found_digest is None

    @invariant()
    def touched_is_the_last_change(self) -> None:
        assert self.upload.touched <= self.now


TestUploadLife = UploadLife.TestCase


def test_every_state_is_in_the_table_and_the_ends_are_reachable() -> None:
    assert set(life.TRANSITIONS) == set(UploadState)
    reached = {life.RECEIVING}
    for _ in UploadState:
        reached |= {after for before in reached for after in life.TRANSITIONS[before]}
    assert reached == set(UploadState)


def test_what_a_peer_can_cause_is_never_a_value_error() -> None:
    for error in (BadOffset, DigestMismatch, TooLarge):
        assert issubclass(error, FileshareError)
