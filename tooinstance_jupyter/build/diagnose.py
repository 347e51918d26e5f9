"""Says why a build failed, by the line that ``error_lines`` finds, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from . import error_lines


class Cause(NamedTuple):
    """Why a build failed, in one sentence, and the way out."""

    message: str
    hint: str


_MOST_CHARS = 2_000
UNREACHABLE = "The package index could not be reached."
NEEDS_A_SYSTEM = "The docker engine can install it (apt.txt); here it must be on the machine."
Patterns = tuple[tuple[str, Callable[[re.Match[str]], Cause]], ...]
"""What a log may say, and what that means; the first that is found counts."""

_PATTERNS: Patterns = (
    (
        r"No space left on device|os error 28|ENOSPC",
        lambda m: Cause("The disk is full.", "Free some space, for instance with `%tooi gc`."),
    ),
    (
        r"(?:fatal error|error): (\S+\.h): No such file",
        lambda m: Cause(f"A C header is missing: {m[1]}.", NEEDS_A_SYSTEM),
    ),
    (
        r"(?:error: command|unable to execute|No such file or directory:) "
        r"'?((?:x86_64[\w-]*|aarch64[\w-]*|gcc|g\+\+|cc|clang|cmake|make|cargo|rustc|gfortran))\b'?"
        r"(?! failed with)",
        lambda m: Cause(f"A compiler is needed and {m[1]} is not there or failed.", NEEDS_A_SYSTEM),
    ),
    (
        r"ld: cannot find -l(\S+)",
        lambda m: Cause(f"The library {m[1]} is missing.", NEEDS_A_SYSTEM),
    ),
    (
        r"Because (?:there are|there is) no versions? of ([^\s,]+) and",
        lambda m: Cause(
            f"There is no such version: {m[1]}.",
            "The tool's own list of dependencies asks for it; another --ref may ask for less.",
        ),
    ),
    (
        r"Because ([^\s,]+) was not found in the package registry",
        lambda m: Cause(
            f"The package {m[1]} does not exist.",
            "If it is on an index of your own, set UV_INDEX_URL or UV_EXTRA_INDEX_URL.",
        ),
    ),
    (
        r"(?:requires|needs) (?:a different )?Python[^\n]*?([<>=~!]=?\s*[\d.]+[^\n)]*)",
        lambda m: Cause(
            f"It needs Python {m[1].strip()}.",
            "Install such a Python, or let uv do it: TooInstance.python_downloads = True.",
        ),
    ),
    (
        r"does not satisfy Python\s*([<>=~!]=?\s*[\d.]+)",
        lambda m: Cause(
            f"It needs Python {m[1].strip()}.",
            "Install such a Python, or let uv do it: TooInstance.python_downloads = True.",
        ),
    ),
    (
        r"No solution found when resolving[^\n]*\n[ \t]*(?:cause: )?((?:.+\n?){1,6})",
        lambda m: Cause(
            "Its dependencies do not fit together: " + " ".join(m[1].split())[:300],
            "Another --ref may do; the log has it in full.",
        ),
    ),
    (
        r"npm (?:ERR!|error) 404[^\n']*'([^'\n]+)'[^\n]*(?:could not be found|is not in)",
        lambda m: Cause(
            f"The package {m[1]} does not exist on the npm registry.",
            "A private one needs a registry in npm's settings.",
        ),
    ),
    (
        r"No matching version found for ([^\s]+?)\.?\s",
        lambda m: Cause(
            f"There is no such version: {m[1]}.",
            "The tool's own list of dependencies asks for it; another --ref may ask for less.",
        ),
    ),
    (
        r"npm (?:ERR!|error) (?:404|code E404)",
        lambda m: Cause(
            "A package that it needs does not exist on the npm registry.",
            "A private one needs a registry in npm's settings.",
        ),
    ),
    (
        r"npm (?:ERR!|error) (?:code )?(ERESOLVE|EBADENGINE|ETARGET)",
        lambda m: Cause(f"npm cannot put its dependencies together ({m[1]}).", "See the log."),
    ),
    (
        r"(?:^|\n)(?:npm (?:ERR!|error) )?sh: (?:line )?(?:\d+: )?"
        r"([^:\n]+): (?:command )?not found",
        lambda m: Cause(f"Its own set-up calls {m[1]}, which is not there.", "See the log."),
    ),
    (
        r"(?:fatal|ERROR): (unable to access|[^\n]*Could not read from remote repository)[^\n]*",
        lambda m: Cause(
            f"A repository that it depends on cannot be fetched: {m[0]}",
            "Is there a network, and is the repository public?",
        ),
    ),
    (
        r"Couldn't parse requirement in `([^`]+)`[^\n]*\n[ \t]*cause: [^\n]*\n[ \t]*([^\n]+)",
        lambda m: Cause(
            f"{m[1]} has a line that is no requirement: {m[2].strip()[:200]}",
            "That is the tool's own mistake; another --ref may be without it.",
        ),
    ),
    (
        r"Failed to fetch|error sending request|Temporary failure in name resolution|"
        r"ENOTFOUND|EAI_AGAIN|ETIMEDOUT|Could not resolve host|Connection refused",
        lambda m: Cause(
            UNREACHABLE,
            "Is there a network? Proxy variables and UV_INDEX_URL are honoured.",
        ),
    ),
    (
        r"(?:401 Unauthorized|403 Forbidden|E401|E403)",
        lambda m: Cause(
            "A package index refused to give a package.", "It may need a login of its own."
        ),
    ),
)
AGAIN = "Trying again with"
"""What a build says before another try: what failed before that counts no more."""


def cause(log: str) -> Cause:
    """Return why a build failed, from the end of its log.

    The log is a stranger's: long lines are cut, since patterns take their time over those, and no
    pattern looks from one line far into others.
    """
    recent = recent_lines(log)
    found = told_by(_PATTERNS, recent) or Cause(
        error_lines.find(recent).line or "It said nothing.", "See the log for what came before."
    )
    if culprit := re.search(r"Failed to build `([^`\s/][^`\s]*)`", recent):
        return Cause(f"{culprit[1]} cannot be built. {found.message}", found.hint)
    return found


def recent_lines(log: str) -> str:
    """Return the end of a log that is about its last try, without colours and overlong lines."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log[-65_536:].rpartition(AGAIN)[2])
    return "\n".join(line[:_MOST_CHARS] for line in plain.splitlines()) + "\n"


def told_by(patterns: Patterns, recent: str) -> Cause | None:
    """Return what the patterns say of the line that is a log's cause, or of those beside it.

    What stands elsewhere may be about something that was done without: it counts only where no
    line is surely the cause.
    """
    found = error_lines.find(recent)
    looked_at = [f"{found.line}\n", f"{found.around}\n"]
    if found.rank < error_lines.SURE:
        looked_at.append(recent)
    for said in looked_at:
        for pattern, told in patterns:
            if match := re.search(pattern, said):
                return told(match)
    return None
