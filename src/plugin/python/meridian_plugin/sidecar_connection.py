"""The connection to the sidecar."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from meridian_plugin._wire.methods import Methods
from meridian_plugin._wire.sidecar_pb2 import LeaveRequest, RegisterRequest
from meridian_plugin.errors import NotAdmittedError, RpcError, message_of
from meridian_plugin.log import log
from meridian_plugin.streams import unary
from meridian_plugin.tasks import Tasks

ATTEMPT_TIMEOUT_S = 5.0
FIRST_DELAY_S = 0.05
DELAY_S_MAX = 1.0
LEAVE_TIMEOUT_S = 0.5

CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    # The sidecar is on loopback, even where everything else goes through a proxy.
    ("grpc.enable_http_proxy", 0),
    # The sidecar may start after the plugin; gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A call that gRPC repeats by itself could be sent before the plugin is registered.
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class PluginIdentity:
    """The plugin's identity, which depends on how its sidecar was launched."""

    instance_id: str
    """Unique in the deployment, such as `oms-1`."""
    deployment_id: str
    """The deployment that the bus belongs to."""
    role: str
    """The pool type of the launch, such as `OMSPool`."""
    tags: tuple[str, ...]
    """The labels of the launch."""
    publish_grants: tuple[str, ...]
    """Patterns of the topics that the plugin may publish on and call."""
    subscribe_grants: tuple[str, ...]
    """Patterns of the topics that the plugin may subscribe to and serve."""


class SidecarConnection:
    """Keeps one registered connection. It waits for the first one, and makes a new one
    after each loss."""

    def __init__(
        self, address: str, schema_version: str, on_connected: Callable[[Methods], None]
    ) -> None:
        self._address = address
        self._schema_version = schema_version
        self._on_connected = on_connected
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._methods = Methods(self._channel)
        self._connected = asyncio.Event()
        self._tasks = Tasks()
        self._keeping: asyncio.Task[None] | None = None

    async def open(self, timeout_ms: int) -> PluginIdentity:
        """Waits for the sidecar and registers. NotAdmittedError when it refuses;
        RpcError UNAVAILABLE when it does not answer in time."""
        try:
            identity = await self._register(timeout_ms / 1_000)
        except BaseException:
            await self._channel.close()
            raise
        self._begin()
        self._keeping = self._tasks.start(self._keep())
        return identity

    async def ready(self, timeout_ms: int) -> Methods:
        """Waits for a connection; RpcError UNAVAILABLE when there is none in time."""
        if not self._connected.is_set():
            try:
                # Without time to wait, wait_for would not see a connection either.
                await asyncio.wait_for(self._connected.wait(), timeout_ms / 1_000)
            except TimeoutError:
                raise RpcError(
                    "UNAVAILABLE",
                    f"there is no connection to the sidecar at {self._address}",
                ) from None
        return self._methods

    def keep_no_longer(self) -> None:
        """Makes no new connection when this one is lost."""
        if self._keeping:
            self._keeping.cancel()

    async def leave(self, reason: str) -> None:
        """Best effort: a sidecar that is gone has noticed by itself."""
        try:
            methods = await self.ready(0)
            self.keep_no_longer()
            await unary(methods.leave, LeaveRequest(reason=reason), LEAVE_TIMEOUT_S)
        except RpcError as error:
            log.debug("Leave failed: %s", error)

    async def close(self) -> None:
        self.keep_no_longer()
        await self._channel.close()

    def _begin(self) -> None:
        self._on_connected(self._methods)
        self._connected.set()

    async def _keep(self) -> None:
        while True:
            await self._channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
            self._connected.clear()
            log.warning("the connection to the sidecar is lost")
            try:
                await self._register(math.inf)
            except NotAdmittedError as error:
                log.error("gave up on the sidecar: %s", message_of(error))
                return
            self._begin()

    async def _register(self, timeout_s: float) -> PluginIdentity:
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        bound = FIRST_DELAY_S
        while True:
            try:
                return await self._register_once(
                    min(ATTEMPT_TIMEOUT_S, deadline - now())
                )
            except RpcError as error:
                delay = random.uniform(0, bound)
                if now() + delay >= deadline:
                    raise RpcError(
                        "UNAVAILABLE",
                        f"the sidecar at {self._address} did not answer: {error}",
                    ) from None
                if bound == FIRST_DELAY_S:
                    log.info("waiting for the sidecar at %s", self._address)
                bound = min(DELAY_S_MAX, 2 * bound)
                await asyncio.sleep(delay)

    async def _register_once(self, timeout_s: float) -> PluginIdentity:
        request = RegisterRequest(schema_version=self._schema_version)
        reply = await unary(self._methods.register, request, timeout_s)
        if not reply.admitted:
            raise NotAdmittedError(
                f"the sidecar does not admit this plugin: {reply.refusal_reason}"
            )
        return PluginIdentity(
            instance_id=reply.instance_id,
            deployment_id=reply.deployment_id,
            role=reply.role,
            tags=tuple(reply.tags),
            publish_grants=tuple(reply.publish_grants),
            subscribe_grants=tuple(reply.subscribe_grants),
        )
