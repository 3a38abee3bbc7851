from meridian_plugin._wire import envelope_pb2 as _envelope_pb2
from meridian_plugin._wire import sidecar_pb2 as _sidecar_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PublishOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PUBLISH_OUTCOME_UNSPECIFIED: _ClassVar[PublishOutcome]
    PUBLISH_OUTCOME_ACCEPTED: _ClassVar[PublishOutcome]
    PUBLISH_OUTCOME_REFUSED: _ClassVar[PublishOutcome]
    PUBLISH_OUTCOME_UNKNOWN: _ClassVar[PublishOutcome]

class StartAt(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    START_AT_UNSPECIFIED: _ClassVar[StartAt]
    START_AT_NEW: _ClassVar[StartAt]
    START_AT_LAST_ACKNOWLEDGED: _ClassVar[StartAt]
    START_AT_TIME: _ClassVar[StartAt]
PUBLISH_OUTCOME_UNSPECIFIED: PublishOutcome
PUBLISH_OUTCOME_ACCEPTED: PublishOutcome
PUBLISH_OUTCOME_REFUSED: PublishOutcome
PUBLISH_OUTCOME_UNKNOWN: PublishOutcome
START_AT_UNSPECIFIED: StartAt
START_AT_NEW: StartAt
START_AT_LAST_ACKNOWLEDGED: StartAt
START_AT_TIME: StartAt

class LifecycleRequest(_message.Message):
    __slots__ = ("attach", "health_report", "stopped")
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    HEALTH_REPORT_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    attach: Attach
    health_report: HealthReport
    stopped: Stopped
    def __init__(self, attach: _Optional[_Union[Attach, _Mapping[str, object]]] = ..., health_report: _Optional[_Union[HealthReport, _Mapping[str, object]]] = ..., stopped: _Optional[_Union[Stopped, _Mapping[str, object]]] = ...) -> None: ...

class Attach(_message.Message):
    __slots__ = ("client",)
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    client: str
    def __init__(self, client: _Optional[str] = ...) -> None: ...

class HealthReport(_message.Message):
    __slots__ = ("check_id", "healthy", "detail")
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    check_id: int
    healthy: bool
    detail: str
    def __init__(self, check_id: _Optional[int] = ..., healthy: _Optional[bool] = ..., detail: _Optional[str] = ...) -> None: ...

class Stopped(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LifecycleEvent(_message.Message):
    __slots__ = ("attached", "health_check", "stop", "degrade", "resume", "lost", "replaced", "state_changed")
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    HEALTH_CHECK_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    DEGRADE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    STATE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    attached: Attached
    health_check: HealthCheck
    stop: Stop
    degrade: Degrade
    resume: Resume
    lost: Lost
    replaced: Replaced
    state_changed: StateChanged
    def __init__(self, attached: _Optional[_Union[Attached, _Mapping[str, object]]] = ..., health_check: _Optional[_Union[HealthCheck, _Mapping[str, object]]] = ..., stop: _Optional[_Union[Stop, _Mapping[str, object]]] = ..., degrade: _Optional[_Union[Degrade, _Mapping[str, object]]] = ..., resume: _Optional[_Union[Resume, _Mapping[str, object]]] = ..., lost: _Optional[_Union[Lost, _Mapping[str, object]]] = ..., replaced: _Optional[_Union[Replaced, _Mapping[str, object]]] = ..., state_changed: _Optional[_Union[StateChanged, _Mapping[str, object]]] = ...) -> None: ...

class Attached(_message.Message):
    __slots__ = ("instance_id", "degraded")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    degraded: bool
    def __init__(self, instance_id: _Optional[str] = ..., degraded: _Optional[bool] = ...) -> None: ...

class HealthCheck(_message.Message):
    __slots__ = ("check_id", "timeout_ms")
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    check_id: int
    timeout_ms: int
    def __init__(self, check_id: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class Stop(_message.Message):
    __slots__ = ("reason", "drain_timeout_ms")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DRAIN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    drain_timeout_ms: int
    def __init__(self, reason: _Optional[str] = ..., drain_timeout_ms: _Optional[int] = ...) -> None: ...

class Degrade(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Lost(_message.Message):
    __slots__ = ("pattern", "count")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    count: int
    def __init__(self, pattern: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Replaced(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StateChanged(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: str
    def __init__(self, state: _Optional[str] = ...) -> None: ...

class PublishBatch(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[PublishItem]
    def __init__(self, items: _Optional[_Iterable[_Union[PublishItem, _Mapping[str, object]]]] = ...) -> None: ...

class PublishItem(_message.Message):
    __slots__ = ("client_sequence", "request")
    CLIENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client_sequence: int
    request: _sidecar_pb2.PublishRequest
    def __init__(self, client_sequence: _Optional[int] = ..., request: _Optional[_Union[_sidecar_pb2.PublishRequest, _Mapping[str, object]]] = ...) -> None: ...

class PublishResults(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PublishResult]
    def __init__(self, results: _Optional[_Iterable[_Union[PublishResult, _Mapping[str, object]]]] = ...) -> None: ...

class PublishResult(_message.Message):
    __slots__ = ("client_sequence", "outcome", "message_id", "refusal_reason", "duplicate", "status_code")
    CLIENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_REASON_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    client_sequence: int
    outcome: PublishOutcome
    message_id: str
    refusal_reason: str
    duplicate: bool
    status_code: int
    def __init__(self, client_sequence: _Optional[int] = ..., outcome: _Optional[_Union[PublishOutcome, str]] = ..., message_id: _Optional[str] = ..., refusal_reason: _Optional[str] = ..., duplicate: _Optional[bool] = ..., status_code: _Optional[int] = ...) -> None: ...

class ConsumeRequest(_message.Message):
    __slots__ = ("open", "acknowledge", "credit", "retry")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    open: OpenSubscription
    acknowledge: Acknowledge
    credit: Credit
    retry: Retry
    def __init__(self, open: _Optional[_Union[OpenSubscription, _Mapping[str, object]]] = ..., acknowledge: _Optional[_Union[Acknowledge, _Mapping[str, object]]] = ..., credit: _Optional[_Union[Credit, _Mapping[str, object]]] = ..., retry: _Optional[_Union[Retry, _Mapping[str, object]]] = ...) -> None: ...

class OpenSubscription(_message.Message):
    __slots__ = ("name", "pattern", "start_at", "start_time_ns", "idle_expiry_s", "max_attempts", "dead_letter_topic", "credit", "group", "unordered")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    START_AT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    IDLE_EXPIRY_S_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTER_TOPIC_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    UNORDERED_FIELD_NUMBER: _ClassVar[int]
    name: str
    pattern: str
    start_at: StartAt
    start_time_ns: int
    idle_expiry_s: int
    max_attempts: int
    dead_letter_topic: str
    credit: Credit
    group: str
    unordered: bool
    def __init__(self, name: _Optional[str] = ..., pattern: _Optional[str] = ..., start_at: _Optional[_Union[StartAt, str]] = ..., start_time_ns: _Optional[int] = ..., idle_expiry_s: _Optional[int] = ..., max_attempts: _Optional[int] = ..., dead_letter_topic: _Optional[str] = ..., credit: _Optional[_Union[Credit, _Mapping[str, object]]] = ..., group: _Optional[str] = ..., unordered: _Optional[bool] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("messages", "bytes")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    messages: int
    bytes: int
    def __init__(self, messages: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Acknowledge(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class Retry(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ConsumeEvent(_message.Message):
    __slots__ = ("opened", "message", "acknowledged")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    opened: Opened
    message: ConsumedMessage
    acknowledged: Acknowledged
    def __init__(self, opened: _Optional[_Union[Opened, _Mapping[str, object]]] = ..., message: _Optional[_Union[ConsumedMessage, _Mapping[str, object]]] = ..., acknowledged: _Optional[_Union[Acknowledged, _Mapping[str, object]]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: str
    def __init__(self, group: _Optional[str] = ...) -> None: ...

class ConsumedMessage(_message.Message):
    __slots__ = ("position", "envelope", "maybe_redelivered", "attempt", "credit_bytes")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    MAYBE_REDELIVERED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CREDIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    position: int
    envelope: _envelope_pb2.Envelope
    maybe_redelivered: bool
    attempt: int
    credit_bytes: int
    def __init__(self, position: _Optional[int] = ..., envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping[str, object]]] = ..., maybe_redelivered: _Optional[bool] = ..., attempt: _Optional[int] = ..., credit_bytes: _Optional[int] = ...) -> None: ...

class Acknowledged(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ServeRequest(_message.Message):
    __slots__ = ("open", "answer")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    open: OpenServer
    answer: Answer
    def __init__(self, open: _Optional[_Union[OpenServer, _Mapping[str, object]]] = ..., answer: _Optional[_Union[Answer, _Mapping[str, object]]] = ...) -> None: ...

class OpenServer(_message.Message):
    __slots__ = ("pattern",)
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    def __init__(self, pattern: _Optional[str] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("request_id", "ok", "payload_type", "payload", "error_detail")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ERROR_DETAIL_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    ok: bool
    payload_type: str
    payload: bytes
    error_detail: str
    def __init__(self, request_id: _Optional[int] = ..., ok: _Optional[bool] = ..., payload_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., error_detail: _Optional[str] = ...) -> None: ...

class ServeEvent(_message.Message):
    __slots__ = ("serving", "request")
    SERVING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    serving: Serving
    request: Request
    def __init__(self, serving: _Optional[_Union[Serving, _Mapping[str, object]]] = ..., request: _Optional[_Union[Request, _Mapping[str, object]]] = ...) -> None: ...

class Serving(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Request(_message.Message):
    __slots__ = ("request_id", "envelope", "timeout_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    envelope: _envelope_pb2.Envelope
    timeout_ms: int
    def __init__(self, request_id: _Optional[int] = ..., envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping[str, object]]] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class SaveStateRequest(_message.Message):
    __slots__ = ("state", "acknowledge")
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    state: bytes
    acknowledge: _containers.RepeatedCompositeFieldContainer[SubscriptionPositions]
    def __init__(self, state: _Optional[bytes] = ..., acknowledge: _Optional[_Iterable[_Union[SubscriptionPositions, _Mapping[str, object]]]] = ...) -> None: ...

class SubscriptionPositions(_message.Message):
    __slots__ = ("subscription", "positions")
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    subscription: str
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, subscription: _Optional[str] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class SaveStateReply(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class LoadStateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LoadStateReply(_message.Message):
    __slots__ = ("found", "state", "revision")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    found: bool
    state: bytes
    revision: int
    def __init__(self, found: _Optional[bool] = ..., state: _Optional[bytes] = ..., revision: _Optional[int] = ...) -> None: ...
