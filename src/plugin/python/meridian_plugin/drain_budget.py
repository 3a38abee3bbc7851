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
        self._reason: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        # One for each wait. A future that all share would have a callback for each,
        # and to remove one takes as long as there are others.
        self._open: set[asyncio.Future[None]] = set()

    def begin(self, timeout_ms: int, on_over: Callable[[], None]) -> None:
        """Begins. A second call replaces the end of the first."""
        if self._reason is not None:
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
            if self._reason is None:
                await self._first_of(waiting)
            if waiting.done():
                return waiting.result()
            raise RpcError("UNAVAILABLE", self._reason or "")
        finally:
            waiting.cancel()

    async def _first_of(self, waiting: asyncio.Future[Result]) -> None:
        """Returns when the wait is done or the time is over."""
        either: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(_: asyncio.Future[Result]) -> None:
            if not either.done():
                either.set_result(None)

        waiting.add_done_callback(settle)
        self._open.add(either)
        try:
            await either
        finally:
            self._open.discard(either)
            waiting.remove_done_callback(settle)

    def _end(self, reason: str) -> None:
        if self._reason is not None:
            return
        self._reason = reason
        for each in self._open:
            if not each.done():
                each.set_result(None)
