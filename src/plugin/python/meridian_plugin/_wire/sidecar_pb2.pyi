from meridian_plugin._wire import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CallFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALL_FAILURE_UNSPECIFIED: _ClassVar[CallFailure]
    CALL_FAILURE_TIMEOUT: _ClassVar[CallFailure]
    CALL_FAILURE_REFUSED: _ClassVar[CallFailure]
    CALL_FAILURE_NO_HANDLER: _ClassVar[CallFailure]
    CALL_FAILURE_HANDLER_ERROR: _ClassVar[CallFailure]
CALL_FAILURE_UNSPECIFIED: CallFailure
CALL_FAILURE_TIMEOUT: CallFailure
CALL_FAILURE_REFUSED: CallFailure
CALL_FAILURE_NO_HANDLER: CallFailure
CALL_FAILURE_HANDLER_ERROR: CallFailure

class RegisterRequest(_message.Message):
    __slots__ = ("schema_version",)
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    def __init__(self, schema_version: _Optional[str] = ...) -> None: ...

class RegisterReply(_message.Message):
    __slots__ = ("admitted", "deployment_id", "refusal_reason", "publish_grants", "subscribe_grants", "instance_id", "role", "tags")
    ADMITTED_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_REASON_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_GRANTS_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_GRANTS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    admitted: bool
    deployment_id: str
    refusal_reason: str
    publish_grants: _containers.RepeatedScalarFieldContainer[str]
    subscribe_grants: _containers.RepeatedScalarFieldContainer[str]
    instance_id: str
    role: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, admitted: _Optional[bool] = ..., deployment_id: _Optional[str] = ..., refusal_reason: _Optional[str] = ..., publish_grants: _Optional[_Iterable[str]] = ..., subscribe_grants: _Optional[_Iterable[str]] = ..., instance_id: _Optional[str] = ..., role: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class PublishRequest(_message.Message):
    __slots__ = ("topic", "payload_type", "payload", "correlation_id", "causation_id", "ts_event_ns", "dedup_key", "schema_version", "traceparent", "tracestate", "partition_key")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSATION_ID_FIELD_NUMBER: _ClassVar[int]
    TS_EVENT_NS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_KEY_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    topic: str
    payload_type: str
    payload: bytes
    correlation_id: str
    causation_id: str
    ts_event_ns: int
    dedup_key: str
    schema_version: str
    traceparent: str
    tracestate: str
    partition_key: str
    def __init__(self, topic: _Optional[str] = ..., payload_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., correlation_id: _Optional[str] = ..., causation_id: _Optional[str] = ..., ts_event_ns: _Optional[int] = ..., dedup_key: _Optional[str] = ..., schema_version: _Optional[str] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ..., partition_key: _Optional[str] = ...) -> None: ...

class PublishReply(_message.Message):
    __slots__ = ("accepted", "message_id", "refusal_reason", "duplicate")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_REASON_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    message_id: str
    refusal_reason: str
    duplicate: bool
    def __init__(self, accepted: _Optional[bool] = ..., message_id: _Optional[str] = ..., refusal_reason: _Optional[str] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("pattern",)
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    def __init__(self, pattern: _Optional[str] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("envelope",)
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping[str, object]]] = ...) -> None: ...

class CallRequest(_message.Message):
    __slots__ = ("topic", "payload_type", "payload", "correlation_id", "timeout_ms", "traceparent", "tracestate")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    payload_type: str
    payload: bytes
    correlation_id: str
    timeout_ms: int
    traceparent: str
    tracestate: str
    def __init__(self, topic: _Optional[str] = ..., payload_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., correlation_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ...) -> None: ...

class CallReply(_message.Message):
    __slots__ = ("ok", "payload_type", "payload", "failure", "failure_detail")
    OK_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_DETAIL_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    payload_type: str
    payload: bytes
    failure: CallFailure
    failure_detail: str
    def __init__(self, ok: _Optional[bool] = ..., payload_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., failure: _Optional[_Union[CallFailure, str]] = ..., failure_detail: _Optional[str] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("healthy", "detail")
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    healthy: bool
    detail: str
    def __init__(self, healthy: _Optional[bool] = ..., detail: _Optional[str] = ...) -> None: ...

class HeartbeatReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeaveRequest(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class LeaveReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
