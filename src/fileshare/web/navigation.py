"""The menu at the head of every page; who may not do a thing is not shown its page."""

from dataclasses import dataclass

from fileshare.domain.access import Action


@dataclass(frozen=True, slots=True)
class Item:
    """One page in the menu. `needs` is None where every caller may see it."""

    label: str
    path: str
    needs: Action | None


MENU = (
    Item("Files", "/files/", Action.LIST),
    Item("Uploads", "/uploads", Action.UPLOAD),
    Item("Transfers", "/transfers", Action.SEE_TRANSFERS),
    Item("Trash", "/trash", Action.RESTORE),
    Item("Users", "/users", Action.MANAGE_USERS),
    Item("Logs", "/logs", Action.READ_LOGS),
    Item("Audit", "/audit", Action.READ_AUDIT),
)
"""From left to right."""
