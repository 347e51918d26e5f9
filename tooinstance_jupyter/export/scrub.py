"""What must not leave with an export: credentials, secrets, folders of people's homes.

Pure. It finds what has the form of such a thing, and the values that it is told; a secret of no
known form that nobody names cannot be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from mmap import mmap

MASK = "***"
HOME = "~"

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:token|secret|password|passwd|passphrase|credentials?|auth|pat|"
    r"(?:api|access|private|secret|auth)?_?key)s?(?:$|[_-])",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 4
_Rule = tuple[re.Pattern[bytes], bytes]
_RULES: tuple[_Rule, ...] = (
    # user and password, or a token, in a link
    (re.compile(rb"(?i)\b(https?://)[^\s/@'\"<>]{1,512}@"), rb"\1***@"),
    (
        re.compile(rb"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@:'\"<>]{1,256}:[^\s/@'\"<>]{1,512}@"),
        rb"\1***@",
    ),
    (
        re.compile(
            rb"(?i)([?&#;][a-z0-9_.-]{0,40}(?:token|secret|password|passwd|signature|key|sig|auth)=)"
            rb"[^&#;\s'\"<>]+"
        ),
        rb"\1***",
    ),
    (re.compile(rb"(?i)\b(bearer|basic|token)( +)[a-z0-9+/._~-]{16,}=*"), rb"\1\2***"),
    # the forms of GitHub, GitLab, Hugging Face, OpenAI, Slack, AWS, and JSON web tokens
    (
        re.compile(
            rb"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|"
            rb"sk-[\w-]{20,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|"
            rb"(?<![\w-])eyJ[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{10,2000})"
        ),
        b"***",
    ),
    (
        re.compile(
            rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}"
            rb"-----END [A-Z ]{0,40}PRIVATE KEY-----"
        ),
        b"***",
    ),
    # the working directory of a run is where its files are
    (re.compile(rb"(?<![^\s'\"<>|:=(])/[^\s'\"<>|:]{0,4000}/runs/[0-9a-f]{32}/work\b"), b"."),
    (re.compile(rb"(?<![\w./~-])/(?:home|Users)/[^/\s'\"<>|:;,)\]}\\]+"), HOME.encode()),
    (re.compile(rb"\b[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/)[^\\/\s'\"<>|:]+"), HOME.encode()),
)


def without_secret_options(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return arguments with the values of options that look like secrets masked, and those values.

    Examples
    --------
    >>> without_secret_options(["--token=abcd", "--password", "hunter2", "x"])
    (['--token=***', '--password', '***', 'x'], ['abcd', 'hunter2'])
    """
    masked: list[str] = []
    values: list[str] = []
    is_value = False
    for word in argv:
        name, equals, value = word.partition("=")
        is_secret = name.startswith("-") and bool(_SECRET_NAME.search(name.lstrip("-")))
        if is_value and not word.startswith("-"):
            values.append(word)
            masked.append(MASK)
        elif is_secret and equals:
            values.append(value)
            masked.append(f"{name}={MASK}")
        else:
            masked.append(word)
        is_value = is_secret and not equals
    return masked, values


class Scrubber:
    """Takes out of texts and files what must not leave.

    Parameters
    ----------
    homes
        Folders that are written ``~``, whatever they are called.
    secrets
        Values that are masked wherever they stand; the shortest ones are too common to be.
    """

    def __init__(self, *, homes: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        told = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        own = {home.rstrip("/") for home in homes} - {""}
        self._rules: list[_Rule] = [
            *((re.compile(re.escape(_bytes(secret))), MASK.encode()) for secret in _longest(told)),
            *_RULES[:-2],
            *(
                (
                    re.compile(rb"(?<![\w./~-])" + re.escape(_bytes(home)) + rb"(?![\w.-])"),
                    HOME.encode(),
                )
                for home in _longest(own)
            ),
            *_RULES[-2:],
        ]

    def data(self, data: bytes) -> bytes:
        """Return data without what must not leave."""
        for pattern, instead in self._rules:
            data = pattern.sub(instead, data)
        return data

    def text(self, text: str) -> str:
        """Return a text without what must not leave."""
        return self.data(_bytes(text)).decode("utf-8", "surrogateescape")

    def finds_in(self, data: bytes | mmap) -> bool:
        """Tell whether there is anything that must not leave."""
        return any(pattern.search(data) for pattern, _ in self._rules)


def secret_names(variables: Mapping[str, str]) -> list[str]:
    """Return the names of the environment variables that look like secrets."""
    return [name for name in variables if _SECRET_NAME.search(name)]


def _longest(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=len, reverse=True)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
