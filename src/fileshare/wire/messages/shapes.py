"""What all messages are made of: their two directions, and the types of their fields.

Times are seconds since 1970 as numbers, sizes and offsets bytes, digests 64 hex digits.
"""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

# Above every size that a file system can hold, and exact in a JSON double.
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
# "$" would let a trailing newline through.
Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]
UploadId = Annotated[str, Meta(pattern=r"^[0-9a-zA-Z_-]{16,64}\Z")]
# Above every version that a file will have; a store takes no integer of any length.
VersionNumber = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Conflicts = Annotated[str, Meta(pattern=r"^(keep-both|replace)\Z")]
Seconds = Annotated[float, Meta(ge=-(2**40), le=2**40)]


class Request(Struct, frozen=True, kw_only=True):
    """A message towards the server."""

    command: ClassVar[str] = ""
    protocol: ClassVar[int] = 1


class Reply(Struct, frozen=True, kw_only=True):
    """A message towards the client. `status` is what the envelope says."""

    status: ClassVar[str] = "OK"


class Request2(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message of version 2: what it does not know it refuses."""

    protocol = 2
