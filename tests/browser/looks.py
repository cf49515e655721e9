"""How pages are looked at: in the suite twice, each width and theme once; for pictures in all four ways."""

import os

import pytest

_ALL = [(1440, False), (360, True), (360, False), (1440, True)]

LOOKS = _ALL if "FILESHARE_SCREENSHOTS" in os.environ else _ALL[:2]
"""Widths in pixels, and whether the system wishes it dark."""

in_every_look = pytest.mark.parametrize(
    ("width", "dark"), LOOKS, ids=[f"{width}-{'dark' if dark else 'light'}" for width, dark in LOOKS]
)
