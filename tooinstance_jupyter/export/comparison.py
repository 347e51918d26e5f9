"""Tells what of two runs is the same, what differs, and what cannot be told.

Both are compared as they are exported, so that where a machine keeps its files makes no difference.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .. import arguments
from ..sizes import part_of
from .package import Package
from .record import ExportedFile, ExportedRun

_MOST_COMPARED_BYTES = 2**20
_MOST_DIFF_LINES = 200


class Verdict(StrEnum):
    """What a comparison comes to."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was compared.

    Parameters
    ----------
    what
        ``"exit code"``, ``"stdout"``, a file.
    detail
        What it is on both sides, or why nothing can be told; for people.
    diff
        A unified diff of texts that differ.
    """

    what: str
    verdict: Verdict
    detail: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """A run of a package."""

    package: Package
    run: ExportedRun

    def given(self) -> Mapping[str, str]:
        """Return what decides what a run does, in words."""
        tool = self.package.export.tool(self.run.tool)
        return {
            "source": str(tool.source or ""),
            "commit": tool.commit or "",
            "recipe": tool.recipe or "",
            "entry point": tool.entry_point or "",
            "arguments": arguments.join(self.run.arguments),
            "variables": " ".join(f"{k}={v}" for k, v in sorted(self.run.variables.items())),
            "engine": self.run.engine,
        }


def compare(before: Side, after: Side, *, has_inputs: bool = True) -> list[Finding]:
    """Compare two runs: what they were given, how they ended, and what they wrote.

    Parameters
    ----------
    has_inputs
        Whether to compare what they were given, too.
    """
    found: list[Finding] = []
    if has_inputs:
        found += _given(before, after)
        found += _files(before, before.run.inputs, after, after.run.inputs, "input ")
    found.append(_value("status", before.run.status, after.run.status))
    found.append(_value("exit code", before.run.exit_code, after.run.exit_code))
    found.append(_content("stdout", before, before.run.stdout, after, after.run.stdout))
    found.append(_content("stderr", before, before.run.stderr, after, after.run.stderr))
    found += _files(before, before.run.files, after, after.run.files, "")
    return found


def verdict_of(findings: list[Finding]) -> Verdict:
    """Return what findings come to as a whole."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.DIFFERENT in verdicts:
        return Verdict.DIFFERENT
    return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.SAME


def _given(before: Side, after: Side) -> Iterator[Finding]:
    others = after.given()
    for what, value in before.given().items():
        if value or others[what]:
            yield _value(what, value, others[what])


def _value(what: str, before: object, after: object) -> Finding:
    one, other = (
        "none" if value is None or value == "" else str(value) for value in (before, after)
    )
    if one == other:
        return Finding(what=what, verdict=Verdict.SAME, detail=one)
    return Finding(what=what, verdict=Verdict.DIFFERENT, detail=f"{one} → {other}")


def _files(
    before: Side,
    files_before: tuple[ExportedFile, ...],
    after: Side,
    files_after: tuple[ExportedFile, ...],
    prefix: str,
) -> Iterator[Finding]:
    others = {file.path: file for file in files_after}
    for file in files_before:
        other = others.pop(file.path, None)
        what = prefix + file.path
        if other is None:
            yield Finding(what=what, verdict=Verdict.DIFFERENT, detail="there → not there")
        else:
            yield _content(what, before, file, after, other)
    for path in others:
        yield Finding(what=prefix + path, verdict=Verdict.DIFFERENT, detail="not there → there")


def _content(
    what: str, before: Side, one: ExportedFile, after: Side, other: ExportedFile
) -> Finding:
    if one.sha256 is None or other.sha256 is None:
        why = one.note or other.note or "its digest is not known"
        return Finding(what=what, verdict=Verdict.UNKNOWN, detail=why)
    if one.sha256 == other.sha256 and (one.cut_bytes or other.cut_bytes):
        if one.cut_bytes == other.cut_bytes:
            there = part_of(one.size_bytes, one.size_bytes + one.cut_bytes)
            why = f"cut at {there}, the same as far as that"
            return Finding(what=what, verdict=Verdict.UNKNOWN, detail=why)
        totals = [file.size_bytes + file.cut_bytes for file in (one, other)]
        return Finding(
            what=what,
            verdict=Verdict.DIFFERENT,
            detail=f"{totals[0]} bytes → {totals[1]} bytes, cut at {one.size_bytes}",
        )
    if one.sha256 == other.sha256:
        detail = f"{one.size_bytes} bytes" if one.size_bytes else "empty"
        return Finding(what=what, verdict=Verdict.SAME, detail=detail)
    return Finding(
        what=what,
        verdict=Verdict.DIFFERENT,
        detail=f"{one.size_bytes} bytes → {other.size_bytes} bytes",
        diff=_diff(before.package, one, after.package, other),
    )


def _diff(before: Package, one: ExportedFile, after: Package, other: ExportedFile) -> str:
    texts = []
    for package, file in ((before, one), (after, other)):
        content = package.read(file, _MOST_COMPARED_BYTES + 1)
        if content is None or len(content) > _MOST_COMPARED_BYTES or b"\0" in content:
            return ""
        texts.append(content.decode("utf-8", "replace").splitlines())
    lines = list(difflib.unified_diff(texts[0], texts[1], "before", "after", lineterm="", n=2))
    more = len(lines) - _MOST_DIFF_LINES
    if more > 0:
        lines = [*lines[:_MOST_DIFF_LINES], f"… {more} more lines of the diff"]
    return "\n".join(lines)
