"""Numbers larger than anything that stores hold: refused at the door, in one clear error."""

import pytest

from fileshare.wire import messages as m
from tests.e2e.conftest import Serve
from tests.e2e.talk import Version1, Version2
from tests.tcp.door import open_door
from tests.wire.test_states import name_of


@pytest.mark.parametrize("number", [0, -1, 2**53, 2**64, 10**400], ids=lambda number: str(number)[:20])
@pytest.mark.parametrize("form", [m.Restore, m.Stat, m.Download], ids=name_of)
async def test_version_beyond_all_versions_is_not_understood(form: type[m.Request], number: int) -> None:
    async with open_door() as door, door.peer2("root") as peer:
        peer.send(form.command, path="a", version=number)
        status, told = await peer.reply()
        assert (status, told["code"]) in (("ERROR", "bad_request"), ("ERROR", "protocol"))


def test_no_number_crashes_a_session(serve: Serve) -> None:
    server = serve()
    with Version1(server.address).log_in() as talk:
        talk.upload("numbered", b"x")
    with Version2(server.address).log_in() as talk:
        for number in (2**53, 2**63):
            assert talk.ask("RESTORE", path="numbered", version=number)[0] == "ERROR"
    assert not server.complaints()
