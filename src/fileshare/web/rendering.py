"""Templates: their environment, and what every page is given beside its own values.

Everything is escaped by itself; nothing here ever marks a text from outside as safe.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp_jinja2
import jinja2
from aiohttp import web
from jinja2.ext import Extension

from fileshare import __version__
from fileshare.domain.access import Action, allows
from fileshare.domain.model import ANONYMOUS_ID, Caller
from fileshare.web.assets import Assets
from fileshare.web.csrf import csrf_token
from fileshare.web.disposition import icon_of
from fileshare.web.keys import CALLER, DISK
from fileshare.web.long_names import plain
from fileshare.web.navigation import MENU
from fileshare.web.notices import is_success, notice_of
from fileshare.web.origin import local_url
from fileshare.web.static import STATIC
from fileshare.web.texts import duration_text, iso_text, moment_text, size_text

_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)

PACKED_ASIDE = 32 << 10
"""Bytes from which on a page is compressed in a thread: it takes about a millisecond by then."""


class Unindented(Extension):
    """Templates without the indentation that is for those who write them: it was a tenth of a page."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source as it is parsed, line by line as before."""
        return _INDENTATION.sub("", source)


def set_up(application: web.Application, assets: Assets) -> None:
    """Let the application find its templates."""
    # A name that a template misspells fails loudly instead of showing nothing.
    environment = aiohttp_jinja2.setup(
        application,
        loader=jinja2.FileSystemLoader(assets.templates),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # otherwise each page looks at the dates of all its templates
        extensions=(Unindented,),
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(
        size=size_text,
        moment=moment_text,
        duration=duration_text,
        iso=iso_text,
        segment=segment,
        kind=icon_of,
        plain=plain,
    )


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """A page. `context` may hold `title`; the rest is the template's own."""
    text = aiohttp_jinja2.render_string(template, request, {**_shared(request), **(context or {})})
    response = web.Response(
        text=text, content_type="text/html", status=status, zlib_executor_size=PACKED_ASIDE
    )
    response.enable_compression()  # harmless to the token (BREACH): it is salted anew for each page
    return response


def _shared(request: web.Request) -> dict[str, Any]:
    caller, disk = request.get(CALLER), request.get(DISK)
    led_back = caller is not None and caller.account.default_password
    return {
        "version": __version__,
        "caller": caller,
        "member": caller is not None and caller.account.id != ANONYMOUS_ID,
        "may_upload_here": _may(caller, Action.UPLOAD) and not led_back,
        "menu": [item for item in MENU if _may(caller, item.needs) and not led_back],
        "here": request.path,
        "csrf_token": csrf_token(request),
        "notice": notice_of(request),
        "success": is_success(request),
        "low_space": disk if disk is not None and disk.low else None,
        "url": lambda path: local_url(request, path),
        "asset": lambda name: local_url(request, request.app[STATIC].url(name)),
    }


def _may(caller: Caller | None, needs: Action | None) -> bool:
    return caller is not None and (needs is None or allows(caller.account.role, needs))


def segment(text: str) -> str:
    """A name as one segment of a URL's path."""
    return quote(text, safe="")
