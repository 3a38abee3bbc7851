"""Whether the sidecar opened what it was asked to open."""

from __future__ import annotations

import asyncio

from meridian_plugin.errors import RpcError


class FirstAnswer:
    """The sidecar's answer, of which the first counts: later connections reopen."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[RpcError | None] = (
            asyncio.get_running_loop().create_future()
        )

    def settle(self, error: RpcError | None) -> None:
        if not self._answer.done():
            self._answer.set_result(error)

    async def wait(self) -> None:
        """Returns when it is open for the first time; RpcError when it is refused."""
        error = await asyncio.shield(self._answer)
        if error:
            raise error
