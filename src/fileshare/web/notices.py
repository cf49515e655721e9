"""What a page says after something was done, by a known code in its address.

A code and not a text: otherwise anyone's link could make our page say anything.
"""

from aiohttp import web

PARAMETER = "done"

NOTICES = {
    "logged_out": "You are logged out.",
    "session_over": "Nothing was changed: your session had ended. Log in and do it again.",
    "password_changed": "Your password is changed. All other sessions and tokens have ended.",
    "session_ended": "The session has ended.",
    "session_gone": "That session had ended already.",
    "sessions_ended": "The sessions have ended.",
    "uploaded": "The files are stored.",
    "folder_made": "The folder is there.",
    "renamed": "It has its new name.",
    "moved": "Moved.",
    "deleted": "Moved to the trash. An admin can take it back from there.",
    "restored": "That version is the current one again. The others stay.",
    "upload_aborted": "The upload was given up and its bytes removed.",
    "upload_gone": "That upload is over already.",
    "transfer_stopped": "The transfer is being stopped. An upload keeps what arrived and can go on later.",
    "transfer_over": "That transfer had ended already.",
    "untrashed": "It is back where it was, or beside what stands there now.",
    "purged": "It is gone for good. The space is freed within a minute.",
    "trash_emptied": "The trash is empty. The space is freed within a minute.",
    "trash_gone": "That is not in the trash any more.",
    "user_added": "The account is there.",
    "role_changed": "The role is changed; the account's sessions have ended.",
    "enabled": "The account is enabled.",
    "disabled": "The account is disabled; its sessions and transfers have ended.",
    "password_reset": "The password is set; the account's sessions have ended.",
    "user_deleted": "The account is deleted; its files stay.",
}


UNDONE = frozenset({"session_over", "session_gone", "upload_gone", "transfer_over", "trash_gone"})
"""Those that tell that nothing was done."""


def notice_of(request: web.Request) -> str:
    """The sentence of the code in the address, empty for an unknown one."""
    return NOTICES.get(request.query.get(PARAMETER, ""), "")


def is_success(request: web.Request) -> bool:
    """Whether that sentence tells of something that was done."""
    return request.query.get(PARAMETER) not in UNDONE
