"""From a URL to the path of a file, and back.

The one place of this door that undoes percent-encoding. Whether the path is a good one
is for `domain.names` to say, whom the services ask.
"""

from urllib.parse import quote, unquote

from aiohttp import web

from fileshare.errors import BadName
from fileshare.web.origin import local_url

FILES = "/files/"


def path_of(request: web.Request, prefix: str = FILES) -> str:
    """What stands behind `prefix`, decoded, without the slash that marks a folder. Raises BadName.

    From the raw URL: the router's own value keeps what is no UTF-8 as text, so that two
    different URLs would name one file.
    """
    raw = request.rel_url.raw_path.removeprefix(prefix).removesuffix("/")
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise BadName("The name in the address is not UTF-8: encode it so, then by percent signs.") from None


def file_url(request: web.Request, path: str) -> str:
    """Where a file is downloaded from."""
    return local_url(request, file_path(path))


def folder_url(request: web.Request, path: str) -> str:
    """Where a folder's page is; the root's is `/files/`."""
    return local_url(request, folder_path(path))


def file_path(path: str) -> str:
    """The same within ourselves, for `redirects.see`."""
    return FILES + quote(path, safe="/")


def folder_path(path: str) -> str:
    """The same of a folder's page."""
    return file_path(path) + ("/" if path else "")
