"""How publishes and requests end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import grpc

from meridian_plugin._wire import plugin_pb2, sidecar_pb2
from meridian_plugin.errors import RpcError


@dataclass(frozen=True)
class PublishAccepted:
    """The message is stored."""

    message_id: str
    """Unique; of the first message when this is a duplicate."""
    duplicate: bool
    """The deduplication key was seen before, and nothing was stored again."""
    outcome: Literal["accepted"] = "accepted"
    """Tells it from the other outcomes."""


@dataclass(frozen=True)
class PublishRefused:
    """The message is not stored."""

    reason: str
    """Why, for a person."""
    outcome: Literal["refused"] = "refused"
    """Tells it from the other outcomes."""


@dataclass(frozen=True)
class PublishUnknown:
    """It may or may not be stored; publish again with the same deduplication key to
    be sure."""

    reason: str
    """Why, for a person."""
    outcome: Literal["unknown"] = "unknown"
    """Tells it from the other outcomes."""


PublishOutcome = PublishAccepted | PublishRefused | PublishUnknown
"""How a publish ended."""


@dataclass(frozen=True)
class RequestAnswered:
    """The responder answered."""

    payload: bytes
    """The answer's bytes."""
    payload_type: str
    """The payload's format as the responder named it; empty when it named none."""
    outcome: Literal["answered"] = "answered"
    """Tells it from the other outcomes."""


@dataclass(frozen=True)
class RequestFailed:
    """There is no answer, for one of four distinct reasons."""

    outcome: Literal["refused", "no_handler", "timeout", "handler_error"]
    """Which reason."""
    detail: str
    """Why, for a person."""


RequestOutcome = RequestAnswered | RequestFailed
"""How a request ended: answered, or one of four distinct failures."""


def publish_outcome(reply: sidecar_pb2.PublishReply) -> PublishOutcome:
    if reply.accepted:
        return PublishAccepted(reply.message_id, reply.duplicate)
    return PublishRefused(reply.refusal_reason)


def streamed_outcome(result: plugin_pb2.PublishResult) -> PublishOutcome:
    """Raises RpcError with the status that a call of its own would have ended with."""
    if result.outcome == plugin_pb2.PUBLISH_OUTCOME_ACCEPTED:
        return PublishAccepted(result.message_id, result.duplicate)
    if result.outcome != plugin_pb2.PUBLISH_OUTCOME_REFUSED:
        return PublishUnknown(result.refusal_reason)
    if result.status_code == grpc.StatusCode.OK.value[0]:
        return PublishRefused(result.refusal_reason)
    names = {status.value[0]: status.name for status in grpc.StatusCode}
    raise RpcError(names.get(result.status_code, "UNKNOWN"), result.refusal_reason)


def request_outcome(reply: sidecar_pb2.CallReply) -> RequestOutcome:
    if reply.ok:
        return RequestAnswered(reply.payload, reply.payload_type)
    if reply.failure == sidecar_pb2.CALL_FAILURE_REFUSED:
        return RequestFailed("refused", reply.failure_detail)
    if reply.failure == sidecar_pb2.CALL_FAILURE_NO_HANDLER:
        return RequestFailed("no_handler", reply.failure_detail)
    if reply.failure == sidecar_pb2.CALL_FAILURE_TIMEOUT:
        return RequestFailed("timeout", reply.failure_detail)
    return RequestFailed("handler_error", reply.failure_detail)
