"""Makes SIGTERM and SIGINT stop the plugins of this process."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

Stop = Callable[[str], object]

_stops: list[Stop] = []


def stop_on_signal(stop: Stop) -> None:
    """Calls `stop` with the name of the first of both signals; a second signal then
    has its usual effect. Does nothing outside the main thread, which gets no signal."""
    if threading.current_thread() is not threading.main_thread():
        return
    _stops.append(stop)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, loop, number)


def stop_no_longer(stop: Stop) -> None:
    """Undoes `stop_on_signal`."""
    if stop in _stops:
        _stops.remove(stop)
        if not _stops:
            _remove_handlers(asyncio.get_running_loop())


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
    stops = _stops.copy()
    _stops.clear()
    _remove_handlers(loop)
    for stop in stops:
        stop(number.name)


def _remove_handlers(loop: asyncio.AbstractEventLoop) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
