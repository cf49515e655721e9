"""The limit of open files, and what it allows."""

import resource

from fileshare.app.descriptors import places, raise_descriptor_limit


def test_soft_limit_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
        assert raise_descriptor_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_connections_that_fit_are_never_negative() -> None:
    assert places(20_000) == 19_872
    assert places(10) == 0
