"""The fixture of pytest, which finds it by the entry point of the wheel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from meridian_plugin.testing import RunningSidecar, sidecar


@pytest.fixture
def meridian_sidecar() -> Iterator[RunningSidecar]:
    """A sidecar with a bus in memory, for one test, sync or async."""
    # A loop of its own: that of an async test may not run yet.
    loop = asyncio.new_event_loop()
    manager = sidecar()
    try:
        yield loop.run_until_complete(manager.__aenter__())
        loop.run_until_complete(manager.__aexit__(None, None, None))
    finally:
        loop.close()
