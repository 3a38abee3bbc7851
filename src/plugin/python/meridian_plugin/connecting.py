"""Connects a plugin."""

from __future__ import annotations

import os

from meridian_plugin.arguments import INT32_MAX, check_texts, check_whole
from meridian_plugin.plugin import Plugin
from meridian_plugin.signals import stop_on_signal


async def connect(
    *,
    address: str | None = None,
    schema_version: str = "1.0.0",
    wait_timeout_ms: int = 60_000,
) -> Plugin:
    """Connects this process to its sidecar, waiting for it, and makes SIGTERM and
    SIGINT run the same graceful stop.

    - `address`: `host:port` of the sidecar; None: SIDECAR_ADDR, or 127.0.0.1:9191.
    - `schema_version`: the version of Meridian's contract that the plugin was written
      for.
    - `wait_timeout_ms`: how long to wait for the sidecar at first, and for a lost
      connection before a call fails.

    Raises TypeError for a wrong argument; NotAdmittedError when the sidecar refuses;
    RpcError UNAVAILABLE when it does not answer in time."""
    if address is None:
        address = os.environ.get("SIDECAR_ADDR") or "127.0.0.1:9191"
    check_texts("connect", address=address, schema_version=schema_version)
    check_whole("connect", 0, INT32_MAX, wait_timeout_ms=wait_timeout_ms)
    plugin = Plugin(address, schema_version, wait_timeout_ms)
    await plugin._open()
    stop_on_signal(plugin._request_stop)
    return plugin
