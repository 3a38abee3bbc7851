"""Acknowledged subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.plugin_pb2 import (
    Acknowledge,
    ConsumedMessage,
    ConsumeEvent,
    ConsumeRequest,
    Credit,
    OpenSubscription,
    Retry,
)
from meridian_plugin.awaited import result_of
from meridian_plugin.errors import RpcError, is_lost_connection, message_of
from meridian_plugin.first_answer import FirstAnswer
from meridian_plugin.log import log
from meridian_plugin.messages import DeliveredMessage, fields_of
from meridian_plugin.streams import Stream
from meridian_plugin.tasks import Tasks

MessageHandler = Callable[[DeliveredMessage], None | Awaitable[None]]
"""Handles one message. When it raises, the message is redelivered as its next
attempt."""

# Before a message is redelivered after its handler failed; doubles with each attempt.
FIRST_RETRY_S = 0.1
RETRY_S_MAX = 5.0

ConsumeStream = Stream[ConsumeRequest, ConsumeEvent]


class Subscription:
    """One subscription over all connections: handles its messages one at a time, and
    acknowledges each when its handler has returned."""

    def __init__(self, opening: OpenSubscription, handler: MessageHandler) -> None:
        self._opening = opening
        self._handler = handler
        # Handled, and not yet confirmed as acknowledged.
        self._handled: set[int] = set()
        self.opened = FirstAnswer()
        self._retries: dict[int, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._stream: ConsumeStream | None = None
        self._tasks = Tasks()
        self._running: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopped = False

    def connect(self, methods: Methods) -> None:
        """Reopens the subscription on a new connection."""
        if self._stopped:
            return
        stream: ConsumeStream = Stream(methods.consume)
        self._stream = stream
        stream.send(ConsumeRequest(open=self._opening))
        self._running = self._tasks.start(self._run(self._running, stream))

    async def stop(self) -> None:
        """Accepts nothing more. Returns when the current message is handled and the
        sidecar has its acknowledgement."""
        self._stopped = True
        await self._idle.wait()
        for timer, retry in list(self._retries.values()):
            timer.cancel()
            retry()
        if self._stream:
            self._stream.end()
        await self._tasks.finished()

    def close(self) -> None:
        """Ends the stream; what is unacknowledged is redelivered to the next one."""
        self._stopped = True
        for timer, _ in self._retries.values():
            timer.cancel()
        if self._stream:
            self._stream.cancel()

    async def _run(
        self, before: asyncio.Task[None] | None, stream: ConsumeStream
    ) -> None:
        if before:
            # Only one message is handled at a time.
            await asyncio.wait((before,))
        try:
            async for event in stream.received():
                match event.WhichOneof("event"):
                    case "opened":
                        self._check_group(stream, event.opened.group)
                        self.opened.settle(None)
                    case "acknowledged":
                        self._handled.difference_update(event.acknowledged.positions)
                    case "message" if not self._stopped:
                        self._idle.clear()
                        try:
                            await self._take(stream, event.message)
                        finally:
                            self._idle.set()
        except RpcError as error:
            if is_lost_connection(error):
                return
            name = self._opening.name
            self.opened.settle(error)
            log.error("subscription %s ended: %s", name, error)

    def _check_group(self, stream: ConsumeStream, group: str) -> None:
        """Without the group, this instance would get every message that is meant for
        one of its members."""
        wanted = self._opening.group
        if group == wanted:
            return
        stream.cancel()
        unknown = f'the sidecar or the bus knows no groups, and the group is "{wanted}"'
        raise RpcError("UNIMPLEMENTED", unknown)

    async def _take(self, stream: ConsumeStream, consumed: ConsumedMessage) -> None:
        if consumed.position not in self._handled:
            message = DeliveredMessage(
                **fields_of(consumed.envelope),
                subscription=self._opening.name,
                position=consumed.position,
                maybe_redelivered=consumed.maybe_redelivered,
                attempt=consumed.attempt,
            )
            try:
                await result_of(self._handler(message))
            except Exception as error:
                log.error(
                    "the handler of %s failed, and the message is redelivered: %s",
                    self._opening.name,
                    message_of(error),
                )
                self._retry_later(stream, consumed)
                return
            self._handled.add(consumed.position)
        acknowledge = Acknowledge(positions=[consumed.position])
        stream.send(ConsumeRequest(acknowledge=acknowledge))
        self._give_credit(stream, consumed)

    def _retry_later(self, stream: ConsumeStream, consumed: ConsumedMessage) -> None:
        position = consumed.position

        def retry() -> None:
            del self._retries[position]
            stream.send(ConsumeRequest(retry=Retry(positions=[position])))
            self._give_credit(stream, consumed)

        # Attempts are counted up to 2 ** 32, and a float ends before 2 ** 1_024.
        doublings = min(consumed.attempt - 1, 10)
        delay = min(RETRY_S_MAX, FIRST_RETRY_S * 2.0**doublings)
        timer = asyncio.get_running_loop().call_later(delay, retry)
        self._retries[position] = (timer, retry)

    @staticmethod
    def _give_credit(stream: ConsumeStream, consumed: ConsumedMessage) -> None:
        credit = Credit(messages=1, bytes=consumed.credit_bytes)
        stream.send(ConsumeRequest(credit=credit))
