"""Fetches one commit of a git repository, trusting neither the link nor what comes.

The repository is our own and fresh, so nothing of the other side's configuration is ever read; git
may use a few protocols only, never asks, runs no hook, and is ended when it takes too long or too
much space.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import difflib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from .. import foreign_files
from ..config import TooInstance
from ..errors import BuildCancelledError, SourceError
from ..records import Source
from .sources import Credential, ParsedSource

_POLL_S = 0.1
_SIZE_EVERY_S = 0.5
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,63}")
_DEEPER = 10_000
_MOST_SUBMODULES = 50
_GONE = ("source_not_found", "source_auth", "source_unreachable")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "protocol.ext.allow": "never",
    "advice.detachedHead": "false",
    "gc.auto": "0",
    "init.defaultBranch": "main",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "transfer.fsckObjects": "false",
    "submodule.recurse": "false",
    "credential.interactive": "false",
}


def fetch(
    parsed: ParsedSource,
    into: Path,
    *,
    config: TooInstance,
    log: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> str:
    """Fetch one commit into a folder, with its submodules, and return the commit.

    Raises
    ------
    SourceError
        With the code `source_not_found`, `source_auth`, `ref_not_found`, `source_unreachable`,
        `source_too_large`, `submodule_refused` or `git_missing`.
    """
    if shutil.which("git") is None:
        raise SourceError(
            "git is not installed.", "Install it (apt-get install git).", code="git_missing"
        )
    into.mkdir(parents=True)
    repository = _Repository(into, parsed, config, log, cancelled)
    log(f"Fetching {parsed.source}\n")
    repository.git("init", "--quiet")
    commit = repository.fetch_commit(parsed.source.ref)
    repository.git("checkout", "--quiet", "--detach", commit, "--")
    repository.fetch_submodules()
    repository.check_size()
    log(f"Fetched commit {commit}\n")
    return commit


class _Repository:
    """A fresh repository on this machine, and the remote that it is filled from."""

    def __init__(
        self,
        folder: Path,
        parsed: ParsedSource,
        config: TooInstance,
        log: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._source = parsed.source
        self._config = config
        self._log = log
        self._cancelled = cancelled
        self._until = time.monotonic() + config.source_timeout_s
        credential = parsed.credential or _token(parsed.source, config)
        self._secrets = [] if credential is None else [credential.password]
        self._environment = _environment(parsed.source, credential, config)

    def fetch_commit(self, ref: str | None) -> str:
        """Fetch the tip of a ref, or a commit, as shallow as the server allows."""
        location = self._source.location
        try:
            if ref is None:
                self._fetch(location, "HEAD")
            elif _COMMIT.fullmatch(ref):
                self._fetch(location, ref)
            else:
                full = self._resolve(location, ref)
                # the tag stays under its name, for tools that ask `git describe` for their version
                kept = f"{full}:{full}" if full.startswith("refs/tags/") else full
                self._fetch(location, kept)
                ref = full if full.startswith("refs/tags/") else None
        except SourceError as error:
            if ref is None or error.error_code != "ref_not_found" or not _is_commit(ref):
                raise
            return self._search_commit(location, ref)
        target = ref if ref is not None and ref.startswith("refs/") else "FETCH_HEAD"
        return self.git("rev-parse", "--verify", "--end-of-options", f"{target}^{{commit}}").strip()

    def fetch_submodules(self) -> None:
        """Fetch the submodules, one level after another, over protocols as safe as the link's."""
        todo = [self._folder]
        fetched = 0
        while todo:
            parent = todo.pop()
            for name, link in _submodules(parent):
                if not self._is_submodule(parent, name):
                    continue
                fetched += 1
                if fetched > _MOST_SUBMODULES:
                    raise SourceError(
                        f"The repository has more than {_MOST_SUBMODULES} submodules.",
                        code="submodule_refused",
                    )
                self._check_submodule(name, link)
                try:
                    self.git(
                        *("submodule", "update", "--init", "--depth", "1", "--"),
                        name,
                        folder=parent,
                    )
                except SourceError as error:
                    if error.error_code not in _GONE:
                        raise
                    # old repositories have submodules that nobody keeps, and work without them
                    self._log(f"Left out: the submodule {name}, which cannot be fetched\n")
                else:
                    todo.append(parent / name)

    def check_size(self) -> None:
        """Raise `SourceError` if what has come is larger than it may be."""
        if foreign_files.size_of(self._folder) > self._config.source_max_bytes:
            raise SourceError(
                f"The repository is larger than {self._config.source_max_bytes / 2**20:.0f} MiB.",
                "Raise TooInstance.source_max_bytes if you trust it.",
                code="source_too_large",
            )

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Run git in the repository and return what it printed.

        Raises
        ------
        SourceError
            In words, if it failed; the folder's size and the clock are watched meanwhile.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                ["git", *arguments],
                cwd=folder or self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            try:
                self._watch(process)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            output.seek(0)
            errors.seek(0)
            said = self._masked(errors.read().decode("utf-8", "replace"))
            if said.strip():
                self._log(said if said.endswith("\n") else said + "\n")
            if process.returncode != 0:
                raise _explained(said, self._source)
            return output.read().decode("utf-8", "replace")

    def _fetch(self, location: str, what: str, *, depth: int = 1) -> None:
        self.git(
            *("fetch", "--quiet", "--no-tags", "--depth", str(depth), "--end-of-options"),
            location,
            what,
        )

    def _resolve(self, location: str, ref: str) -> str:
        """Return the full name of a branch or tag on the other side; the tag wins."""
        listing = self.git("ls-remote", "--heads", "--tags", "--end-of-options", location)
        names = [line.split("\t", 1)[1] for line in listing.splitlines() if "\t" in line]
        for full in (ref, f"refs/tags/{ref}", f"refs/heads/{ref}"):
            if full.startswith("refs/") and full in names:
                return full
        if _is_commit(ref):
            return ref
        short = {name.split("/", 2)[2] for name in names if not name.endswith("^{}")}
        near = difflib.get_close_matches(ref, short, n=5, cutoff=0.4) or sorted(short)[-5:]
        raise SourceError(
            f"{location} has no branch, tag or commit {ref!r}.",
            f"There is {', '.join(near)}." if near else "It has no branches at all.",
            code="ref_not_found",
        )

    def _search_commit(self, location: str, ref: str) -> str:
        """Fetch history, up to a bound, and look for a commit that cannot be asked for."""
        self._log(f"{ref} cannot be fetched by itself: fetching history to find it\n")
        self.git(
            *("fetch", "--quiet", "--no-tags", "--depth", str(_DEEPER), "--end-of-options"),
            location,
            "+refs/heads/*:refs/remotes/origin/*",
        )
        try:
            found = self.git("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        except SourceError as error:
            raise SourceError(
                f"{location} has no commit {ref} among the last {_DEEPER:,} of each branch.",
                "Give a branch, a tag or the full commit.",
                code="ref_not_found",
            ) from error
        return found.strip()

    def _is_submodule(self, parent: Path, name: str) -> bool:
        """Tell whether the commit has a submodule at a path, and no link leads elsewhere."""
        staged = self.git("ls-files", "--stage", "--", f":(literal){name}", folder=parent)
        place = parent / name
        is_inside = place.resolve().is_relative_to(self._folder.resolve())
        return staged.startswith("160000 ") and is_inside and not place.is_symlink()

    def _check_submodule(self, name: str, link: str) -> None:
        own = urlsplit(self._source.location).scheme
        scheme = urlsplit(link).scheme
        is_relative = link.startswith(("./", "../"))
        allowed = ("https", "http", "ssh", "git") if own != "file" else ("https", "ssh", "file")
        is_path = not scheme and not re.match(r"[\w.-]+@[\w.-]+:", link)
        if link.startswith("-") or (
            not is_relative and (scheme not in (*allowed, "") or (is_path and own != "file"))
        ):
            raise SourceError(
                f"The submodule {name!r} points to {link[:100]!r}, which is not fetched.",
                "Only https, http, ssh and git links are followed from a repository.",
                code="submodule_refused",
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        next_look = time.monotonic() + _SIZE_EVERY_S
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_S if next_look else None)
                return
            if self._cancelled():
                raise BuildCancelledError("The build was cancelled.")
            now = time.monotonic()
            if now > self._until:
                raise SourceError(
                    f"Fetching took longer than {self._config.source_timeout_s:.0f} s.",
                    "Try again, or raise TooInstance.source_timeout_s.",
                    code="source_timeout",
                )
            if now >= next_look:
                next_look = now + _SIZE_EVERY_S
                self.check_size()

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _is_commit(ref: str) -> bool:
    return bool(_COMMIT.fullmatch(ref) or _SHORT_COMMIT.fullmatch(ref))


def _token(source: Source, config: TooInstance) -> Credential | None:
    host = urlsplit(source.location).hostname or ""
    token = config.source_tokens.get(host)
    return None if token is None else Credential(username="x-access-token", password=token)


def _environment(
    source: Source, credential: Credential | None, config: TooInstance
) -> Mapping[str, str]:
    """Return git's environment; a credential travels here, where neither disk nor argv sees it."""
    settings: list[tuple[str, str]] = list(_SETTINGS.items())
    link = urlsplit(source.location)
    if credential is not None and link.scheme in ("http", "https"):
        pair = base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()
        origin = f"{link.scheme}://{link.netloc}/"
        settings.append((f"http.{origin}.extraHeader", f"Authorization: Basic {pair}"))
        # git would hand it to wherever the host sends it
        settings.append(("http.followRedirects", "false"))
    environment = {
        name: value
        for name, value in os.environ.items()
        # variables that would point git to another repository or configuration
        if not name.startswith("GIT_") or name.startswith(("GIT_SSL_", "GIT_SSH", "GIT_PROXY"))
    }
    environment |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        # a repository from elsewhere has no business with files of this machine
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git" + (":file" if link.scheme == "file" else ""),
        "GIT_LFS_SKIP_SMUDGE": "0" if config.source_lfs else "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "LC_ALL": "C",
    }
    environment.setdefault(
        "GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new"
    )
    for number, (name, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def _submodules(folder: Path) -> Sequence[tuple[str, str]]:
    """Return path and link of each submodule that .gitmodules names."""
    path = folder / ".gitmodules"
    if not path.is_file() or path.is_symlink():
        return ()
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8", "replace").replace("\t", ""))
    except configparser.Error:
        return ()
    found = []
    for section in parser.sections():
        name, link = parser[section].get("path", ""), parser[section].get("url", "")
        if name and link and not name.startswith(("/", "-")) and ".." not in Path(name).parts:
            found.append((name, link))
    return found


def _explained(said: str, source: Source) -> SourceError:
    """Return what git's complaint means for a person."""
    location = source.location
    complaint = next(
        (
            line.split(":", 1)[1].strip()
            for line in reversed(said.splitlines())
            if line.startswith(("fatal:", "error:", "ERROR:"))
        ),
        said.strip()[-300:],
    )
    text = said.lower()
    ways = (
        (
            ("couldn't find remote ref", "not our ref", "unadvertised object"),
            "ref_not_found",
            f"{location} has no {source.ref or 'commit yet: it is empty'}.",
            "Check the branch, tag or commit.",
        ),
        (
            ("terminal prompts disabled", "authentication failed", "could not read username",
             "permission denied", "403", "401", "access denied"),
            "source_auth",
            f"{location} does not exist, or is private and no credential for it works.",
            "Does the link open in a browser? For a private repository set up a credential helper "
            "of git, or TooInstance.source_tokens.",
        ),
        (
            ("unable to update url base from redirection", "returned error: 30"),
            "source_redirect",
            f"{location} sends to another address, which is not followed with a credential.",
            "Give the address that it sends to.",
        ),
        (
            ("could not resolve host", "failed to connect", "connection refused", "timed out",
             "network is unreachable", "couldn't connect", "connection reset", "operation too slow",
             "host key verification", "ssl certificate", "connection closed"),
            "source_unreachable",
            f"{location} cannot be reached: {complaint}",
            "Is there a network, and is the host right?",
        ),
        (
            ("not found", "does not exist", "does not appear to be a git repository",
             "not a git repository", "not valid: is this a git repository"),
            "source_not_found",
            f"There is no git repository at {location}.",
            "Check the link: does it open in a browser?",
        ),
        (
            ("transport 'file' not allowed", "transport '"),
            "submodule_refused",
            f"A submodule of {location} uses a kind of link that is not followed.",
            "Only https, http, ssh and git links are.",
        ),
    )  # fmt: skip
    for signs, code, message, hint in ways:
        if any(sign in text for sign in signs):
            return SourceError(message, hint, code=code)
    return SourceError(f"git could not fetch {location}: {complaint}", code="source_failed")
