"""Which engine builds and runs: what was asked for, what is set, or what this machine has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ..config import TooInstance
from ..containers import daemon
from ..engines.base import Engine
from ..registry import load


class Choice(NamedTuple):
    """An engine's name, why it was taken, and what would have another one taken, for people."""

    name: str
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of this process, each made when it is first needed."""

    config: TooInstance
    _made: dict[str, Engine] = field(default_factory=dict)

    def __call__(self, name: str) -> Engine:
        """Return an engine.

        Raises
        ------
        InvalidValueError
            If there is none of that name.
        """
        if name not in self._made:
            self._made[name] = load("engines", name)(self.config)
        return self._made[name]

    def choose(self, asked: str | None = None, *, before: str | None = None) -> Choice:
        """Return the engine for a build.

        Parameters
        ----------
        asked
            What the user said.
        before
            What built the tool's version before this one.
        """
        if asked and asked != "auto":
            return Choice(asked, "asked for")
        if before and not asked:
            return Choice(before, "like the version before")
        if self.config.engine not in ("", "auto"):
            return Choice(self.config.engine, "set as the default")
        problem = daemon.problem()
        if problem is None:
            return Choice("docker", "a container engine answers on this machine")
        reason = problem.message.rstrip(".")
        why = f"not docker: {reason[:1].lower()}{reason[1:]}"
        return Choice("process", why, problem.hint.removesuffix(daemon.WITHOUT_DOCKER).rstrip())
