"""How many files and connections this process may have open."""

import resource

FOR_ITSELF = 128
"""Descriptors that the server needs without any connection: database, logs, listeners, the loop's own, and
what few transfers at a time hold beside their socket and file."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one; returns the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        # Some kernels refuse "unlimited" for this limit; what was there still serves.
        return soft
    return hard


def places(limit: int) -> int:
    """How many a descriptor limit leaves to connections, for their sockets and the files they move."""
    return max(limit - FOR_ITSELF, 0)
