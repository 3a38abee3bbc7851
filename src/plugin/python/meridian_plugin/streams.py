"""A stream in both directions, whose messages are sent in the order of the calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import grpc

from meridian_plugin.errors import RpcError, rpc_error

Sent = TypeVar("Sent")
Received = TypeVar("Received")


async def unary(method: Any, request: Any, timeout_s: float | None = None) -> Any:
    """The reply of one call; RpcError when it failed."""
    call = method(request, timeout=timeout_s)
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise rpc_error(error) from None
    except asyncio.CancelledError:
        raise _of_cancelled(call) from None


def _of_cancelled(call: Any) -> BaseException:
    """A call that was cancelled looks like its task; only the task tells them apart."""
    task = asyncio.current_task()
    if call.cancelled() and not (task and task.cancelling()):
        return RpcError("CANCELLED", "the connection is closed")
    return asyncio.CancelledError()


class Stream(Generic[Sent, Received]):
    """One stream. gRPC takes the next message when the one before has left."""

    def __init__(self, method: Any, requests: AsyncIterator[Sent] | None = None):
        self._outgoing: asyncio.Queue[Sent | None] = asyncio.Queue()
        self._call = method(requests or self._requests())

    def send(self, message: Sent) -> None:
        self._outgoing.put_nowait(message)

    def end(self) -> None:
        """Sends nothing more; what was sent before still leaves."""
        self._outgoing.put_nowait(None)

    def cancel(self) -> None:
        self._call.cancel()

    async def received(self) -> AsyncIterator[Received]:
        """The messages of the other end; RpcError when the stream fails."""
        try:
            async for message in self._call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise rpc_error(error) from None
        except asyncio.CancelledError:
            raise _of_cancelled(self._call) from None
        finally:
            # What waits for the next message to send would wait for ever.
            self.end()

    async def _requests(self) -> AsyncIterator[Sent]:
        while (message := await self._outgoing.get()) is not None:
            yield message
