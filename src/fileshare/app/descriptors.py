"""How many files and connections this process may have open."""

import resource

PER_CONNECTION = 2
"""Descriptors of a connection that moves a file: its socket and the file."""
FOR_ITSELF = 64
"""Descriptors that the server needs without any connection: database, logs, listeners, the loop's own."""


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


def connections_allowed(limit: int) -> int:
    """About how many connections that move files fit under a descriptor limit."""
    return max(limit - FOR_ITSELF, 0) // PER_CONNECTION
