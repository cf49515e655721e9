"""Who may do what: one table of role and action, which the services check for both doors.

Knows nothing of whose an upload or a session is; what is the caller's own is looked
up by owner, and another's does not exist for him.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from types import MappingProxyType

from fileshare.domain.model import Caller, Role
from fileshare.errors import Forbidden


class Action(StrEnum):
    """What someone may want to do; the values stand in the audit trail."""

    LIST = "list"
    """See, search and count files and folders."""
    DOWNLOAD = "download"
    VERSIONS = "versions"
    """See the older versions of a file."""
    UPLOAD = "upload"
    """Send files, and see, resume and abort one's own uploads."""
    MKDIR = "mkdir"
    MOVE = "move"
    OVERWRITE = "overwrite"
    DELETE = "delete"
    """Move to the trash."""
    RESTORE = "restore"
    """Make an old version the current one, see the trash, take something out of it."""
    PURGE = "purge"
    """Delete for good."""
    SEE_ANY_UPLOAD = "see_any_upload"
    ABORT_ANY_UPLOAD = "abort_any_upload"
    SEE_TRANSFERS = "see_transfers"
    STOP_TRANSFERS = "stop_transfers"
    MANAGE_USERS = "manage_users"
    """List, add, change and delete accounts, and see and end their sessions."""
    READ_LOGS = "read_logs"
    READ_AUDIT = "read_audit"
    READ_METRICS = "read_metrics"


TABLE: Mapping[Role, Set[Action]] = MappingProxyType(
    {
        Role.USER: frozenset(
            {
                Action.LIST,
                Action.DOWNLOAD,
                Action.VERSIONS,
                Action.UPLOAD,
                Action.MKDIR,
                Action.MOVE,
                Action.OVERWRITE,
            }
        ),
        Role.ADMIN: frozenset(Action),
    }
)
"""What each role may do; what is not named here is forbidden."""


def allows(role: Role, action: Action) -> bool:
    """Whether a role may do that."""
    return action in TABLE[role]


def check(caller: Caller, action: Action) -> None:
    """Raises Forbidden when the caller's role does not allow the action, or its account is disabled."""
    if not caller.account.enabled or not allows(caller.account.role, action):
        raise Forbidden()
