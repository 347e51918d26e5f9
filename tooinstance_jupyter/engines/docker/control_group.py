"""Reads what a container uses from its control groups, of either version, on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The control group of one process; every question is answered with 0 once it is gone."""

    memory: Path
    pids: Path
    cpu: Path
    is_unified: bool

    def peak_memory_bytes(self) -> int:
        """Return the most memory that was used at once."""
        names = (
            ("memory.peak", "memory.current") if self.is_unified else ("memory.max_usage_in_bytes",)
        )
        return next((value for name in names if (value := _number(self.memory / name))), 0)

    def refused_processes(self) -> int:
        """Return how often a process or thread was not made because of the limit."""
        return _field(self.pids / "pids.events", "max")

    def killed_for_memory(self) -> int:
        """Return how many processes the limit of memory killed."""
        name = "memory.events" if self.is_unified else "memory.oom_control"
        return _field(self.memory / name, "oom_kill")

    def cpu_s(self) -> float:
        """Return the processor time used (seconds)."""
        if self.is_unified:
            return _field(self.cpu / "cpu.stat", "usage_usec") / 1e6
        return _number(self.cpu / "cpuacct.usage") / 1e9


def of_process(pid: int) -> ControlGroup | None:
    """Return the control group of a process, ``None`` if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    places: dict[str, str] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            places[controller] = path.lstrip("/")
    if "memory" not in places:
        unified = _ROOT / places.get("", "")
        return ControlGroup(unified, unified, unified, is_unified=True)
    return ControlGroup(
        memory=_ROOT / "memory" / places["memory"],
        pids=_ROOT / "pids" / places.get("pids", ""),
        cpu=_ROOT / "cpuacct" / places.get("cpuacct", ""),
        is_unified=False,
    )


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _field(path: Path, name: str) -> int:
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
