"""A server of 100,000 files that was killed is back within 5 s, and has forgotten nothing."""

import time

from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.sources import write_tree

REQUIRED = 100
"""Thousands of files."""
PER_FOLDER = 1000
SECONDS = 5.0


class Restart(Check):
    """The design's eighth order of storage. The count is in thousands of files."""

    name = "restart"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.shell = stage.shell(self.server.address)

    def run(self) -> list[Row]:
        """Fill, kill, start."""
        count = self.stage.count(REQUIRED) * 1000
        self.stage.say(f"writing {count} files")
        folder = self.shell.work / "many"
        files = write_tree(folder, max(1, count // PER_FOLDER), count, 16)
        self.stage.say("uploading them")
        self.shell.run("--quiet", "upload", "--recursive", folder, seconds=1200)
        self.server.kill()
        started = time.monotonic()
        self.server.restart()
        seconds = time.monotonic() - started
        found = stored(self.server.data_dir)
        right = found == {f"many/{path}": digest for path, digest in files.items()}
        what = f"restart with {count} files"
        return [
            Row(f"{what}: both doors open again", "within 5 s", f"{seconds:.1f} s", seconds < SECONDS),
            Row(
                f"{what}: files",
                f"{count}, all right",
                f"{len(found)}, {'right' if right else 'WRONG'}",
                right,
            ),
            nothing_left(f"{what}: left over", self.server),
        ]
