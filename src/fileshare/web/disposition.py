"""What a file is announced as: its type, its name, and whether a browser may show it.

Conservative: a type is told only from a table of our own, and what could run as a page
of ours is never shown, whatever the request says.
"""

from urllib.parse import quote

_TEXT = "text/plain; charset=utf-8"

_TEXT_ENDINGS = """bash c cc cfg conf cpp cs css csv diff go h hpp ini java js json kt log lua md mjs patch
    php pl properties ps1 py rb rs rst sh sql srt swift tex toml ts tsv txt vtt yaml yml"""

INLINE = {
    **dict.fromkeys(_TEXT_ENDINGS.split(), _TEXT),
    "apng": "image/apng",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "ogv": "video/ogg",
    "webm": "video/webm",
}
"""By ending, what `?inline=1` may show: none of it runs scripts, SVG only because of the sandbox."""

ATTACHED = {
    "7z": "application/x-7z-compressed",
    "gz": "application/gzip",
    "pdf": "application/pdf",
    "tar": "application/x-tar",
    "xz": "application/x-xz",
    "zip": "application/zip",
    "zst": "application/zstd",
}
"""What else has its own type, but comes only as a download."""

ICONS = {
    **{ending: kind.partition("/")[0] for ending, kind in INLINE.items()},
    **dict.fromkeys(ATTACHED, "archive"),
    "pdf": "text",
}
"""By ending, what its icon shows."""

UNKNOWN = "application/octet-stream"

SANDBOX = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "img-src 'self' data:",
        "media-src 'self'",
        "style-src 'unsafe-inline'",
        "frame-ancestors 'self'",
    )
)
"""The policy of every file: no scripts, no forms, an origin of its own. Styles are an SVG's own."""


def kind_of(name: str) -> str:
    """The Content-Type of a file of that name."""
    ending = _ending(name)
    return INLINE.get(ending) or ATTACHED.get(ending) or UNKNOWN


def may_show(name: str) -> bool:
    """Whether a browser may show a file of that name instead of saving it."""
    return _ending(name) in INLINE


def icon_of(name: str) -> str:
    """What a person takes a file of that name for: the name of one of our icons."""
    return ICONS.get(_ending(name), "file")


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def disposition_of(name: str, *, inline: bool) -> str:
    """The Content-Disposition for any name: plain where it can be, and in full by RFC 8187 (RFC 6266)."""
    kind = "inline" if inline else "attachment"
    plain = "".join(letter if _is_plain(letter) else "_" for letter in name)
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"


def _is_plain(letter: str) -> bool:
    """What every browser reads alike in quotes: no quotes, backslash, percent sign or control, ASCII."""
    return " " <= letter <= "~" and letter not in '"\\%'
