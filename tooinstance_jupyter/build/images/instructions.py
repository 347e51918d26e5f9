"""Reads a Dockerfile into its instructions: continuations, here-documents, ARG, stages.

What they mean for a build is left to ``progress`` and ``foreign``. See
https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"""(?<!\S)[0-9]*<<(-?)(["']?)([A-Za-z0-9_]+)\2(?!\S)""")
# a here-document for some builders, or with an end that may be no line of its own for others
_UNCLEAR_HEREDOC = re.compile(
    r"""(?<!\S)[0-9]*<<(?!<|-?(?:\s|$)|-?(["']?)[A-Za-z0-9_]+\1(?!\S))\S+"""
)
# the same where the word before it may turn out to be nothing
_UNCLEAR_BEHIND_VARIABLE = re.compile(r"(?<!<)<<(?!<|[A-Za-z0-9_)}-]*(?!\S))\S+")
_OPTION = re.compile(r"--([a-z][a-z-]*)(?:=([!#-&(-\[\]-~]+))?")  # without quotes and backslashes
_STAGE = re.compile(r"(\S+)(?:\s+as\s+(\S+))?\s*", re.IGNORECASE)
_MAKES_A_STEP = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::?(?P<how>[-+?])(?P<word>[^{}]*))?\})"
)
"""A variable in an instruction: its name, and what is to be done without or with a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its word in capitals, options, and the rest on one line.

    ``text`` is as written, with its line breaks; ``line`` is where it begins, from 1. ``unclear``
    is the first option that builders do not take as it is written, or a here-document's name.
    """

    word: str
    rest: str
    options: tuple[tuple[str, str], ...] = ()
    text: str = ""
    line: int = 0
    unclear: str = ""

    def option(self, name: str) -> str | None:
        """Return the value of an option, ``None`` without it."""
        return next((value for key, value in self.options if key == name), None)

    def mounts(self) -> list[dict[str, str]]:
        """Return what a RUN mounts, each as its settings."""
        return [
            {
                key.lower(): setting
                for key, _, setting in (part.partition("=") for part in value.split(","))
            }
            for name, value in self.options
            if name == "mount"
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The instructions from one FROM to the next; ``instructions[0]`` is that FROM."""

    number: int
    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A Dockerfile that was read: its directives, the ARGs before the first FROM, its stages."""

    directives: Mapping[str, str]
    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    lines: tuple[str, ...] = field(default=())

    def stage(self, named: str, *, before: int | None = None) -> Stage | None:
        """Return the stage of a name or number, among those before another."""
        end = len(self.stages) if before is None else before
        for stage in reversed(self.stages[:end]):
            if stage.name.lower() == named.lower() or str(stage.number) == named:
                return stage
        return None


def read(text: str, *, heredocs: bool = True, escape: str = "") -> Dockerfile:
    """Read a Dockerfile; what is no instruction is left for the builder to complain about.

    Parameters
    ----------
    heredocs
        Whether the builder knows here-documents; BuildKit before 0.9 takes their lines for
        instructions.
    escape
        What continues a line, whatever its directive says.
    """
    # as BuildKit does: other characters that Python takes for the end of a line are none there
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    directives = _directives(lines)
    escape = escape or ("`" if directives.get("escape") == "`" else "\\")
    instructions = _instructions(lines, escape, heredocs=heredocs)
    before: list[Instruction] = []
    stages: list[Stage] = []
    current: list[Instruction] = []
    for instruction in instructions:
        if instruction.word == "FROM":
            if current:
                stages.append(_stage(len(stages), current))
            current = [instruction]
        elif current:
            current.append(instruction)
        else:
            before.append(instruction)
    if current:
        stages.append(_stage(len(stages), current))
    return Dockerfile(
        directives=directives,
        arguments=tuple(i for i in before if i.word == "ARG"),
        stages=tuple(stages),
        lines=tuple(lines),
    )


def needed(dockerfile: Dockerfile) -> list[Stage]:
    """Return the stages that the last one needs, itself included, in order."""
    if not dockerfile.stages:
        return []
    wanted: set[int] = set()
    waiting = [dockerfile.stages[-1]]
    while waiting:
        stage = waiting.pop()
        if stage.number in wanted:
            continue
        wanted.add(stage.number)
        for name in (stage.base, *sources(stage)):
            if found := dockerfile.stage(name, before=stage.number):
                waiting.append(found)
    return [stage for stage in dockerfile.stages if stage.number in wanted]


def sources(stage: Stage) -> list[str]:
    """Return the stages and images that a stage copies from or mounts."""
    found: list[str] = []
    for instruction in stage.instructions:
        if instruction.word in ("COPY", "ADD") and (name := instruction.option("from")):
            found.append(name)
        if instruction.word == "RUN":
            found += [mount["from"] for mount in instruction.mounts() if mount.get("from")]
    return found


def count_steps(text: str) -> int:
    """Return how many steps the builder will report for a Dockerfile."""
    dockerfile = read(text)
    images: set[str] = set()
    count = 0
    for stage in needed(dockerfile):
        is_stage = dockerfile.stage(stage.base, before=stage.number) is not None
        if not is_stage and stage.base != "scratch":
            images.add(stage.base)
        count += sum(i.word in _MAKES_A_STEP for i in stage.instructions)
    return count + len(images)


def substitute(text: str, values: Mapping[str, str]) -> tuple[str, set[str]]:
    """Replace variables as a Dockerfile does; return the text and the names without a value."""
    missing: set[str] = set()

    def value(match: re.Match[str]) -> str:
        name = match["bare"] or match["name"]
        if name is None:
            return match[0]
        found = values.get(name, "")
        match match["how"]:
            case "-":
                return found or match["word"]
            case "+":
                return match["word"] if found else ""
        if not found:
            missing.add(name)
        return found

    return VARIABLE.sub(value, text), missing


def declared(instruction: Instruction) -> list[tuple[str, str | None]]:
    """Return the names that an ARG declares, each with its default."""
    found: list[tuple[str, str | None]] = []
    for word in _words(instruction.rest):
        name, equals, default = word.partition("=")
        found.append((name, default.strip("\"'") if equals else None))
    return found


def _words(text: str) -> Sequence[str]:
    """Return words, what is in quotes as one; from a `` #`` on it is no more of the value."""
    return re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", text)


def _directives(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


def _instructions(lines: Sequence[str], escape: str, *, heredocs: bool) -> list[Instruction]:
    found: list[Instruction] = []
    # as BuildKit does: only the last one, if not itself escaped, with no more than spaces after it
    continued = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*\Z")
    at = 0
    while at < len(lines):
        start = at
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        parts: list[str] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            # comments and blank lines inside an instruction are no part of it
            if parts and (line.lstrip().startswith("#") or not line.strip()):
                continue
            parts.append(continued.sub("", line))
            if parts[-1] == line:
                break
        word, rest = _split("".join(parts))
        # the small letter of a dotted capital I is an i in Go
        if word.replace("\u0130", "I").upper() == "ONBUILD":  # a stage that begins here does it
            word, rest = _split(rest)
        unclear = ""
        if word.upper() in ("RUN", "COPY", "ADD"):
            odd = _UNCLEAR_HEREDOC.search(rest)
            if odd is None and "${" in rest:
                odd = _UNCLEAR_BEHIND_VARIABLE.search(rest)
            unclear = odd[0] if odd else ""
        if heredocs and word.upper() in ("RUN", "COPY", "ADD"):
            for dash, _, name in _HEREDOC.findall(rest):
                while at < len(lines):
                    line = lines[at]
                    at += 1
                    if (line.lstrip("\t") if dash else line) == name:
                        break
        options: list[tuple[str, str]] = []
        rest = rest.strip()
        end = 0
        for option in re.finditer(r"(\S+)\s*", rest):
            if not option[1].startswith("--") or option[1] == "--":
                break
            match = _OPTION.fullmatch(option[1])
            if match is None:
                unclear = unclear or option[1]
                break
            options.append((match[1], match[2] or ""))
            end = option.end()
        found.append(
            Instruction(
                word=word.upper(),
                rest=rest[end:],
                options=tuple(options),
                text="\n".join(lines[start:at]),
                line=start + 1,
                unclear=unclear,
            )
        )
    return found


def _split(line: str) -> tuple[str, str]:
    word, *rest = re.split(r"[\t\v\f\r ]+", line.strip(), maxsplit=1)
    return word, rest[0] if rest else ""


def _stage(number: int, instructions: Sequence[Instruction]) -> Stage:
    match = _STAGE.fullmatch(instructions[0].rest)
    return Stage(
        number=number,
        name=(match[2] or "") if match else "",
        base=match[1] if match else instructions[0].rest,
        instructions=tuple(instructions),
    )
