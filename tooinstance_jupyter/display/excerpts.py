"""What a display reads of a run's output: the first and the last part, and the heads of files.

How it looks is left to ``runs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..client.base import Client
from ..errors import NotFoundError, OutputsUnavailableError, TooInstanceError, UnreadableOutputError
from ..records import OutputFile, Run, RunStatus
from ..requests import StreamName

HEAD_BYTES = 8_000
TAIL_BYTES = 16_000
IMAGE_BYTES = 300_000
TEXT_BYTES = 4_000
MAX_PREVIEWS = 4
IMAGES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8"}
"""The kinds of image that are shown, with what their files begin with; never SVG."""

_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_UNREADABLE = (UnreadableOutputError, NotFoundError, OutputsUnavailableError)
_LINE_BYTES = 2_000
_TEXT_SUFFIXES = (
    ".txt",
    ".md",
    ".log",
    ".json",
    ".jsonl",
    ".csv",
    ".tsv",
    ".yaml",
    ".yml",
    ".toml",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The first and the last part of a stream.

    Parameters
    ----------
    head, tail
        What was read; `tail` is empty where `head` is all.
    size_bytes
        How much of the stream is kept.
    """

    head: bytes = b""
    tail: bytes = b""
    size_bytes: int = 0

    @property
    def left_out_bytes(self) -> int:
        """How much lies between the two parts."""
        return max(self.size_bytes - len(self.head) - len(self.tail), 0)

    @property
    def is_binary(self) -> bool:
        """Whether this is no text for people."""
        start = self.head[:4096]
        broken = start.decode("utf-8", "replace").count("\ufffd")
        return b"\0" in start or broken * 10 > len(start) > 0

    @classmethod
    def of(cls, data: bytes) -> Excerpt:
        """Return the excerpt of a whole stream."""
        if len(data) <= HEAD_BYTES + TAIL_BYTES:
            return cls(head=data, size_bytes=len(data))
        return cls.of_parts(data[:HEAD_BYTES], data[-TAIL_BYTES:], len(data))

    @classmethod
    def of_parts(cls, head: bytes, tail: bytes, size_bytes: int) -> Excerpt:
        """Return the excerpt of a stream's beginning and end.

        Both are cut between lines, or at least between characters.
        """
        end = head.rfind(b"\n", len(head) - _LINE_BYTES) + 1
        start = tail.find(b"\n", 0, _LINE_BYTES) + 1
        if not end:
            end = len(head) - next((back for back in range(1, 4) if head[-back:][:1] >= b"\xc0"), 0)
        if not start:
            start = next((i for i, byte in enumerate(tail[:4]) if byte & 0xC0 != 0x80), 0)
        return cls(head=head[:end], tail=tail[start:], size_bytes=size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """What is shown of a run beside its record.

    Parameters
    ----------
    contents
        The heads of files, by path.
    problems
        Why some of it, or all, cannot be read here.
    """

    stdout: Excerpt = field(default_factory=Excerpt)
    stderr: Excerpt = field(default_factory=Excerpt)
    contents: Mapping[str, bytes] = field(default_factory=dict)
    problems: Sequence[TooInstanceError] = ()


def read(client: Client, run: Run) -> RunOutput:
    """Read what is shown of a run as it stands; never more than some hundred kilobytes."""
    if run.status is RunStatus.QUEUED:
        return RunOutput()
    problems: list[TooInstanceError] = []
    stdout, stderr = (_stream(client, run, name, problems) for name in _STREAMS)
    return RunOutput(
        stdout=stdout,
        stderr=stderr,
        contents=_contents(client, run, problems),
        problems=_distinct(problems),
    )


def problem(client: Client, run: Run) -> TooInstanceError | None:
    """Return why what a run wrote cannot be read here; ``None`` if it can."""
    kept = next((file.path for file in run.files if file.skipped is None), None)
    try:
        for stream in _STREAMS:
            client.output_size(run.number, stream)
        if kept is not None:
            client.read_file(run.number, kept, size=1)
    except _UNREADABLE as error:
        return error
    return None


def _distinct(problems: Sequence[TooInstanceError]) -> Sequence[TooInstanceError]:
    """Return one problem of each kind: the others say the same of another part."""
    return list({error.error_code: error for error in reversed(problems)}.values())[::-1]


def _stream(
    client: Client, run: Run, stream: StreamName, problems: list[TooInstanceError]
) -> Excerpt:
    most = HEAD_BYTES + TAIL_BYTES
    try:
        head = client.read_output(run.number, stream, size=most + 1)
        if len(head) <= most:
            return Excerpt.of(head)
        kept = (run.stdout if stream == "stdout" else run.stderr).kept_bytes
        end = kept if run.status.is_final and kept else client.output_size(run.number, stream)
        tail = client.read_output(run.number, stream, offset=end - TAIL_BYTES, size=TAIL_BYTES)
    except _UNREADABLE as error:
        problems.append(error)
        return Excerpt()
    return Excerpt.of_parts(head[:HEAD_BYTES], tail, end)


def _contents(client: Client, run: Run, problems: list[TooInstanceError]) -> Mapping[str, bytes]:
    contents: dict[str, bytes] = {}
    kept = [file for file in run.files if file.skipped is None]
    if kept and not any(_wanted_bytes(file, IMAGE_BYTES) for file in kept):
        # nothing of them is shown, and yet they may be out of reach
        with _noted(problems):
            client.read_file(run.number, kept[0].path, size=1)
    room = IMAGE_BYTES
    for file in run.files:
        wanted = _wanted_bytes(file, room)
        if not wanted:
            continue
        with _noted(problems):
            contents[file.path] = client.read_file(run.number, file.path, size=wanted)
        if image_kind(file):
            room -= wanted
        if len(contents) == MAX_PREVIEWS:
            break
    return contents


@contextmanager
def _noted(problems: list[TooInstanceError]) -> Iterator[None]:
    """Note why a file cannot be read: the table lists it all the same."""
    try:
        yield
    except _UNREADABLE as error:
        problems.append(error)


def _wanted_bytes(file: OutputFile, room: int) -> int:
    if file.skipped is not None or not file.size_bytes:
        return 0
    if image_kind(file):
        return file.size_bytes if file.size_bytes <= room else 0
    return min(TEXT_BYTES, file.size_bytes) if is_text(file) else 0


def image_kind(file: OutputFile) -> str | None:
    """Return which of `IMAGES` a file says that it is."""
    kind = (file.media_type or "").removeprefix("image/")
    return kind if kind in IMAGES else None


def is_text(file: OutputFile) -> bool:
    """Tell whether the head of a file says something to people."""
    media_type = file.media_type or ""
    if media_type in ("text/html", "text/xml") or "svg" in media_type:
        return False
    return media_type.startswith("text/") or file.path.lower().endswith(_TEXT_SUFFIXES)
