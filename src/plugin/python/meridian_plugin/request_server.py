"""Answers to requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from meridian_plugin._wire import limits, plugin_pb2
from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.plugin_pb2 import OpenServer, ServeEvent, ServeRequest
from meridian_plugin.arguments import check_bytes, check_instance, check_texts
from meridian_plugin.awaited import result_of
from meridian_plugin.errors import RpcError, is_lost_connection, message_of
from meridian_plugin.first_answer import FirstAnswer
from meridian_plugin.log import log
from meridian_plugin.messages import Message, fields_of
from meridian_plugin.streams import Stream
from meridian_plugin.tasks import Tasks
from meridian_plugin.texts import beginning_of


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    payload: bytes
    """The answer's bytes."""
    payload_type: str = ""
    """The payload's format, such as `application/json`, up to 256 bytes."""


RequestHandler = Callable[[Message], Answer | Awaitable[Answer]]
"""Answers a request. The caller gets what it raises as a handler error."""

ServeStream = Stream[ServeRequest, ServeEvent]


class RequestServer:
    """Answers the requests on one pattern, over all connections."""

    def __init__(self, pattern: str, handler: RequestHandler) -> None:
        self._pattern = pattern
        self._handler = handler
        self.serving = FirstAnswer()
        self._stream: ServeStream | None = None
        self._answers = Tasks()
        self._tasks = Tasks()
        self._stopped = False

    def connect(self, methods: Methods) -> None:
        """Serves again on a new connection."""
        if self._stopped:
            return
        stream: ServeStream = Stream(methods.serve)
        self._stream = stream
        stream.send(ServeRequest(open=OpenServer(pattern=self._pattern)))
        self._tasks.start(self._run(stream))

    async def stop(self) -> None:
        """Accepts no more requests. Returns when those in progress are answered and
        the sidecar has the answers."""
        self._stopped = True
        await self._answers.finished()
        if self._stream:
            self._stream.end()
        await self._tasks.finished()

    def close(self) -> None:
        self._stopped = True
        if self._stream:
            self._stream.cancel()

    async def _run(self, stream: ServeStream) -> None:
        try:
            async for event in stream.received():
                match event.WhichOneof("event"):
                    case "serving":
                        self.serving.settle(None)
                    case "request" if not self._stopped:
                        self._answers.start(self._answer(stream, event.request))
        except RpcError as error:
            if is_lost_connection(error):
                return
            self.serving.settle(error)
            log.error("serving %s ended: %s", self._pattern, error)

    async def _answer(self, stream: ServeStream, request: plugin_pb2.Request) -> None:
        answer = plugin_pb2.Answer(request_id=request.request_id)
        try:
            message = Message(**fields_of(request.envelope))
            given = await result_of(self._handler(message))
            check_answer(given)
            answer.payload = bytes(given.payload)
            answer.payload_type = given.payload_type
            answer.ok = True
        except Exception as error:
            detail = message_of(error)
            log.error(
                "the handler of %s failed, and the caller is told so: %s",
                self._pattern,
                detail,
            )
            answer.error_detail = beginning_of(detail, limits.TEXT_BYTES)
        stream.send(ServeRequest(answer=answer))


def check_answer(answer: Answer) -> None:
    """Raises TypeError for a wrong answer, and ValueError for one over a limit, which
    would end the whole stream."""
    check_instance("serve", Answer, answer=answer)
    check_bytes("serve", answer_payload=answer.payload)
    check_texts("serve", answer_payload_type=answer.payload_type)
    sizes = (
        ("payload", len(answer.payload), limits.PAYLOAD_BYTES),
        ("payload_type", len(answer.payload_type.encode()), limits.NAME_BYTES),
    )
    for name, size, limit in sizes:
        if size > limit:
            raise ValueError(
                f"the answer is not passed on: {name} of {size} bytes is over the "
                f"limit of {limit} bytes"
            )
