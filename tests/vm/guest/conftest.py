"""One server on one display for the tests of a file: starting both takes longer than most questions."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.guest import Guest, await_desktop, guest
from tests.support.xserver import xvfb


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Guest]:
    """A server that has its desktop."""
    with xvfb(1000, 700, window_manager=True) as display, guest(tmp_path_factory.mktemp("guest"), display) as running:
        await_desktop(running)
        yield running
