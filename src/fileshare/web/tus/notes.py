"""What a client told at the beginning, kept word for word with the upload: HEAD must give it back."""

from dataclasses import dataclass
from typing import Final

_BETWEEN: Final = "\n"
"""No header can hold it."""


@dataclass(frozen=True, slots=True)
class Note:
    """The headers Upload-Metadata and Upload-Concat, empty where they were missing."""

    metadata: str = ""
    concat: str = ""

    def text(self) -> str:
        """As it is stored with upload and receipt."""
        return f"{self.concat}{_BETWEEN}{self.metadata}" if self.metadata or self.concat else ""

    @classmethod
    def of(cls, text: str) -> "Note":
        """From what was stored; empty for uploads of other doors."""
        concat, _, metadata = text.partition(_BETWEEN)
        return cls(metadata, concat)
