"""The room for publishes that have no answer."""

from __future__ import annotations

import asyncio
from collections import deque

# As many publishes as the largest outbox of a sidecar holds.
UNANSWERED_MESSAGES_MAX = 65_536
UNANSWERED_BYTES_MAX = 64 * 1024 * 1024


class PublishRoom:
    """Without it, a sidecar that answers nothing would fill the memory of the
    plugin."""

    def __init__(self) -> None:
        self._messages = 0
        self._bytes = 0
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()
        # Those that have room already, and are not sent yet, included.
        self._in_line = 0

    def take(self, size: int) -> bool:
        """Whether the publish has room, and none waits before it. Then the room is
        taken."""
        if self._in_line > 0 or not self._fits(size):
            return False
        self._count(size)
        return True

    def turn(self, size: int) -> asyncio.Future[None]:
        """Waits for room, in the order of the calls, and takes it. `end_turn` lets
        later publishes go at once again."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_line += 1
        self._line.append((size, turn))
        self._admit()
        return turn

    def end_turn(self) -> None:
        """The publish is sent, or given up."""
        self._in_line -= 1

    def give(self, size: int) -> None:
        """The publish is answered."""
        self._messages -= 1
        self._bytes -= size
        self._admit()

    def _admit(self) -> None:
        while self._line:
            size, turn = self._line[0]
            if not turn.done():
                if not self._fits(size):
                    return
                self._count(size)
                turn.set_result(None)
            self._line.popleft()

    def _fits(self, size: int) -> bool:
        """One alone always fits: what is too large is refused by the sidecar."""
        if self._messages == 0:
            return True
        is_few = self._messages < UNANSWERED_MESSAGES_MAX
        return is_few and self._bytes + size <= UNANSWERED_BYTES_MAX

    def _count(self, size: int) -> None:
        self._messages += 1
        self._bytes += size
