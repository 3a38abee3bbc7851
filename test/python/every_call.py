"""Uses every call and option of meridian_plugin; prints what comes of each."""

import asyncio
import sys

from meridian_plugin import (
    Answer,
    DeadLetters,
    DeliveredMessage,
    Message,
    MessageHandler,
    NotAdmittedError,
    Plugin,
    PluginIdentity,
    PublishAccepted,
    PublishOutcome,
    PublishRefused,
    PublishUnknown,
    RequestAnswered,
    RequestFailed,
    RequestHandler,
    RequestOutcome,
    RpcError,
    Window,
    connect,
)

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def show(outcome: PublishOutcome) -> str:
    match outcome:
        case PublishAccepted(message_id, duplicate):
            return f"accepted, duplicate: {duplicate}, id: {message_id != ''}"
        case PublishRefused(reason) | PublishUnknown(reason):
            return f"{outcome.outcome}: {reason}"


def set_hooks(plugin: Plugin) -> None:
    @plugin.on_health_check
    async def healthy() -> bool:
        return True

    @plugin.on_stop
    async def on_stop(reason: str) -> None:
        print("stopping:", reason)

    plugin.on_degrade(lambda reason: print("degraded:", reason))
    plugin.on_resume(lambda: print("resumed"))
    plugin.on_lost(lambda pattern, count: print("lost", count, "of", pattern))


async def receive(plugin: Plugin) -> None:
    handled: asyncio.Future[DeliveredMessage] = asyncio.Future()

    async def save(message: DeliveredMessage) -> None:
        await plugin.save_state(message.payload, acknowledge=[message])
        handled.set_result(message)

    on_order: MessageHandler = save
    await plugin.subscribe(
        "platform.oms.orders",
        on_order,
        name="orders",
        start_time_ns=1,
        idle_expiry_s=60,
        dead_letters=DeadLetters(after_attempts=3, topic="platform.oms.dead"),
        window=Window(messages=8, bytes=65_536),
        group="accounting",
        ordered=True,
    )
    for _ in range(2):
        published = await plugin.publish(
            "platform.oms.orders",
            b"\1\2\3",
            payload_type="application/octet-stream",
            correlation_id="conversation-1",
            causation_id="cause-1",
            ts_event_ns=1_700_000_000_000_000_000,
            dedup_key="order-1",
            partition_key="account-7",
            schema_version="1.2.3",
            traceparent=TRACEPARENT,
            tracestate="vendor=1",
        )
        print("publish:", show(published))
    print("publish:", show(await plugin.publish("platform.data.eod", b"\1")))
    got = await handled
    print("message:", got.subscription, got.position > 0, got.maybe_redelivered)
    print("message:", got.attempt, got.topic, got.payload, got.payload_type)
    print("message:", got.message_id != "", got.source_id, got.correlation_id)
    print("message:", got.causation_id, got.partition_key, got.schema_version)
    print("message:", got.ts_event_ns)
    print("message:", got.ts_init_ns > got.ts_event_ns, got.tracestate)
    print("message:", got.traceparent == TRACEPARENT)
    print("state:", await plugin.load_state())


async def call(plugin: Plugin) -> None:
    async def double(request: Message) -> Answer:
        return Answer(bytes(2 * byte for byte in request.payload), payload_type="b")

    handler: RequestHandler = double
    await plugin.serve("platform.oms.double", handler)
    answer: RequestOutcome = await plugin.request(
        "platform.oms.double",
        b"\x15",
        timeout_ms=5_000,
        payload_type="bytes",
        correlation_id="conversation-2",
        traceparent=TRACEPARENT,
        tracestate="vendor=1",
    )
    match answer:
        case RequestAnswered(payload, payload_type):
            print("request:", payload, payload_type)
        case RequestFailed(outcome, detail):
            print("request:", outcome, detail)


async def main() -> None:
    try:
        plugin = await connect(
            address=sys.argv[1], schema_version="1.0.0", wait_timeout_ms=10_000
        )
    except NotAdmittedError as error:
        sys.exit(str(error))
    who: PluginIdentity = plugin.identity
    print("identity:", who.instance_id, who.deployment_id, who.role, who.tags)
    print("identity:", who.publish_grants, who.subscribe_grants)
    set_hooks(plugin)
    await receive(plugin)
    await call(plugin)
    try:
        await plugin.subscribe("platform..oms", print, name="none")
    except RpcError as error:
        print("error:", error.code)
    await plugin.stop("all was called")
    await plugin.stopped()


asyncio.run(main())
