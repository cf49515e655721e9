"""Headers of tus that are kept and given back word for word."""

from unittest import mock

import pytest
from aiohttp import web
from multidict import CIMultiDict

from fileshare.errors import BadRequest
from fileshare.web.tus.lengths import number_of
from tests.web.house import open_house
from tests.web.tus import metadata, tus_client


@pytest.mark.parametrize("blank", ["\u2028", "\u00a0", "\u3000"])
async def test_metadata_hold_no_blanks_but_those_of_http(blank: str) -> None:
    async with open_house() as house, tus_client(house) as tus:
        told = metadata(filename="a") + blank
        assert (await tus.ask("POST", "/tus/", Upload_Length="1", Upload_Metadata=told)).status == 400


async def test_url_of_a_piece_that_is_no_ascii_is_refused() -> None:
    async with open_house() as house, tus_client(house) as tus:
        made = await tus.ask("POST", "/tus/", Upload_Length="0", Upload_Concat="partial")
        piece = made.headers["Location"].rpartition("/")[2]
        answer = await tus.ask(
            "POST", "/tus/", Upload_Concat=f"final;é/tus/{piece}", Upload_Metadata=metadata(filename="a")
        )
        assert answer.status == 400


@pytest.mark.parametrize("number", ["8\x1d", "8\x1c", "\x1f8", "8\x85", "\u00a08", "८"])
def test_number_has_no_blanks_but_those_of_http(number: str) -> None:
    request: web.Request = mock.Mock(headers=CIMultiDict({"Upload-Offset": number}))
    with pytest.raises(BadRequest):
        number_of(request, "Upload-Offset")
