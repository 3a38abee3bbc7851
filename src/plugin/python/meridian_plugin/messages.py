"""Messages, as a plugin receives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meridian_plugin._wire.envelope_pb2 import Envelope


@dataclass(frozen=True)
class Message:
    """One message as a plugin receives it."""

    topic: str
    """The topic that it was published on."""
    payload: bytes
    """The publisher's bytes, unchanged."""
    payload_type: str
    """The payload's format as its publisher named it; empty when it named none."""
    message_id: str
    """Unique; given by the publisher's sidecar."""
    source_id: str
    """The instance that published it."""
    correlation_id: str
    """Names the conversation that the message belongs to; empty when its publisher
    named none."""
    causation_id: str
    """The `message_id` of the message that led to this one; empty when its publisher
    named none."""
    partition_key: str
    """As its publisher gave it; empty when it gave none."""
    schema_version: str
    """The version of the payload's schema."""
    ts_event_ns: int
    """When the event happened, in nanoseconds since the Unix epoch; never after
    `ts_init_ns`."""
    ts_init_ns: int
    """When the publisher's sidecar accepted it, in nanoseconds since the Unix
    epoch."""
    traceparent: str
    """W3C trace context: the publisher's, or a new one when it gave none."""
    tracestate: str
    """W3C trace context that goes with `traceparent`."""


@dataclass(frozen=True)
class DeliveredMessage(Message):
    """A message of an acknowledged subscription."""

    subscription: str
    """The subscription's name, which `save_state` acknowledges with the position."""
    position: int
    """The message's position in the subscription."""
    maybe_redelivered: bool
    """The plugin may have handled it before: it was unacknowledged when an earlier
    stream ended."""
    attempt: int
    """1 for the first delivery. Redeliveries after a graceful stop count none."""


def fields_of(envelope: Envelope) -> dict[str, Any]:
    """The members of a Message."""
    meta = envelope.meta
    return {
        "topic": meta.topic,
        "payload": envelope.payload,
        "payload_type": envelope.payload_type,
        "message_id": meta.message_id,
        "source_id": meta.publisher_instance_id,
        "correlation_id": meta.correlation_id,
        "causation_id": meta.causation_id,
        "partition_key": meta.partition_key,
        "schema_version": meta.schema_version,
        "ts_event_ns": meta.ts_event_ns,
        "ts_init_ns": meta.ts_init_ns,
        "traceparent": meta.traceparent,
        "tracestate": meta.tracestate,
    }
