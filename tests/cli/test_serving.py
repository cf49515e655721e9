"""What `fileshare serve` does within its own process."""

import gc

from fileshare.cli.serving import stay_for_good


def test_collections_look_at_nothing_that_was_there_from_the_start() -> None:
    try:
        stay_for_good()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects(generation=2)) < 1000
    finally:
        gc.unfreeze()
