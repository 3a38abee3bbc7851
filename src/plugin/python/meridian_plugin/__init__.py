"""A small client for plugin authors.

import asyncio
from meridian_plugin import connect

async def main() -> None:
    plugin = await connect()
    plugin.on_stop(lambda reason: print("drained"))
    await plugin.subscribe("demo.*", lambda message: print(message.topic), name="t")
    await plugin.publish("demo.ticks", b"tick 1", dedup_key="tick-1")
    await plugin.stopped()

asyncio.run(main())
"""

from meridian_plugin.connecting import connect
from meridian_plugin.errors import NotAdmittedError, RpcError
from meridian_plugin.messages import DeliveredMessage, Message
from meridian_plugin.options import DeadLetters, Window
from meridian_plugin.outcomes import (
    PublishAccepted,
    PublishOutcome,
    PublishRefused,
    PublishUnknown,
    RequestAnswered,
    RequestFailed,
    RequestOutcome,
)
from meridian_plugin.plugin import Plugin
from meridian_plugin.request_server import Answer, RequestHandler
from meridian_plugin.sidecar_connection import PluginIdentity
from meridian_plugin.subscriptions import MessageHandler

__all__ = [
    "Answer",
    "DeadLetters",
    "DeliveredMessage",
    "Message",
    "MessageHandler",
    "NotAdmittedError",
    "Plugin",
    "PluginIdentity",
    "PublishAccepted",
    "PublishOutcome",
    "PublishRefused",
    "PublishUnknown",
    "RequestAnswered",
    "RequestFailed",
    "RequestHandler",
    "RequestOutcome",
    "RpcError",
    "Window",
    "connect",
]
