"""What a display reads of a run's output: the first and the last part, and the heads of files.

How it looks is left to ``runs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..client.base import Client
from ..errors import TooInstanceError
from ..records import OutputFile, Run, RunStatus
from ..requests import StreamName

HEAD_BYTES = 8_000
TAIL_BYTES = 16_000
IMAGE_BYTES = 300_000
TEXT_BYTES = 4_000
MAX_PREVIEWS = 4
IMAGES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8"}
"""The kinds of image that are shown, with what their files begin with; never SVG."""

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
    """What is shown of a run beside its record; `contents` are the heads of files, by path."""

    stdout: Excerpt = field(default_factory=Excerpt)
    stderr: Excerpt = field(default_factory=Excerpt)
    contents: Mapping[str, bytes] = field(default_factory=dict)


def read(client: Client, run: Run) -> RunOutput:
    """Read what is shown of a run as it stands; never more than some hundred kilobytes."""
    if run.status is RunStatus.QUEUED:
        return RunOutput()
    return RunOutput(
        stdout=_stream(client, run, "stdout"),
        stderr=_stream(client, run, "stderr"),
        contents=_contents(client, run),
    )


def _stream(client: Client, run: Run, stream: StreamName) -> Excerpt:
    most = HEAD_BYTES + TAIL_BYTES
    head = client.read_output(run.number, stream, size=most + 1)
    if len(head) <= most:
        return Excerpt.of(head)
    kept = (run.stdout if stream == "stdout" else run.stderr).kept_bytes
    end = kept if run.status.is_final and kept else client.output_size(run.number, stream)
    tail = client.read_output(run.number, stream, offset=end - TAIL_BYTES, size=TAIL_BYTES)
    return Excerpt.of_parts(head[:HEAD_BYTES], tail, end)


def _contents(client: Client, run: Run) -> Mapping[str, bytes]:
    contents: dict[str, bytes] = {}
    room = IMAGE_BYTES
    for file in run.files:
        wanted = _wanted_bytes(file, room)
        if not wanted:
            continue
        try:
            contents[file.path] = client.read_file(run.number, file.path, size=wanted)
        except (OSError, TooInstanceError):
            continue  # deleted since: the table still lists it
        if image_kind(file):
            room -= wanted
        if len(contents) == MAX_PREVIEWS:
            break
    return contents


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
