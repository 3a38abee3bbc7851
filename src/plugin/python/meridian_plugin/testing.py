"""Starts a bus and a sidecar for a test, and stops them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 30.0
# A sidecar stops within 8 s, and platforms kill after 10.
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02


class TestKitError(Exception):
    """Raised when bus or sidecar cannot be started, with what they wrote."""

    __test__ = False


@dataclass(frozen=True)
class RunningSidecar:
    """A sidecar with its bus."""

    address: str
    """Where the plugin connects: `connect(address=...)`, or SIDECAR_ADDR."""
    bus_address: str
    """Where the bus listens: for another sidecar of the same bus."""
    instance_id: str
    """The instance that the plugin is."""


@asynccontextmanager
async def sidecar(
    *,
    instance_id: str = "test-0",
    pool_type: str = "SignalPool",
    policy: str | os.PathLike[str] | None = None,
    bus_address: str | None = None,
    command: str | None = None,
) -> AsyncIterator[RunningSidecar]:
    """Starts a bus in memory and a sidecar, on free ports of loopback, for an `async
    with`, and stops them at its end.

    - `instance_id`, `pool_type`: who the plugin is.
    - `policy`: the file of the bus's policy; None: every instance may use every topic.
    - `bus_address`: of the bus of another sidecar; None: it has a bus of its own.
    - `command`: the `meridian-sidecar` command; None: MERIDIAN_SIDECAR_COMMAND, or the
      one in PATH.

    Raises TestKitError when there is no command, or what it starts does not run."""
    program = _command(command)
    with tempfile.TemporaryDirectory(prefix="meridian-test-") as folder:
        bus = None
        if bus_address is None:
            options = [] if policy is None else ["--policy", os.fspath(policy)]
            arguments = ["bus", "--listen", "127.0.0.1:0", "--store", "memory"]
            bus = _Process([program, *arguments, *options], {}, Path(folder, "bus.log"))
        started = None
        try:
            if bus:
                bus_address = await bus.seen(r"bus listens address=(\S+)")
            settings = {
                "INSTANCE_ID": instance_id,
                "POOL_TYPE": pool_type,
                "SIDECAR_BUS_API_URL": bus_address or "",
                "SIDECAR_ADDR": "127.0.0.1:0",
                "SIDECAR_HEALTH_ADDR": "127.0.0.1:0",
            }
            log = Path(folder, "sidecar.log")
            started = _Process([program, "run"], settings, log)
            await started.seen(r"startup 8/8()")
            address = await started.seen(r"plugin port listens address=(\S+)")
            yield RunningSidecar(address, bus_address or "", instance_id)
        finally:
            for process in (started, bus):
                if process:
                    await process.stop()


class _Process:
    """A process that writes to a file: a pipe that nobody reads would stop it."""

    def __init__(
        self, command: list[str], settings: Mapping[str, str], log: Path
    ) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SIDECAR_")
        }
        self._log = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                command,
                env={**inherited, **settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def seen(self, pattern: str) -> str:
        """The group of the pattern, when the process has written it."""
        name = self._log.stem
        for _ in range(round(START_TIMEOUT_S / POLL_S)):
            # Before the text: what it wrote at its end is read, too.
            code = self._child.poll()
            text = self._log.read_text(errors="replace")
            if found := re.search(pattern, text):
                return found[1]
            if code is not None:
                raise TestKitError(f"the {name} ended with code {code}:\n{text}")
            await asyncio.sleep(POLL_S)
        raise TestKitError(
            f"the {name} is not ready after {START_TIMEOUT_S:.0f} s:\n{text}"
        )

    async def stop(self) -> None:
        """Kills what does not stop by itself in time."""
        self._child.terminate()
        for _ in range(round(STOP_TIMEOUT_S / POLL_S)):
            if self._child.poll() is not None:
                return
            await asyncio.sleep(POLL_S)
        self._child.kill()
        self._child.wait()


def _command(given: str | None) -> str:
    name = given or os.environ.get("MERIDIAN_SIDECAR_COMMAND") or "meridian-sidecar"
    found = shutil.which(name)
    if found:
        return found
    raise TestKitError(
        f"there is no command {name}; give its path as `command`, or in "
        "MERIDIAN_SIDECAR_COMMAND, or put the folder dist/bin of a built clone of "
        "the buildpack into PATH"
    )
