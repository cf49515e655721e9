"""What a path, a name or a password looks like, as the document tells it.

Told and not enforced here: `domain` says of each in a sentence why it is refused.
"""

from typing import Annotated, Any, Final

from msgspec import Meta

from fileshare.domain import accounts, names
from fileshare.services.password_policy import MIN_LENGTH

PATH_FORM: Final[dict[str, Any]] = {
    "minLength": 1,
    # 4,096 bytes in all: a path of more characters than this may still fit, and is taken then.
    "maxLength": names.MAX_PATH // 4,
    # No empty name and no control character; what else is refused takes more than a pattern.
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f\\/]+(/[^\u0000-\u001f\u007f-\u009f\\/]+)*$",
}
USERNAME_FORM: Final[dict[str, Any]] = {
    "minLength": 1,
    "maxLength": accounts.MAX_NAME,
    "pattern": r"^[A-Za-z0-9_][A-Za-z0-9._@-]*$",
}

Path = Annotated[
    str,
    Meta(
        description="Names with a slash between them.", extra_json_schema=PATH_FORM, examples=["docs/a.txt"]
    ),
]
Username = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": accounts.MAX_NAME})]
NewUsername = Annotated[str, Meta(extra_json_schema=USERNAME_FORM)]
NewPassword = Annotated[
    str, Meta(description="None of the common ones.", extra_json_schema={"minLength": MIN_LENGTH})
]
