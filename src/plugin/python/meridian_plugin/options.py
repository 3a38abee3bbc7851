"""The options of a subscription."""

from __future__ import annotations

from dataclasses import dataclass

from meridian_plugin import arguments as check
from meridian_plugin._wire import limits
from meridian_plugin._wire.plugin_pb2 import (
    START_AT_LAST_ACKNOWLEDGED,
    START_AT_TIME,
    Credit,
    OpenSubscription,
)


@dataclass(frozen=True)
class DeadLetters:
    """Where a message goes that cannot be handled."""

    after_attempts: int
    """After so many attempts it is redelivered no more."""
    topic: str
    """It goes to this topic, which the plugin may publish on."""


@dataclass(frozen=True)
class Window:
    """How much may be in flight. After a crash each of these messages counts as an
    attempt."""

    messages: int = limits.CREDIT_MESSAGES
    """How many messages."""
    bytes: int = limits.CREDIT_BYTES
    """How many of their bytes."""


def opening_of(
    pattern: str,
    *,
    name: str,
    start_time_ns: int | None,
    idle_expiry_s: int,
    dead_letters: DeadLetters | None,
    window: Window | None,
    group: str,
    ordered: bool,
) -> OpenSubscription:
    """What opens a subscription with these options; TypeError for a wrong one."""
    check.check_whole("subscribe", 0, check.UINT32_MAX, idle_expiry_s=idle_expiry_s)
    check.check_texts("subscribe", group=group)
    check.check_instance("subscribe", bool, ordered=ordered)
    opening = OpenSubscription(
        name=name,
        pattern=pattern,
        start_at=START_AT_LAST_ACKNOWLEDGED,
        idle_expiry_s=idle_expiry_s,
        credit=_credit(Window() if window is None else window),
        group=group,
        unordered=not ordered,
    )
    if start_time_ns is not None:
        check.check_whole("subscribe", 0, check.INT64_MAX, start_time_ns=start_time_ns)
        opening.start_at = START_AT_TIME
        opening.start_time_ns = start_time_ns
    if dead_letters is not None:
        _open_dead_letters(opening, dead_letters)
    return opening


def _open_dead_letters(opening: OpenSubscription, dead_letters: DeadLetters) -> None:
    check.check_instance("subscribe", DeadLetters, dead_letters=dead_letters)
    attempts = dead_letters.after_attempts
    check.check_whole("subscribe", 0, check.UINT32_MAX, after_attempts=attempts)
    check.check_texts("subscribe", dead_letters_topic=dead_letters.topic)
    opening.max_attempts = attempts
    opening.dead_letter_topic = dead_letters.topic


def _credit(window: Window) -> Credit:
    check.check_instance("subscribe", Window, window=window)
    check.check_whole(
        "subscribe",
        1,
        check.UINT32_MAX,
        window_messages=window.messages,
        window_bytes=window.bytes,
    )
    return Credit(messages=window.messages, bytes=window.bytes)
