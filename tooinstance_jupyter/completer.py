"""Tab completion of ``%tooi`` lines: commands, options, tools, versions, runs and files.

It only reads. What it has not learned within a tenth of a second is left out.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as OutOfTimeError
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from .suggestions import suggestions

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from .client.base import Client
    from .commands.base import Parser
    from .magics import Session
    from .records import Interface

_PATIENCE_S = 0.08
_MOST = 200
# over IPython's own matchers, which have none
_PRIORITY = 1.0
_LINE = re.compile(r"(?:^|.*[\s=!])%%?tooi\s+(?P<rest>.*)\Z", re.DOTALL)
_FILE_OPTIONS = ("--input", "--stdin", "--to", "--arguments", "--over", "--notebook")


class Asker(Protocol):
    """Asks the client for names, within the time that there is."""

    def __call__(self, question: Callable[[Client], Iterable[str]]) -> list[str]:
        """Return the answer, or nothing when it takes too long or cannot be had."""
        ...


def install(session: Session) -> None:
    """Complete ``%tooi`` lines in a shell."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    pool: list[ThreadPoolExecutor] = []

    def ask(question: Callable[[Client], Iterable[str]]) -> list[str]:
        if not pool:
            pool.append(ThreadPoolExecutor(1, thread_name_prefix="tooinstance-complete"))
        future: Future[list[str]] = pool[0].submit(lambda: list(question(session.client())))
        try:
            return future.result(timeout=_PATIENCE_S)
        except OutOfTimeError:
            return []

    @context_matcher(priority=_PRIORITY, identifier="tooinstance")  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        match = _LINE.match(context.text_until_cursor)
        found: list[str] = []
        if match is not None:
            # a Tab that finds nothing is better than one that breaks
            with suppress(Exception):
                found = complete(match["rest"], context.token, ask)
        # names of Python mean nothing there
        return {"completions": [SimpleCompletion(word) for word in found], "suppress": bool(found)}

    session.shell.Completer.custom_matchers.append(matcher)


def complete(line: str, symbol: str, ask: Asker) -> list[str]:
    """Return what may stand at the end of a line.

    Parameters
    ----------
    line
        What follows ``%tooi``, up to the cursor.
    symbol
        The part of the last word that the front end replaces.
    ask
        Asks the client.
    """
    words, last = _split(line)
    found = sorted(set(_candidates(words, last, ask)))
    # the front end replaces its symbol only, which can be less than a word: "sherlock@" + "1"
    cut = len(last) - len(symbol) if last.endswith(symbol) else 0
    return [word[cut:] for word in found if word.startswith(last)][:_MOST]


def _split(line: str) -> tuple[list[str], str]:
    complete_part, _, last = line.rpartition(" ")
    try:
        words = shlex.split(complete_part)
    except ValueError:
        words = complete_part.split()
    return words, last


def _candidates(words: Sequence[str], last: str, ask: Asker) -> Iterable[str]:
    from .commands import COMMANDS, find

    if not words:
        return list(COMMANDS)
    if words[0] == "help":
        return list(COMMANDS)
    command = find(words[0])
    parser = command.parser("%tooi")
    positionals, option = _place(parser, words[1:], is_verbatim=command.is_verbatim)
    if option is not None:
        return _values(parser, option, last, ask)
    if command.is_verbatim and positionals:
        return _arguments(positionals, last, ask)
    if last.startswith("-"):
        return parser.option_names()
    match command.name, len(positionals):
        case (("run" | "map" | "show" | "build" | "update" | "pull" | "transfer"), 0):
            return _tools(last, ask)
        case (("rerun" | "run-show" | "files" | "link" | "pin" | "unpin"), 0):
            return _runs(ask)
        case ("transfer", 1) | ("users", 0):
            return _users(last, ask)
        case "share", count if count:
            return _users(last, ask, groups=True)
        case "unshare", count if count:
            return _listed(positionals[0], ask)
        case (("logs" | "cancel" | "rm" | "share" | "unshare"), 0):
            return [*_runs(ask), *_tools(last, ask)]
        case "export", _:
            return [*_runs(ask), *_tools(last, ask), *_paths(last)]
        case "diff", count if count < 2:
            return _runs(ask)
        case "files", 1:
            number = int(positionals[0].lstrip("#"))
            return ask(lambda client: [file.path for file in client.get_run(number).files])
        case (("create" | "verify" | "import" | "restore" | "freeze"), 0):
            return _paths(last)
    return []


def _place(
    parser: Parser, words: Sequence[str], *, is_verbatim: bool
) -> tuple[list[str], str | None]:
    """Return the words that are no options, and the option that waits for its value."""
    positionals: list[str] = []
    waiting: str | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word == "--":
            continue
        elif not word.startswith("-") or word == "-" or (is_verbatim and positionals):
            positionals.append(word)
        else:
            action = parser.option(word)
            takes_next = action.nargs != 0 and word in action.option_strings
            waiting = action.option_strings[-1] if takes_next else None
    return positionals, waiting


def _values(parser: Parser, option: str, last: str, ask: Asker) -> Iterable[str]:
    if option in _FILE_OPTIONS:
        return _paths(last)
    if option == "--secret":
        return [name for name in os.environ if name.startswith(last)]
    if option == "--tool":
        return _tools("", ask)
    return [str(choice) for choice in parser.option(option).choices or ()]


def _arguments(words: Sequence[str], last: str, ask: Asker) -> Iterable[str]:
    """Return what a tool can be given after the words that name it and what it was given."""
    tool, *given = words
    found: list[Interface] = []

    def interface(client: Client) -> Iterable[str]:
        ready = client.tool(tool.partition("@")[0]).ready
        if ready is not None and ready.interface is not None:
            found.append(ready.interface)
        return ()

    # paths need nobody to be asked
    if not _names_source(tool):
        ask(interface)
    return suggestions(given, last, found[0] if found else None, paths=_paths)


def _names_source(tool: str) -> bool:
    from .build.sources import looks_like_source

    return looks_like_source(tool)


def _tools(last: str, ask: Asker) -> list[str]:
    name, at, _ = last.partition("@")
    if at:
        return ask(lambda client: [f"{name}@{v.number}" for v in client.tool(name).versions])

    def names(client: Client) -> Iterable[str]:
        mine = client.principal.name
        for detail in client.tools(limit=_MOST).items:
            yield detail.tool.name if detail.tool.owner == mine else detail.tool.full_name

    return ask(names)


def _runs(ask: Asker) -> list[str]:
    from .requests import RunFilter

    return ask(lambda client: [str(run.number) for run in client.runs(RunFilter(limit=50)).items])


def _users(last: str, ask: Asker, *, groups: bool = False) -> list[str]:
    """Return known users, and the groups of those of them that were found and one's own."""

    def names(client: Client) -> Iterable[str]:
        is_group = last.startswith(GROUP_PREFIX)
        found = client.users("" if is_group else last, limit=100)
        yield from (user.name for user in found)
        yield from (user.email for user in found if user.email)
        if groups:
            of_others = {group for user in found for group in user.groups}
            yield from (GROUP_PREFIX + group for group in client.principal.groups | of_others)

    from .records import GROUP_PREFIX

    return ask(names)


def _listed(subject: str, ask: Asker) -> list[str]:
    """Return whom a tool or a run is shared with."""

    def names(client: Client) -> Iterable[str]:
        number = subject.lstrip("#")
        if number.isdecimal():
            return client.get_run(int(number)).access
        return client.tool(subject).tool.access

    return ask(names)


def _paths(last: str) -> list[str]:
    prefix = "@" if last.startswith("@") else ""
    pattern = glob.escape(os.path.expanduser(last.removeprefix("@"))) + "*"  # noqa: PTH111
    found = sorted(glob.glob(pattern))[:_MOST]  # noqa: PTH207 (paths as typed)
    return [prefix + path + ("/" if os.path.isdir(path) else "") for path in found]  # noqa: PTH112
