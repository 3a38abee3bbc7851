"""The time that a stopping plugin has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from meridian_plugin.errors import RpcError

Result = TypeVar("Result")


class DrainBudget:
    """When the time has passed, every open wait of the client fails, and every later
    one."""

    def __init__(self) -> None:
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, timeout_ms: int, on_over: Callable[[], None]) -> None:
        """Begins. A second call replaces the end of the first."""
        if self._over.done():
            return
        if self._timer:
            self._timer.cancel()

        def end() -> None:
            self._end(
                f"the plugin is stopping, and its drain of {timeout_ms} ms is over"
            )
            on_over()

        self._timer = asyncio.get_running_loop().call_later(timeout_ms / 1_000, end)

    def finish(self) -> None:
        """The plugin has stopped in time."""
        if self._timer:
            self._timer.cancel()
        self._end("the plugin has stopped")

    async def bound(self, wait: Awaitable[Result]) -> Result:
        """The result of the wait; RpcError UNAVAILABLE when the time passes first."""
        waiting = asyncio.ensure_future(wait)
        try:
            # What is over already fails without a turn of the wait.
            if not self._over.done():
                await asyncio.wait(
                    (waiting, self._over), return_when=asyncio.FIRST_COMPLETED
                )
            if waiting.done():
                return waiting.result()
            raise RpcError("UNAVAILABLE", self._over.result())
        finally:
            waiting.cancel()

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)
