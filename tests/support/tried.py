"""`python -m tests.support.tried ARGUMENTS`: pytest, and once more by itself what failed beside other tests.

Most tests run programs against the clock, three tests at a time on whatever machine there is: now and then one fails
because the machine was busy. A test that fails by itself as well has failed. One that passes then is named at the end,
so that it is seen and can be given more room.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

AT_MOST = 5  # more than that is no busy machine


@dataclass(eq=False)  # pytest wants plugins that can be hashed
class Failures:
    """A plugin that remembers which tests failed."""

    names: list[str] = field(default_factory=list[str])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of each test, where they run beside each other too."""
        if report.failed and report.nodeid not in self.names:
            self.names.append(report.nodeid)


def main(arguments: list[str]) -> int:
    """The exit status: pytest's own, 0 also where all that failed passed by itself."""
    failures = Failures()
    status = pytest.main(arguments, plugins=[failures])
    if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(failures.names) <= AT_MOST:
        return status
    print(f"\nOnce more, each by itself: {', '.join(failures.names)}", flush=True)
    command = [sys.executable, "-m", "pytest", "-m", "", "--timeout", "900", *failures.names]
    again = subprocess.run(command, check=False).returncode
    if again == pytest.ExitCode.OK:
        print(f"Failed beside other tests and passed by itself: {', '.join(failures.names)}")
    return again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
