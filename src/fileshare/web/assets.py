"""Where the templates and the static files are: in a checkout, and in an installed package.

The one place that knows both; nothing else may guess at a path.
"""

from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
CHECKOUT = PACKAGE.parent.parent


@dataclass(frozen=True, slots=True)
class Assets:
    """The two folders."""

    templates: Path
    static: Path


def find_assets() -> Assets:
    """The folders inside the package, where a wheel has them, otherwise those of the checkout."""
    home = PACKAGE if (PACKAGE / "templates").is_dir() else CHECKOUT
    return Assets(home / "templates", home / "static")
