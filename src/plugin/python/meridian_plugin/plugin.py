"""A plugin, connected to its sidecar."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from meridian_plugin import arguments as check
from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.plugin_pb2 import (
    LoadStateRequest,
    SaveStateRequest,
    SubscriptionPositions,
)
from meridian_plugin._wire.sidecar_pb2 import CallRequest, PublishRequest
from meridian_plugin.awaited import result_of
from meridian_plugin.drain_budget import DrainBudget
from meridian_plugin.errors import RpcError, message_of
from meridian_plugin.lifecycle import (
    HealthCheck,
    Lifecycle,
    LostHook,
    ReasonHook,
    ResumeHook,
)
from meridian_plugin.log import log
from meridian_plugin.messages import DeliveredMessage
from meridian_plugin.options import DeadLetters, Window, opening_of
from meridian_plugin.outcomes import PublishOutcome, RequestOutcome, request_outcome
from meridian_plugin.publisher import Publisher
from meridian_plugin.request_server import RequestHandler, RequestServer
from meridian_plugin.sidecar_connection import PluginIdentity, SidecarConnection
from meridian_plugin.signals import stop_no_longer
from meridian_plugin.streams import unary
from meridian_plugin.subscriptions import MessageHandler, Subscription
from meridian_plugin.tasks import Tasks

# The time to drain after SIGTERM: the default of the sidecar's `shutdown.drain`.
DRAIN_TIMEOUT_MS = 6_000

HealthCheckT = TypeVar("HealthCheckT", bound=HealthCheck)
ReasonHookT = TypeVar("ReasonHookT", bound=ReasonHook)
ResumeHookT = TypeVar("ResumeHookT", bound=ResumeHook)
LostHookT = TypeVar("LostHookT", bound=LostHook)


class Plugin:
    """A plugin, connected to its sidecar. It survives lost connections: subscriptions
    and responders are reopened. Used with `async with`, it stops at the end."""

    identity: PluginIdentity
    """The plugin's identity, as the sidecar answered at registration."""

    def __init__(self, address: str, schema_version: str, wait_timeout_ms: int) -> None:
        """Use `connect` instead."""
        self._wait_timeout_ms = wait_timeout_ms
        self._budget = DrainBudget()
        self._publisher = Publisher(self._budget)
        self._lifecycle = Lifecycle(self._stop_within)
        self._sidecar = SidecarConnection(address, schema_version, self._on_connected)
        self._parts: list[Subscription | RequestServer] = []
        self._on_stop: ReasonHook | None = None
        self._tasks = Tasks()
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        payload_type: str = "",
        correlation_id: str = "",
        causation_id: str = "",
        ts_event_ns: int = 0,
        dedup_key: str = "",
        partition_key: str = "",
        schema_version: str = "",
        traceparent: str = "",
        tracestate: str = "",
    ) -> PublishOutcome:
        """Publishes one message and reports how it ended. Publishes of up to 64 KiB are
        sent in the order of the calls, also when none waits for the one before. While
        65,536 publishes, or 64 MiB of them, have no answer, the next waits for one of
        theirs.

        - `payload_type`: the payload's format, such as `application/json`, up to 256
          bytes.
        - `correlation_id`: names the conversation that the message belongs to, up to
          1,024 bytes.
        - `causation_id`: the `message_id` of the message that led to this one.
        - `ts_event_ns`: nanoseconds since the Unix epoch at which the event happened;
          0: the sidecar's clock.
        - `dedup_key`: for 10 minutes, a second publish of this instance with the same
          key on the same topic is not stored again; up to 1,024 bytes. Empty: every
          publish is stored.
        - `partition_key`: a group of subscribers handles the messages of one key one
          after the other; up to 1,024 bytes. Empty: the topic and this instance are
          the key.
        - `schema_version`: the version of the payload's schema, up to 64 bytes; empty:
          the version that the plugin connected with.
        - `traceparent`, `tracestate`: W3C trace context,
          https://www.w3.org/TR/trace-context/. Empty: the sidecar starts a trace.

        Raises TypeError for a wrong argument; RpcError INVALID_ARGUMENT or
        RESOURCE_EXHAUSTED when it is over a limit, UNAVAILABLE without a connection to
        the sidecar, so that nothing was sent."""
        texts = {
            "topic": topic,
            "payload_type": payload_type,
            "correlation_id": correlation_id,
            "causation_id": causation_id,
            "dedup_key": dedup_key,
            "partition_key": partition_key,
            "schema_version": schema_version,
            "traceparent": traceparent,
            "tracestate": tracestate,
        }
        check.check_texts("publish", **texts)
        check.check_bytes("publish", payload=payload)
        check.check_whole("publish", 0, check.INT64_MAX, ts_event_ns=ts_event_ns)
        request = PublishRequest(
            payload=bytes(payload), ts_event_ns=ts_event_ns, **texts
        )
        return await self._publisher.publish(await self._ready(), request, self._ready)

    async def subscribe(
        self,
        pattern: str,
        handler: MessageHandler,
        *,
        name: str,
        start_time_ns: int | None = None,
        idle_expiry_s: int = 0,
        dead_letters: DeadLetters | None = None,
        window: Window | None = None,
        group: str = "",
        ordered: bool = True,
    ) -> None:
        """Subscribes under a name, which keeps its cursor between runs. The handler
        gets messages one at a time, in order. Each message is acknowledged when the
        handler has returned. If the handler raises, the message is redelivered after a
        delay, as the next attempt, and does not delay later ones. Returns when the
        subscription is open.

        - `name`: the cursor is kept between runs under this name, of up to 128 bytes
          and unique within the instance.
        - `start_time_ns`: where to start without a cursor: the first publish time, in
          nanoseconds since the Unix epoch. None: with new messages only.
        - `idle_expiry_s`: how many seconds the cursor is kept without a subscriber, up
          to 7 days; 0: the bus's default, an hour.
        - `dead_letters`: after how many attempts a message goes to which topic. None:
          the message is redelivered until it is handled.
        - `window`: how many messages, and how many of their bytes, may be in flight;
          None: 256 messages and 4 MiB.
        - `group`: shares the work with the other instances of the pool that subscribe
          with the same group: each message goes to one of them, and the cursor belongs
          to the group. Of up to 128 characters A-Za-z0-9_.-; empty: this instance gets
          its own copy of every message.
        - `ordered`: of a group. True: one member at a time handles the messages of one
          `partition_key`, in order. False: several may. All members give the same.

        Raises TypeError as `publish` does; RpcError PERMISSION_DENIED without a grant,
        UNIMPLEMENTED when the sidecar or the bus knows no groups, INVALID_ARGUMENT
        for an invalid pattern, name, group or dead-letter topic, FAILED_PRECONDITION
        when the plugin is stopping."""
        check.check_texts("subscribe", pattern=pattern, name=name)
        check.check_callable("subscribe", handler=handler)
        opening = opening_of(
            pattern,
            name=name,
            start_time_ns=start_time_ns,
            idle_expiry_s=idle_expiry_s,
            dead_letters=dead_letters,
            window=window,
            group=group,
            ordered=ordered,
        )
        methods = await self._ready_for_intake()
        subscription = Subscription(opening, handler)
        self._parts.append(subscription)
        subscription.connect(methods)
        await self._budget.bound(subscription.opened.wait())

    async def serve(self, pattern: str, handler: RequestHandler) -> None:
        """Answers the requests on one pattern. Returns when requests can arrive. Raises
        TypeError and RpcError as `subscribe` does."""
        check.check_texts("serve", pattern=pattern)
        check.check_callable("serve", handler=handler)
        methods = await self._ready_for_intake()
        server = RequestServer(pattern, handler)
        self._parts.append(server)
        server.connect(methods)
        await self._budget.bound(server.serving.wait())

    async def request(
        self,
        topic: str,
        payload: bytes,
        *,
        timeout_ms: int = 0,
        payload_type: str = "",
        correlation_id: str = "",
        traceparent: str = "",
        tracestate: str = "",
    ) -> RequestOutcome:
        """Calls the responder of the topic, at most once.

        - `timeout_ms`: how long to wait for the answer, up to 60,000; 0: 5,000.
        - `payload_type`, `correlation_id`, `traceparent`, `tracestate`: as of
          `publish`.

        Raises TypeError as `publish` does; RpcError INVALID_ARGUMENT for what is over a
        limit, UNAVAILABLE."""
        texts = {
            "topic": topic,
            "payload_type": payload_type,
            "correlation_id": correlation_id,
            "traceparent": traceparent,
            "tracestate": tracestate,
        }
        check.check_texts("request", **texts)
        check.check_bytes("request", payload=payload)
        check.check_whole("request", 0, check.INT32_MAX, timeout_ms=timeout_ms)
        request = CallRequest(payload=bytes(payload), timeout_ms=timeout_ms, **texts)
        methods = await self._ready()
        reply = await self._budget.bound(unary(methods.call, request))
        return request_outcome(reply)

    async def load_state(self) -> bytes | None:
        """The last saved state, of this run or an earlier one; None when none was
        saved. Raises RpcError."""
        methods = await self._ready()
        call = unary(methods.load_state, LoadStateRequest())
        reply = await self._budget.bound(call)
        return bytes(reply.state) if reply.found else None

    async def save_state(
        self, state: bytes, *, acknowledge: Sequence[DeliveredMessage] = ()
    ) -> None:
        """Stores the state.

        - `acknowledge`: messages whose effects the state contains: they are
          acknowledged in the same operation.

        Raises TypeError as `publish` does; RpcError RESOURCE_EXHAUSTED over 1 MiB,
        ABORTED when a newer sidecar saved meanwhile, UNAVAILABLE."""
        check.check_bytes("save_state", state=state)
        for message in acknowledge:
            check.check_instance("save_state", DeliveredMessage, acknowledge=message)
        request = SaveStateRequest(
            state=bytes(state),
            acknowledge=[
                SubscriptionPositions(
                    subscription=message.subscription, positions=[message.position]
                )
                for message in acknowledge
            ],
        )
        methods = await self._ready()
        await self._budget.bound(unary(methods.save_state, request))

    def on_health_check(self, check_health: HealthCheckT) -> HealthCheckT:
        """Answers the sidecar's health checks. Without a check, a plugin that answers
        counts as healthy. Every hook may be a coroutine function, is returned as it
        was given, and so can be set by a decorator."""
        check.check_callable("on_health_check", check_health=check_health)
        self._lifecycle.health_check = check_health
        return check_health

    def on_degrade(self, hook: ReasonHookT) -> ReasonHookT:
        """Called with a reason when the bus is unreachable and publishes wait, at once
        when it is already."""
        check.check_callable("on_degrade", hook=hook)
        self._lifecycle.on_degrade(hook)
        return hook

    def on_resume(self, hook: ResumeHookT) -> ResumeHookT:
        """Called when the bus is reachable again after `on_degrade` was called."""
        check.check_callable("on_resume", hook=hook)
        self._lifecycle.resume = hook
        return hook

    def on_lost(self, hook: LostHookT) -> LostHookT:
        """Called with a pattern and a number of messages that were lost since the last
        call: a v1 stream was read too slowly, or a subscription was over its backlog
        quota."""
        check.check_callable("on_lost", hook=hook)
        self._lifecycle.lost = hook
        return hook

    def on_stop(self, hook: ReasonHookT) -> ReasonHookT:
        """Called once with a reason, after intake has stopped: finish the work in
        progress. Publishing still works."""
        check.check_callable("on_stop", hook=hook)
        self._on_stop = hook
        return hook

    async def stop(self, reason: str = "the plugin stops itself") -> None:
        """Stops intake, runs `on_stop`, waits for the answers to what was published,
        leaves and disconnects. A second call waits for the same stop. The plugin's
        calls fail once the drain time has passed: 6 s, or as the sidecar says. Raises
        TypeError when the reason is not a string, and nothing else."""
        check.check_texts("stop", reason=reason)
        self._request_stop(reason)
        await self.stopped()

    async def stopped(self) -> None:
        """Returns when the plugin has stopped: after `on_stop` and Leave."""
        await self._stopped.wait()

    async def __aenter__(self) -> Plugin:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _open(self) -> None:
        self.identity = await self._sidecar.open(self._wait_timeout_ms)

    def _on_connected(self, methods: Methods) -> None:
        self._lifecycle.connect(methods)
        for part in self._parts:
            part.connect(methods)

    def _request_stop(self, reason: str) -> None:
        if self._stopping is None:
            self._stop_within(reason, DRAIN_TIMEOUT_MS)

    def _stop_within(self, reason: str, timeout_ms: int) -> None:
        self._budget.begin(timeout_ms, self._give_up)
        if self._stopping is None:
            log.info("stopping: %s", reason)
            self._stopping = self._tasks.start(self._stop(reason))

    def _give_up(self) -> None:
        for part in self._parts:
            part.close()
        self._sidecar.keep_no_longer()

    async def _stop(self, reason: str) -> None:
        try:
            await self._finish_work()
            await self._run_on_stop(reason)
            await self._publisher.drain()
            self._lifecycle.stopped()
            await self._sidecar.leave(reason)
            for part in self._parts:
                part.close()
            await self._sidecar.close()
        finally:
            self._budget.finish()
            stop_no_longer(self._request_stop)
            self._stopped.set()

    async def _finish_work(self) -> None:
        """What is not finished in time is redelivered to the next start."""
        stops = [asyncio.ensure_future(part.stop()) for part in self._parts]
        try:
            for stop in stops:
                await self._budget.bound(stop)
        except RpcError as error:
            log.warning("a handler is still at work: %s", error)

    async def _run_on_stop(self, reason: str) -> None:
        """A signal may have asked for the stop, and cannot handle an error."""
        try:
            if self._on_stop:
                await result_of(self._on_stop(reason))
        except Exception as error:
            log.error("on_stop failed: %s", message_of(error))

    async def _ready(self) -> Methods:
        return await self._budget.bound(self._sidecar.ready(self._wait_timeout_ms))

    async def _ready_for_intake(self) -> Methods:
        methods = await self._ready()
        if self._stopping:
            raise RpcError(
                "FAILED_PRECONDITION", "the plugin is stopping and accepts nothing new"
            )
        return methods
