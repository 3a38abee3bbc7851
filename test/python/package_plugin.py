"""Acts as a test asks it to, by lines on its arguments; prints what happens."""

import asyncio
import json
import logging
import os
import sys

from meridian_plugin import (
    Answer,
    DeadLetters,
    DeliveredMessage,
    Message,
    Plugin,
    RpcError,
    connect,
)


def say(line: str) -> None:
    print(line, flush=True)


async def attempts(plugin: Plugin) -> None:
    """Fails with `bad` until it is a dead letter; `good` is handled meanwhile."""
    dead = asyncio.Event()

    async def handle(message: DeliveredMessage) -> None:
        say(f"{message.payload.decode()} {message.attempt} {message.maybe_redelivered}")
        if message.payload == b"bad":
            raise ValueError("it is bad")

    def on_dead(message: DeliveredMessage) -> None:
        say(f"dead: {message.payload.decode()}")
        dead.set()

    letters = DeadLetters(after_attempts=3, topic="demo.dead")
    await plugin.subscribe("demo.dead", on_dead, name="dead")
    await plugin.subscribe("demo.work", handle, name="work", dead_letters=letters)
    for payload in (b"bad", b"good"):
        await plugin.publish("demo.work", payload)
    await dead.wait()
    await plugin.stop()


async def order(plugin: Plugin) -> None:
    """Publishes many at once, large ones among them, and reports their order."""
    got: list[int] = []
    done = asyncio.Event()

    def handle(message: DeliveredMessage) -> None:
        got.append(int(message.payload))
        if len(got) == 1_000:
            done.set()

    await plugin.subscribe("demo.many", handle, name="many")
    publishes = (plugin.publish("demo.many", b"%d" % each) for each in range(1_000))
    outcomes = await asyncio.gather(*publishes)
    await done.wait()
    accepted = {each.outcome for each in outcomes}
    say(f"in order: {got == sorted(got)}, outcomes: {accepted}")
    large = await plugin.publish("demo.large", bytes(900 * 1024))
    say(f"large: {large.outcome}")
    for size in (961 * 1024, 3 * 1024 * 1024):
        try:
            await plugin.publish("demo.large", bytes(size))
        except RpcError as error:
            say(f"too large: {error.code}")
    say(f"and then: {(await plugin.publish('demo.large', b'1')).outcome}")
    await plugin.stop()


async def reconnect(plugin: Plugin) -> None:
    """Says what it receives, answers requests, and publishes when told to by a file."""

    def answer(request: Message) -> Answer:
        return Answer(b"answer to " + request.payload)

    await plugin.subscribe(
        "demo.ticks", lambda message: say(f"got {message.payload.decode()}"), name="t"
    )
    await plugin.serve("demo.ask", answer)
    say("ready")
    count = 0
    while not plugin_is_asked_to_end():
        count += 1
        try:
            tick = await plugin.publish("demo.ticks", b"tick %d" % count)
            reply = await plugin.request("demo.ask", b"%d" % count)
            say(f"tick {count}: {tick.outcome}; request: {reply.outcome}")
        except RpcError as error:
            say(f"tick {count}: {error.code}")
        await asyncio.sleep(0.1)
    await plugin.stop()


def plugin_is_asked_to_end() -> bool:
    return os.path.exists(os.environ["END_FILE"])


async def drain(plugin: Plugin) -> None:
    """Works for half a second on a message; publishes in on_stop."""

    async def work(message: DeliveredMessage) -> None:
        say(f"working {message.maybe_redelivered}")
        await asyncio.sleep(float(os.environ.get("WORK_S", "0.5")))
        say("worked")

    @plugin.on_stop
    async def on_stop(reason: str) -> None:
        say(f"on_stop: {reason}")
        late = await plugin.publish("demo.late", b"1")
        say(f"late: {late.outcome}")
        try:
            await plugin.subscribe("demo.late", print, name="late")
        except RpcError as error:
            say(f"no intake: {error.code}")

    await plugin.subscribe("demo.work", work, name="work")
    await plugin.publish("demo.work", b"1", dedup_key="once")
    await plugin.stopped()
    say("stopped")
    try:
        await plugin.publish("demo.work", b"2")
    except RpcError as error:
        say(f"afterwards: {error.code}")


async def hooks(plugin: Plugin) -> None:
    """Hooks that fail or wait end nothing, and are called in order."""

    @plugin.on_degrade
    async def on_degrade(reason: str) -> None:
        await asyncio.sleep(0.2)
        say("degraded")
        raise ValueError("a hook may fail")

    plugin.on_resume(lambda: say("resumed"))
    say("ready")
    await plugin.stopped()


async def answers(plugin: Plugin) -> None:
    """Says how requests end whose handler answers wrongly."""
    wrong = {"raise": None, "text": "text", "large": Answer(bytes(961 * 1024))}

    async def handle(request: Message) -> Answer:
        if request.payload == b"raise":
            raise ValueError("no such thing")
        return wrong[request.payload.decode()]  # type: ignore[return-value]

    await plugin.serve("demo.ask", handle)
    for each in wrong:
        say(f"{each}: {await plugin.request('demo.ask', each.encode())}")
    unheard = await plugin.request("demo.nobody", b"1")
    say(f"nobody: {unheard.outcome}")
    await plugin.stop()


async def unanswered(plugin: Plugin) -> None:
    """Publishes more than may be unanswered, and meanwhile asks for its state."""
    size = int(os.environ["SIZE"])
    publishes = asyncio.gather(
        *(
            plugin.publish("demo.ticks", b"%08d" % each + bytes(size - 8))
            for each in range(int(os.environ["COUNT"]))
        )
    )
    while not publishes.done():
        await plugin.load_state()
        say("asked")
    outcomes = {each.outcome for each in await publishes}
    say(f"outcomes: {outcomes}")
    os._exit(0)


async def arguments(plugin: Plugin) -> None:
    """Says how wrong arguments are refused."""
    wrong = json.loads(os.environ["WRONG"])
    for call, positional, named in wrong:
        try:
            await getattr(plugin, call)(*positional, **named)
        except TypeError as error:
            say(str(error))
    await plugin.stop()


async def main() -> None:
    logging.basicConfig(level="INFO", stream=sys.stderr)
    story = globals()[sys.argv[1]]
    await story(await connect(wait_timeout_ms=int(os.environ.get("WAIT_MS", "60000"))))


asyncio.run(main())
