"""Every setting of the server: one row each, with its kind, its default and its reason.

This is the one table: the flags, the environment variables, the keys of the TOML
file, `fileshare config` and `docs/configuration.md` all follow from it.
"""
# ruff: noqa: RUF009 (a call per row is the table's point; it returns a dataclass field)
# ruff: noqa: S104 (a file server's doors stand open to the network; the banner says so)

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from fileshare.config.kinds import (
    NETWORKS,
    PATH,
    PORT,
    SECRET,
    SWITCH,
    TEXT,
    URL,
    Kind,
    Network,
    one_of,
    or_none,
    size,
    whole,
)

T = TypeVar("T")

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
DAYS = whole(1, 3650, "a number of days")
SECONDS = whole(1, 86_400, "a number of seconds")
COUNT = whole(1, 1_000_000)
EVER = 100 * 365
"""Stands in the ranges of `trash_days` and `audit_days`: longer than anyone waits, short for the clock."""


def row(kind: Kind, default: T, doc: str) -> T:
    """One setting: its kind of value, its default and one sentence of what and why."""
    return field(default=default, metadata={"kind": kind, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, checked. Sizes are bytes; the names tell the other units."""

    host: str = row(
        TEXT, "0.0.0.0", "Address that the TCP door listens on; 127.0.0.1 keeps it on this machine."
    )
    port: int = row(PORT, 9000, "Port of the TCP door; 0 takes a free one and the banner names it.")
    web_host: str = row(TEXT, "0.0.0.0", "Address that the web door listens on.")
    web_port: int = row(PORT, 5000, "Port of the web door; 0 takes a free one and the banner names it.")
    data_dir: Path = row(PATH, Path("data"), "Folder of the database, the blobs, the parts and the logs.")
    require_auth: bool = row(
        SWITCH, True, "Whether a login is needed; without, anyone who reaches a door may do what a user may."
    )
    max_file_size: int | None = row(
        or_none(size(1, 8192 * TIB)), None, "Largest file taken, refused before its first byte."
    )
    admin_password: str | None = row(
        or_none(SECRET),
        None,
        "Password of the first admin, used once at the first start; no flag, since others can read those.",
    )

    tls_cert: Path | None = row(
        or_none(PATH), None, "Certificate chain in PEM; with it both doors speak TLS."
    )
    tls_key: Path | None = row(
        or_none(PATH), None, "Private key in PEM; without it the certificate file holds it."
    )
    tcp_plain: str = row(
        one_of("off", "loopback", "all"),
        "off",
        "Who may speak without TLS on the TCP door although a certificate is set: "
        "clients of protocol version 1 can't do TLS.",
    )
    trusted_proxies: tuple[Network, ...] = row(
        NETWORKS, (), "Networks whose X-Forwarded-For, -Proto and -Host count; anyone else could forge them."
    )
    public_url: str | None = row(
        or_none(URL),
        None,
        "Address under which people reach the web door through a proxy; may hold a path prefix.",
    )

    trash_days: int = row(
        whole(1, EVER, "a number of days"),
        30,
        "Days that a deleted file stays in the trash: time to notice a mistake.",
    )
    keep_versions: int = row(
        whole(0, 1_000_000), 0, "Versions kept of each file, the current one included; 0 keeps all."
    )
    upload_days: int = row(
        DAYS, 7, "Days that an untouched partial upload, and the receipt of a finished one, are kept."
    )

    audit_days: int = row(
        whole(1, EVER, "a number of days"),
        365,
        "Days that an event stays in the audit trail: a year's questions can be answered, and it ends.",
    )

    log_level: str = row(
        one_of("debug", "info", "warning", "error"),
        "info",
        "Least level that is written to the logs and the console.",
    )
    log_file_size: int = row(
        size(64 * KIB, GIB),
        10 * MIB,
        "Size at which a log file is rotated, so that logs can't fill the disk.",
    )
    log_files: int = row(whole(1, 1000), 5, "Rotated files kept of each log.")

    frame_before_auth: int = row(
        size(256, 64 * KIB),
        4 * KIB,
        "Largest frame from a client that has not logged in: "
        "with no limit an unknown client makes the server hold what it likes.",
    )
    frame_after_auth: int = row(
        size(4 * KIB, 64 * MIB), 64 * KIB, "Largest frame from a client that has logged in."
    )
    json_depth: int = row(
        whole(4, 256), 16, "Deepest nesting of a message: deeper ones are made to exhaust the stack."
    )
    first_frame_seconds: int = row(
        SECONDS,
        10,
        "Seconds in which a new connection's first message must be whole, in total and not per read; "
        "at the web door the head of each request.",
    )
    stall_seconds: int = row(
        SECONDS,
        60,
        "Seconds without a byte after which a transfer is cut; its offset is kept. "
        "While it is waited for, a body also brings 64 KiB in as many.",
    )
    idle_seconds: int = row(
        whole(10, 86_400, "a number of seconds"),
        600,
        "Seconds that a logged-in connection may ask for nothing.",
    )
    keepalive_seconds: int = row(
        SECONDS,
        75,
        "Seconds that an idle web connection stays open: longer than proxies keep theirs, usually 60.",
    )
    max_unauthenticated: int = row(
        COUNT,
        100,
        "Connections at a door that have not logged in, in all; beyond it the oldest silent one gives way.",
    )
    max_unauthenticated_per_address: int = row(
        COUNT,
        20,
        "Connections at a door that have not logged in, per address, so that one address can't take all; "
        "trusted proxies are not counted.",
    )
    drain_seconds: int = row(
        whole(0, 3600, "a number of seconds"),
        10,
        "Seconds that a stop takes at most; running requests get under half of them, then they are cut.",
    )

    window_uploads: int = row(
        whole(1, 65_536),
        1024,
        "Small uploads that a client may have sent without an answer; bounds the queue of answers.",
    )
    window_bytes: int = row(
        size(64 * KIB, GIB), 4 * MIB, "Bytes of small uploads that a client may have sent without an answer."
    )
    small_size: int = row(
        size(0, MIB),
        32 * KIB,
        "Largest content kept in the database, in one transaction with its name, not as a blob.",
    )
    checkpoint_bytes: int = row(
        size(MIB, GIB),
        32 * MIB,
        "Bytes between two durable offsets: what a power cut can cost; more of them cost speed.",
    )
    checkpoint_seconds: int = row(
        SECONDS,
        5,
        "Seconds that received bytes of a slow upload may wait for a durable offset.",
    )
    list_limit: int = row(
        whole(1, 1_000_000),
        100_000,
        "Files in one LIST of protocol version 1, which has no pages; beyond: `too_many`.",
    )

    login_failures: int = row(
        COUNT, 10, "Failed logins of one account from one address before the next are refused unseen."
    )
    login_window_minutes: int = row(whole(1, 1440), 15, "Minutes over which failed logins are counted.")
    bcrypt_cost: int = row(
        whole(4, 16),
        12,
        "Cost of a password hash, as a power of two; 12 takes a quarter of a second of a core.",
    )
    session_idle_hours: int = row(whole(1, 8760), 12, "Hours after which an unused web session ends.")
    session_days: int = row(DAYS, 30, "Days after which a web session ends, used or not.")
    token_days: int = row(DAYS, 30, "Days after which a client's token ends.")
    sweep_seconds: int = row(
        whole(1, 86_400, "a number of seconds"),
        60,
        "Seconds between two looks for what is expired; deleting for good does not wait for it.",
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table under the name it has in each place."""

    name: str
    kind: Kind
    default: object
    doc: str

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"FILESHARE_{self.name.upper()}"

    @property
    def flag(self) -> str | None:
        """Its flag; None for a secret, since every user of a machine can read arguments."""
        return None if self.name == "admin_password" else f"--{self.name.replace('_', '-')}"


def _settings() -> Mapping[str, Setting]:
    rows = (Setting(f.name, f.metadata["kind"], f.default, f.metadata["doc"]) for f in fields(Config))
    return MappingProxyType({setting.name: setting for setting in rows})


SETTINGS = _settings()
"""The rows by name, in the order of the table."""
