"""What a run may use and is called: fields for time, memory, network and label.

What is more than the administrator allows is refused by the service.
"""

from __future__ import annotations

from dataclasses import replace

from ..commands import inputs
from ..display.markup import duration, size
from ..records import Limits
from ..requests import NewRun
from . import controls


class RunLimits:
    """Fields that begin with what a new run says, and otherwise with the installation's limits."""

    def __init__(self, new: NewRun, limits: Limits) -> None:
        self.timeout = controls.text(
            "" if new.timeout_s is None else f"{new.timeout_s:g}s",
            placeholder=f"at most {duration(limits.timeout_s)}",
        )
        self.memory = controls.text(
            "" if new.memory_bytes is None else str(new.memory_bytes),
            placeholder=f"at most {size(limits.memory_bytes)}",
        )
        self.label = controls.text(new.label, placeholder="to find it by")
        self.network = controls.check("Network", value=limits.network and new.network is not False)
        self.network.disabled = not limits.network
        self.box = controls.column(
            controls.grid(
                controls.labelled("Time", self.timeout, "90, 2m, 1h"),
                controls.labelled("Memory", self.memory, "512M, 2G"),
                controls.labelled("Label", self.label),
                self.network,
            )
        )
        self._default = limits

    def put_into(self, new: NewRun) -> NewRun:
        """Return a new run with these limits.

        Raises
        ------
        InvalidValueError
            If a time or a size cannot be read.
        """
        wants_none = self._default.network and not self.network.value
        return replace(
            new,
            timeout_s=inputs.seconds(self.timeout.value) if self.timeout.value.strip() else None,
            memory_bytes=inputs.size_bytes(self.memory.value)
            if self.memory.value.strip()
            else None,
            network=False if wants_none else None,
            label=self.label.value,
        )
