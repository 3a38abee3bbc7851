"""Checks of arguments: most callers run no type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

INT32_MAX = 2**31 - 1
UINT32_MAX = 2**32 - 1
INT64_MAX = 2**63 - 1


def check_texts(call: str, **arguments: Any) -> None:
    """Raises TypeError for what is not a string of valid Unicode."""
    for name, value in arguments.items():
        if not isinstance(value, str) or not _is_unicode(value):
            _refuse(call, name, value, "a string of valid Unicode")


def check_bytes(call: str, **arguments: Any) -> None:
    """Raises TypeError for what is not bytes."""
    for name, value in arguments.items():
        if not isinstance(value, (bytes, bytearray, memoryview)):
            _refuse(call, name, value, 'bytes, such as "text".encode()')


def check_callable(call: str, **arguments: Any) -> None:
    """Raises TypeError for what cannot be called."""
    for name, value in arguments.items():
        if not callable(value):
            _refuse(call, name, value, "a function")


def check_whole(call: str, lowest: int, highest: int, **arguments: Any) -> None:
    """Raises TypeError for what is not a whole number within the bounds."""
    for name, value in arguments.items():
        is_int = isinstance(value, int) and not isinstance(value, bool)
        if not is_int or not lowest <= value <= highest:
            expected = f"a whole number from {lowest} to {highest}"
            _refuse(call, name, value, expected)


def check_instance(call: str, kind: type, **arguments: Any) -> None:
    """Raises TypeError for what is not an object of the class."""
    for name, value in arguments.items():
        if not isinstance(value, kind):
            _refuse(call, name, value, f"a {kind.__name__}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(call: str, name: str, value: object, expected: str) -> None:
    """Names the kind of value, and never the value, which may be secret."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    described: Callable[[object], str] = repr if is_number else _kind
    raise TypeError(f"{call}: {name} is {described(value)}; it must be {expected}")


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
