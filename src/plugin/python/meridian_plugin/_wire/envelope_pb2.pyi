from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("meta", "payload_type", "payload")
    META_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    meta: MessageMeta
    payload_type: str
    payload: bytes
    def __init__(self, meta: _Optional[_Union[MessageMeta, _Mapping[str, object]]] = ..., payload_type: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class MessageMeta(_message.Message):
    __slots__ = ("message_id", "correlation_id", "causation_id", "publisher_instance_id", "topic", "schema_version", "published_at_ns", "ts_event_ns", "ts_init_ns", "dedup_key", "traceparent", "tracestate", "original_topic", "original_publisher_instance_id", "original_published_at_ns", "failed_subscription", "failed_attempts", "partition_key")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLISHER_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TS_EVENT_NS_FIELD_NUMBER: _ClassVar[int]
    TS_INIT_NS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_KEY_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_TOPIC_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_PUBLISHER_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_PUBLISHED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    FAILED_SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FAILED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    correlation_id: str
    causation_id: str
    publisher_instance_id: str
    topic: str
    schema_version: str
    published_at_ns: int
    ts_event_ns: int
    ts_init_ns: int
    dedup_key: str
    traceparent: str
    tracestate: str
    original_topic: str
    original_publisher_instance_id: str
    original_published_at_ns: int
    failed_subscription: str
    failed_attempts: int
    partition_key: str
    def __init__(self, message_id: _Optional[str] = ..., correlation_id: _Optional[str] = ..., causation_id: _Optional[str] = ..., publisher_instance_id: _Optional[str] = ..., topic: _Optional[str] = ..., schema_version: _Optional[str] = ..., published_at_ns: _Optional[int] = ..., ts_event_ns: _Optional[int] = ..., ts_init_ns: _Optional[int] = ..., dedup_key: _Optional[str] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ..., original_topic: _Optional[str] = ..., original_publisher_instance_id: _Optional[str] = ..., original_published_at_ns: _Optional[int] = ..., failed_subscription: _Optional[str] = ..., failed_attempts: _Optional[int] = ..., partition_key: _Optional[str] = ...) -> None: ...
