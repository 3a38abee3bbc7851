"""Publishing: over one stream for each connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from meridian_plugin._wire.limits import BATCH_ITEMS
from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.plugin_pb2 import (
    PublishBatch,
    PublishItem,
    PublishResult,
    PublishResults,
)
from meridian_plugin._wire.sidecar_pb2 import PublishRequest
from meridian_plugin.drain_budget import DrainBudget
from meridian_plugin.errors import RpcError
from meridian_plugin.outcomes import (
    PublishOutcome,
    PublishUnknown,
    publish_outcome,
    streamed_outcome,
)
from meridian_plugin.publish_room import PublishRoom
from meridian_plugin.streams import Stream, unary
from meridian_plugin.tasks import Tasks

# What goes over the stream, and the most bytes of a batch.
STREAMED_BYTES_MAX = 64 * 1024
# After these statuses it is unknown whether the sidecar accepted the message.
LOST_STATUSES = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN")


class Publisher:
    """Publishes in the order of the calls. A large message gets a call of its own, so
    that it delays no other."""

    def __init__(self, budget: DrainBudget) -> None:
        self._budget = budget
        self._unanswered = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._stream: PublishStream | None = None
        self._room = PublishRoom()

    async def publish(
        self,
        methods: Methods,
        request: PublishRequest,
        ready: Callable[[], Awaitable[Methods]],
    ) -> PublishOutcome:
        """Publishes one message and reports how it ended. If there is no room, it waits
        for its turn, and asks `ready` for a connection then. RpcError when the sidecar
        refuses the call."""
        self._unanswered += 1
        self._all_answered.clear()
        try:
            size = request.ByteSize()
            if self._room.take(size):
                return await self._answer(self._send(methods, request), size)
            return await self._answer(await self._in_turn(request, size, ready), size)
        finally:
            self._unanswered -= 1
            if self._unanswered == 0:
                self._all_answered.set()

    async def drain(self) -> None:
        """Returns when all is answered, or the time to drain is over."""
        await self._all_answered.wait()

    async def _in_turn(
        self,
        request: PublishRequest,
        size: int,
        ready: Callable[[], Awaitable[Methods]],
    ) -> asyncio.Future[PublishOutcome]:
        turn = self._room.turn(size)
        try:
            await self._budget.bound(turn)
            # The connection from before the wait may be lost.
            return self._send(await ready(), request)
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._room.give(size)
            raise
        finally:
            self._room.end_turn()

    async def _answer(
        self, answer: asyncio.Future[PublishOutcome], size: int
    ) -> PublishOutcome:
        try:
            return await self._budget.bound(answer)
        except RpcError as error:
            if error.code not in LOST_STATUSES:
                raise
            return PublishUnknown(str(error))
        finally:
            self._room.give(size)

    def _send(
        self, methods: Methods, request: PublishRequest
    ) -> asyncio.Future[PublishOutcome]:
        if request.ByteSize() > STREAMED_BYTES_MAX:
            return asyncio.ensure_future(self._send_alone(methods, request))
        if self._stream is None or self._stream.is_over:
            self._stream = PublishStream(methods)
        return self._stream.publish(request)

    @staticmethod
    async def _send_alone(methods: Methods, request: PublishRequest) -> PublishOutcome:
        return publish_outcome(await unary(methods.publish_one, request))


class PublishStream:
    """The publishes of one connection, in their order. Those that are made while a
    batch leaves are the next batch."""

    def __init__(self, methods: Methods) -> None:
        self.is_over = False
        self._waiting: deque[PublishItem] = deque()
        self._unanswered: dict[int, asyncio.Future[PublishOutcome]] = {}
        self._last_sequence = 0
        self._arrived = asyncio.Event()
        self._stream: Stream[PublishBatch, PublishResults] = Stream(
            methods.publish, self._batches()
        )
        self._tasks = Tasks()
        self._tasks.start(self._read())

    def publish(self, request: PublishRequest) -> asyncio.Future[PublishOutcome]:
        """The future outcome; it fails with RpcError when the sidecar refuses the
        request, or the stream fails before the answer."""
        self._last_sequence += 1
        answer: asyncio.Future[PublishOutcome] = (
            asyncio.get_running_loop().create_future()
        )
        self._unanswered[self._last_sequence] = answer
        self._waiting.append(
            PublishItem(client_sequence=self._last_sequence, request=request)
        )
        self._arrived.set()
        return answer

    async def _batches(self) -> AsyncIterator[PublishBatch]:
        while not self.is_over:
            self._arrived.clear()
            while self._waiting:
                yield self._next_batch()
            await self._arrived.wait()

    def _next_batch(self) -> PublishBatch:
        batch, size = PublishBatch(), 0
        while self._waiting and len(batch.items) < BATCH_ITEMS:
            size += self._waiting[0].ByteSize()
            if batch.items and size > STREAMED_BYTES_MAX:
                break
            batch.items.append(self._waiting.popleft())
        return batch

    async def _read(self) -> None:
        failure = RpcError(
            "UNAVAILABLE", "the sidecar ended the stream before it answered"
        )
        try:
            async for results in self._stream.received():
                for result in results.results:
                    self._settle(result)
        except RpcError as error:
            failure = error
        finally:
            self.is_over = True
            self._arrived.set()
            for answer in self._unanswered.values():
                if not answer.done():
                    answer.set_exception(failure)
            self._unanswered.clear()

    def _settle(self, result: PublishResult) -> None:
        answer = self._unanswered.pop(result.client_sequence, None)
        if answer is None or answer.done():
            return
        try:
            answer.set_result(streamed_outcome(result))
        except RpcError as error:
            answer.set_exception(error)
