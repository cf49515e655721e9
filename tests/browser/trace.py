"""What a page sends to `/tus/`, seen from outside: whether an acknowledged byte is sent again."""

from collections import defaultdict
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, Response


class Trace:
    """The requests of a page that carry bytes, and the offsets that the server acknowledged."""

    def __init__(self, page: Page) -> None:
        self.acknowledged: dict[str, int] = defaultdict(int)
        self.patches: list[tuple[str, int]] = []
        self.again: list[str] = []
        """Requests that sent acknowledged bytes once more."""
        self.created = 0
        page.on("request", self._sent)
        page.on("response", self._answered)

    def _sent(self, request: Request) -> None:
        if request.method == "PATCH":
            path, offset = _path(request.url), int(request.headers["upload-offset"])
            self.patches.append((path, offset))
            if offset < self.acknowledged[path]:
                self.again.append(f"{path} at {offset}, acknowledged {self.acknowledged[path]}")

    def _answered(self, response: Response) -> None:
        offset, url = response.headers.get("upload-offset"), response.url
        if response.request.method == "POST" and response.status == 201 and "location" in response.headers:
            self.created += 1
            url = response.headers["location"]
        if offset is not None:
            self.acknowledged[_path(url)] = max(self.acknowledged[_path(url)], int(offset))


def _path(url: str) -> str:
    return urlsplit(url).path
