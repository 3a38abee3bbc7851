"""The sidecar's callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from meridian_plugin._wire.limits import TEXT_BYTES
from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.plugin_pb2 import (
    Attach,
    HealthReport,
    LifecycleEvent,
    LifecycleRequest,
    Stopped,
)
from meridian_plugin.awaited import result_of
from meridian_plugin.errors import RpcError, is_lost_connection, message_of
from meridian_plugin.log import log
from meridian_plugin.streams import Stream
from meridian_plugin.tasks import Tasks
from meridian_plugin.texts import beginning_of

HealthCheck = Callable[[], bool | Awaitable[bool]]
"""Whether the plugin is healthy."""
ReasonHook = Callable[[str], None | Awaitable[None]]
"""Is told a reason, for a person."""
ResumeHook = Callable[[], None | Awaitable[None]]
"""Is told that the bus is reachable again."""
LostHook = Callable[[str, int], None | Awaitable[None]]
"""Is told a pattern, and how many of its messages were lost."""

LifecycleStream = Stream[LifecycleRequest, LifecycleEvent]


class Lifecycle:
    """The callbacks over all connections. Hooks run one after the other."""

    def __init__(self, on_stop: Callable[[str, int], None]) -> None:
        self.health_check: HealthCheck | None = None
        self.resume: ResumeHook | None = None
        self.lost: LostHook | None = None
        self._degrade: ReasonHook | None = None
        self._on_stop = on_stop
        self._stream: LifecycleStream | None = None
        self._tasks = Tasks()
        self._last_hook: asyncio.Task[None] | None = None
        # Why the bus is unreachable, if the plugin was told so.
        self._away: str | None = None

    def connect(self, methods: Methods) -> None:
        stream: LifecycleStream = Stream(methods.lifecycle)
        self._stream = stream
        attach = Attach(client="meridian-plugin-python")
        stream.send(LifecycleRequest(attach=attach))
        self._tasks.start(self._run(stream))

    def on_degrade(self, hook: ReasonHook) -> None:
        """Calls back when the bus becomes unreachable, at once when it is already."""
        self._degrade = hook
        if self._away is not None:
            self._call("on_degrade", hook, self._away)

    def stopped(self) -> None:
        """Tells the sidecar that the plugin's work is drained."""
        if self._stream:
            self._stream.send(LifecycleRequest(stopped=Stopped()))

    async def _run(self, stream: LifecycleStream) -> None:
        try:
            async for event in stream.received():
                self._take(stream, event)
        except RpcError as error:
            if not is_lost_connection(error):
                log.error("callbacks ended: %s", error)

    def _take(self, stream: LifecycleStream, event: LifecycleEvent) -> None:
        match event.WhichOneof("event"):
            case "health_check":
                check_id = event.health_check.check_id
                self._tasks.start(self._report_health(stream, check_id))
            case "stop":
                self._on_stop(event.stop.reason, event.stop.drain_timeout_ms)
            case "attached":
                # It may have changed while there was no stream.
                self._bus_is("the bus is away" if event.attached.degraded else None)
            case "degrade":
                self._bus_is(event.degrade.reason)
            case "resume":
                self._bus_is(None)
            case "lost":
                self._call("on_lost", self.lost, event.lost.pattern, event.lost.count)
            case "replaced":
                log.warning("another process of this plugin took over the callbacks")

    def _bus_is(self, away: str | None) -> None:
        before, self._away = self._away, away
        if away is not None and before is None:
            self._call("on_degrade", self._degrade, away)
        if away is None and before is not None:
            self._call("on_resume", self.resume)

    def _call(
        self, name: str, hook: Callable[..., Any] | None, *arguments: object
    ) -> None:
        if hook:
            call = self._after(self._last_hook, name, hook, arguments)
            self._last_hook = self._tasks.start(call)

    async def _after(
        self,
        before: asyncio.Task[None] | None,
        name: str,
        hook: Callable[..., Any],
        arguments: tuple[object, ...],
    ) -> None:
        if before:
            await asyncio.wait((before,))
        try:
            await result_of(hook(*arguments))
        except Exception as error:
            log.error("%s failed: %s", name, message_of(error))

    async def _report_health(self, stream: LifecycleStream, check_id: int) -> None:
        report = HealthReport(check_id=check_id, healthy=True)
        try:
            if self.health_check:
                report.healthy = bool(await result_of(self.health_check()))
        except Exception as error:
            report.healthy = False
            report.detail = beginning_of(message_of(error), TEXT_BYTES)
        stream.send(LifecycleRequest(health_report=report))
