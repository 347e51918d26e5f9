"""Reads what a user typed as a source: a link, a package, a folder. Nothing is looked up.

Fetching it is left to ``fetch``.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import InvalidValueError, SourceError
from ..records import Source, SourceKind

_MOST_LINK_BYTES = 2_048
_GIT_SCHEMES = ("https", "http", "ssh", "git", "file")
_GIT_HOSTS = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "git.sr.ht")
_SCP_LIKE = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^/].*|/.*)")
_DOI = re.compile(r"(doi:|https?://(dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.IGNORECASE)
_ARCHIVE = re.compile(
    r"swh:[^\s@]+|https?://(www\.)?"
    r"(zenodo\.org|figshare\.com|([\w-]+\.)?hydroshare\.org|dataverse\.[\w.-]+)/[^\s@]+",
    re.IGNORECASE,
)
_TREE = re.compile(r"(?P<path>.+?)/(?:-/)?(?:tree|blob)/(?P<ref>[^/]+)(?:/(?P<sub>.+))?")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@=#%~^{}-]*")
_NPM_NAME = re.compile(r"(@[a-z0-9][a-z0-9._~-]*/)?[a-z0-9][a-z0-9._~-]*", re.IGNORECASE)
_NPM_VERSION = re.compile(r"[A-Za-z0-9^~<>=*.+-][A-Za-z0-9^~<>=*.+|\- ]{0,100}")
_TOOL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a private repository asks for; never stored, never shown."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSource:
    """A source, and the credential that its link held."""

    source: Source
    credential: Credential | None = None


def parse(text: str, *, ref: str | None = None) -> ParsedSource:
    """Return the source that a user means.

    Parameters
    ----------
    text
        A git link with or without ``@ref`` and ``#subdirectory=``; ``pypi:NAME==V``;
        ``npm:NAME@V``; a DOI or the like; a folder.
    ref
        A branch, tag, commit or version that is given apart from the link.

    Raises
    ------
    SourceError
        If the text cannot be a source, or not a safe one.
    """
    text = text.strip()
    _check_text(text)
    if ref is not None:
        ref = ref.strip()
        _check_ref(ref)
    scheme, _, rest = text.partition(":")
    if scheme in ("pypi", "npm"):
        source = _pypi(rest) if scheme == "pypi" else _npm(rest)
        return ParsedSource(source=_with_given_ref(source, ref))
    if _DOI.fullmatch(text) or _ARCHIVE.fullmatch(text):
        return ParsedSource(source=Source(kind=SourceKind.ARCHIVE, location=text, ref=ref))
    place, _, fragment = text.partition("#")
    subdirectory = _subdirectory(fragment)
    if looks_like_folder(place):
        if ref is not None:
            raise SourceError(
                f"{place} is a folder, which has no ref.",
                f"For a commit of a local repository use file://{Path(place).absolute()}@{ref}.",
                code="ref_invalid",
            )
        try:
            folder = Path(place).expanduser().absolute()
        except RuntimeError as error:
            raise SourceError(f"{place!r}: {error}", code="source_invalid") from error
        source = Source(kind=SourceKind.FOLDER, location=str(folder), subdirectory=subdirectory)
        return ParsedSource(source=source)
    return _git(place, ref, subdirectory)


def at_ref(source: Source, ref: str) -> Source:
    """Return a source at another branch, tag, commit or version.

    Raises
    ------
    SourceError
        If it has none, or `ref` cannot be one.
    """
    _check_ref(ref)
    if source.kind is SourceKind.FOLDER:
        raise SourceError("A folder has no refs.", "It is built as it is.", code="ref_invalid")
    return dataclasses.replace(source, ref=ref)


def suggested_name(source: Source) -> str:
    """Return the name that a tool from this source gets when its user gives none."""
    last = source.location.rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
    if source.subdirectory:
        last = source.subdirectory.rsplit("/", 1)[-1]
    name = re.sub(r"[^a-z0-9._-]+", "-", last.lower().removesuffix(".git")).strip("-._")
    return name[:64] or "tool"


def creation_of(source: Source, command: str) -> str:
    """Return the line that makes a tool of one of the commands of a source."""
    words = ["%tooi", "create", str(source), f"--entry-point={command}"]
    if _TOOL_NAME.fullmatch(command):
        words += ["--name", command]
    return shlex.join(words)


def validate_name(name: str) -> None:
    """Raise `InvalidValueError` unless a tool can have this name."""
    if not _TOOL_NAME.fullmatch(name):
        raise InvalidValueError(
            f"{name[:80]!r} cannot be the name of a tool.",
            "Small letters, digits, '.', '_', '-'; at most 64, a letter or digit first.",
            code="name_invalid",
        )


def looks_like_source(text: str) -> bool:
    """Tell a source from the name of a tool, as both can be given to ``run``."""
    return (
        text.startswith(("pypi:", "npm:", "~", ".", "/", "doi:", "swh:"))
        or "://" in text
        or _SCP_LIKE.fullmatch(text) is not None
        or _DOI.fullmatch(text) is not None
        or (text.count("/") >= 2 and text.split("/", 1)[0] in _GIT_HOSTS)
    )


def _check_text(text: str) -> None:
    problem = ""
    if not text:
        problem = "It is empty."
    elif len(text.encode("utf-8", "surrogatepass")) > _MOST_LINK_BYTES:
        problem = f"It is longer than {_MOST_LINK_BYTES} bytes."
    elif any(ord(character) < 32 or ord(character) == 127 for character in text):
        problem = "It holds a control character, such as a line break."
    elif any(0xD800 <= ord(character) < 0xE000 for character in text):
        problem = "It is not valid Unicode."
    elif text.startswith("-"):
        problem = "It begins with a dash, as an option would."
    if problem:
        raise SourceError(
            f"{_shown(text)!r} is no source. {problem}",
            "Give a git link, pypi:NAME, npm:NAME, a DOI or a folder.",
            code="source_invalid",
        )


def _check_ref(ref: str) -> None:
    if not _REF.fullmatch(ref) or ".." in ref or ref.endswith((".lock", "/")):
        raise SourceError(
            f"{ref[:80]!r} cannot be a branch, tag or commit.",
            "Give it as `git branch` or `git tag` shows it, such as --ref v1.2.",
            code="ref_invalid",
        )


def _with_given_ref(source: Source, ref: str | None) -> Source:
    if ref is None or ref == source.ref:
        return source
    if source.ref is not None:
        raise SourceError(
            f"The link says {source.ref}, and --ref says {ref}.", "Keep one.", code="ref_invalid"
        )
    return dataclasses.replace(source, ref=ref)


def _pypi(text: str) -> Source:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        requirement = None
    pins = [] if requirement is None else list(requirement.specifier)
    if (
        requirement is None
        or requirement.url
        or requirement.marker
        or len(pins) > 1
        or any(pin.operator != "==" or "*" in pin.version for pin in pins)
    ):
        raise SourceError(
            f"{_shown(text)!r} names no package of PyPI.",
            "pypi:NAME, or pypi:NAME==VERSION.",
            code="source_invalid",
        )
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    name = canonicalize_name(requirement.name) + (f"[{extras}]" if extras else "")
    return Source(kind=SourceKind.PYPI, location=name, ref=pins[0].version if pins else None)


def _npm(text: str) -> Source:
    at = text.rfind("@")
    name, version = (text[:at], text[at + 1 :]) if at > 0 else (text, None)
    if not _NPM_NAME.fullmatch(name) or (version and not _NPM_VERSION.fullmatch(version)):
        raise SourceError(
            f"{_shown(text)!r} names no package of npm.",
            "npm:NAME, npm:NAME@VERSION or npm:@SCOPE/NAME.",
            code="source_invalid",
        )
    return Source(kind=SourceKind.NPM, location=name, ref=version or None)


def _subdirectory(fragment: str) -> str | None:
    for part in fragment.split("&"):
        key, _, value = part.partition("=")
        if key == "subdirectory" and value:
            return _safe_subdirectory(unquote(value))
    return None


def _safe_subdirectory(path: str) -> str | None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or any(ord(c) < 32 for c in path):
        raise SourceError(
            f"The subdirectory {path!r} leads out of the repository.",
            "Give it relative to the repository's top.",
            code="source_invalid",
        )
    return None if str(pure) == "." else str(pure)


def looks_like_folder(place: str) -> bool:
    """Tell whether a source is a folder of this machine's."""
    return place.startswith(("/", "./", "../", "~")) or place in (".", "..")


def _git(place: str, ref: str | None, subdirectory: str | None) -> ParsedSource:
    place = place.removeprefix("git+")
    if "::" in place.split("/", 1)[0]:
        raise SourceError(
            f"{_shown(place)!r} would have git run a program.",
            "Give an https, ssh or file link.",
            code="source_scheme",
        )
    if "://" not in place:
        if scp := _SCP_LIKE.fullmatch(place):
            place = f"ssh://{scp['user']}@{scp['host']}/{scp['path'].lstrip('/')}"
        elif place.split("/", 1)[0] in _GIT_HOSTS:
            place = f"https://{place}"
        else:
            raise SourceError(
                f"{_shown(place)!r} is no source.",
                "Give a git link (https://…), pypi:NAME, npm:NAME, a DOI, or a folder (./NAME).",
                code="source_invalid",
            )
    try:
        link = urlsplit(place)
        port = link.port
    except ValueError as error:
        raise SourceError(
            f"{_shown(place)!r} is no link.", "Check its host and port.", code="source_invalid"
        ) from error
    if link.scheme not in _GIT_SCHEMES:
        raise SourceError(
            f"Links of the kind {link.scheme}: are not fetched.",
            "Give an https, ssh, git or file link.",
            code="source_scheme",
        )
    host = link.hostname or ""
    if (link.scheme == "file") != (host == "") or host.startswith("-") or not link.path.strip("/"):
        raise SourceError(
            f"{_masked(link)!r} names no repository.",
            "A link looks like https://HOST/OWNER/NAME.",
            code="source_invalid",
        )
    path, own_ref = _split_ref(link.path)
    if link.scheme in ("http", "https") and (tree := _TREE.fullmatch(path)) and not own_ref:
        path, own_ref = tree["path"], unquote(tree["ref"])
        if tree["sub"] and subdirectory is None:
            subdirectory = _safe_subdirectory(unquote(tree["sub"]))
    if own_ref is not None:
        _check_ref(own_ref)
    user = unquote(link.username or "")
    password = unquote(link.password or "")
    credential = None
    authority = f"[{host}]" if ":" in host else host
    if port is not None:
        authority += f":{port}"
    if link.scheme == "ssh" and user:
        authority = f"{quote(user)}@{authority}"
    elif user or password:
        # a token may stand alone, as the user
        credential = (
            Credential(username=user, password=password)
            if password
            else Credential(username="x-access-token", password=user)
        )
    if path != "/":
        path = path.rstrip("/")
    if host in _GIT_HOSTS:
        path = path.removesuffix(".git")
    source = Source(
        kind=SourceKind.GIT,
        location=urlunsplit((link.scheme, authority, path, "", "")),
        ref=own_ref,
        subdirectory=subdirectory,
    )
    return ParsedSource(source=_with_given_ref(source, ref), credential=credential)


def _split_ref(path: str) -> tuple[str, str | None]:
    """Cut ``@ref`` off the path of a link; a ref may hold slashes, a repository's name no ``@``."""
    before, at, ref = path.rpartition("@")
    if not at or not ref or not before.strip("/"):
        return path, None
    return before, unquote(ref)


def _shown(text: str) -> str:
    """Return the beginning of what was typed, without what may be a credential in it."""
    scheme, separator, rest = text.rpartition("://")
    return (scheme + separator + re.sub(r"^.*@", "***@", rest, flags=re.DOTALL))[:80]


def _masked(link: SplitResult) -> str:
    return urlunsplit((link.scheme, link.hostname or "", link.path, "", ""))
