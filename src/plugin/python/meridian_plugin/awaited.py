"""What the author's functions give: some wait, and some do not."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TypeVar, cast

Result = TypeVar("Result")


async def result_of(given: Result | Awaitable[Result]) -> Result:
    """The result, which may have to be awaited."""
    if inspect.isawaitable(given):
        return cast(Result, await given)
    return given
