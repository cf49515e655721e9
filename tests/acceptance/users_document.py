"""The users' document's flow as raw bytes, and an independent client of version 1 that is killed.

Both are tests of the suite; here they are run as such and counted.
"""

import re
import subprocess
import sys

from tests.acceptance.report import Row
from tests.acceptance.stage import Check

FILES = {
    "example flow as raw bytes": "tests/e2e/test_users_document.py",
    "independent client, killed and resumed": "tests/e2e/test_version1_client.py",
}


class UsersDocument(Check):
    """Issue's second point. Has no count."""

    name = "users-document"

    def run(self) -> list[Row]:
        """One row for each file of tests."""
        return [self._row(what, file) for what, file in FILES.items()]

    def _row(self, what: str, file: str) -> Row:
        self.stage.say(file)
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found = re.findall(r"\d+ (?:passed|failed|skipped|error\w*)", done.stdout)
        return Row(f"version 1: {what}", "all tests pass", ", ".join(found), not done.returncode)
