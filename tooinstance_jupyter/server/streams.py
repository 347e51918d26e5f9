"""Streams of events: what those who listen to a run, a build or the changes are sent, and when.

A listener that does not take what it is sent holds nobody up: it waits for itself alone, with one
piece in hand, and is dropped in the end. The one that passes a run's output on is waited for, as
long as it is connected. What is watched is left to ``watches`` and ``feed``.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import json
import re
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from tornado.web import RequestHandler

from .. import access
from ..errors import (
    ForbiddenError,
    MalformedError,
    NotFoundError,
    TooInstanceError,
    UnreadableOutputError,
)
from ..passing import Passing
from ..records import Change, Principal, Run, Version
from ..requests import BuildLog, StreamName
from ..wire import to_json
from .answers import Problem
from .downloads import flush
from .watches import CHUNK_BYTES

if TYPE_CHECKING:
    from .answers import OutputQuery
    from .calls import Call
    from .context import Context
    from .watches import Listener, Subject, Watch, Watches

KEEP_ALIVE_S = 15.0
_CHECK_EVERY_S = 2.0
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
# whoever begins there wants to hear of the run's states only
_BEYOND_ALL_OUTPUT = 10**15
_PASSED_POLL_S = 0.01
# more than is on its way in the buffers of a connection that breaks
_PASSED_LAG_BYTES = 16 * 2**20


class GoneError(Exception):
    """Whoever listened is gone, or takes nothing any more."""


class Events:
    """An answer that is a stream of events.

    Parameters
    ----------
    handler
        The request's handler, before it has answered anything.
    listener
        Woken when the connection is closed.
    is_patient
        Whether to wait for a listener as long as it is connected.
    """

    def __init__(
        self, handler: RequestHandler, listener: Listener, *, is_patient: bool = False
    ) -> None:
        self._handler = handler
        self._listener = listener
        self._patience: dict[str, None] = {"stalled_s": None} if is_patient else {}
        self._sent_at = time.monotonic()

    async def begin(self) -> None:
        """Send the headers."""
        self._handler.set_header("Content-Type", "text/event-stream")
        self._handler.set_header("Cache-Control", "no-store")
        self._handler.set_header("X-Accel-Buffering", "no")
        stream = getattr(self._handler.request.connection, "stream", None)
        if stream is not None:
            # an event is not kept back until the one before it has been acknowledged
            stream.set_nodelay(True)
        # whoever listens knows that it is heard
        await self._send(b": begins\n\n")

    async def send(self, event: str, data: bytes | str, event_id: str) -> None:
        """Send an event, once all before it are on their way.

        Raises
        ------
        GoneError
            If nobody takes it.
        """
        told = data if isinstance(data, bytes) else data.encode()
        await self._send(f"id: {event_id}\nevent: {event}\ndata: ".encode() + told + b"\n\n")

    async def wait(self, longest_s: float = KEEP_ALIVE_S) -> None:
        """Wait for the listener to be woken, with signs of life in between."""
        due = self._sent_at + KEEP_ALIVE_S - time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listener.woken.wait(), max(min(longest_s, due), 0.001))
        if self._listener.is_over:
            raise GoneError
        if time.monotonic() - self._sent_at >= KEEP_ALIVE_S:
            await self._send(b": keep-alive\n\n")

    async def _send(self, chunk: bytes) -> None:
        if self._listener.is_over:
            raise GoneError
        self._handler.write(chunk)
        if not await flush(self._handler, **self._patience):
            self._listener.end()
            raise GoneError
        # others have their turn before this one goes on
        await asyncio.sleep(0)
        self._sent_at = time.monotonic()


async def follow_run(handler: RequestHandler, context: Context, call: Call, held: ExitStack) -> Any:
    """Send a run's states and its output, until it is final and all is sent.

    Everything that can be refused is, before anything is sent.
    """
    from .operations import found_run

    places = _places(handler.request.headers.get("Last-Event-ID"), call.query)
    run = await context.in_thread(found_run, call)
    outputs = call.installation.outputs
    wants_output = any(places[stream] < _BEYOND_ALL_OUTPUT for stream in _STREAMS)
    if wants_output and not outputs.is_on_its_way(run):
        await context.in_thread(outputs.check, run)
    principal = call.client.principal
    passing = None
    if call.query.passes:
        passing = await context.in_thread(_passing, principal, run, call, places)
        held.callback(passing.close)
    watches = await context.watches()
    listener, watch, events = await _begun(
        handler, watches, watches.of_run(run), held, is_patient=passing is not None
    )
    told: Run | None = None
    while True:
        listener.woken.clear()
        record = watch.record
        if not isinstance(record, Run) or not access.may_see_run(principal, record):
            return
        if record is not told and not record.status.is_final:
            await events.send("run", _run_told(principal, record), _place(places))
            told = record
        has_more = False
        for stream in _STREAMS:
            offset = places[stream]
            data = await watch.read(stream, offset)
            if not data and passing is not None:
                data = await context.in_thread(passing.read, stream, offset, CHUNK_BYTES)
            if data:
                places[stream] += len(data)
                has_more = True
                await events.send("output", _output(stream, offset, data), _place(places))
        if has_more:
            continue
        if record.status.is_final:
            if wants_output and record is not run:
                await _tell_of_output(context, call, record, events, places)
            await events.send("run", _run_told(principal, record), _place(places))
            return
        if passing is None or not (
            passing.is_under_way or max(places.values()) >= record.limits.log_bytes
        ):
            await events.wait()
        else:
            await context.in_thread(passing.release, places)
            await events.wait(_PASSED_POLL_S)


def _passing(principal: Principal, run: Run, call: Call, places: dict[StreamName, int]) -> Passing:
    """Return what reads what is not kept of a run, once sure that nothing was missed."""
    if not access.may_change_run(principal, run):
        raise ForbiddenError(f"Run {run.number} is {run.owner}'s: you see what is kept of it.")
    directory = call.installation.outputs.directory(run)
    passing = Passing(directory.path, lag_bytes=_PASSED_LAG_BYTES)
    try:
        for stream in _STREAMS:
            passing.read(stream, places[stream], 1)
    except BaseException:
        passing.close()
        raise
    return passing


async def _tell_of_output(
    context: Context, call: Call, run: Run, events: Events, places: dict[StreamName, int]
) -> None:
    """Send why the output of a run cannot be read here, if it came to that while it went on."""
    try:
        await context.in_thread(call.installation.outputs.check, run)
    except UnreadableOutputError as error:
        told = Problem(code=error.error_code, message=error.message, hint=error.hint)
        await events.send("problem", to_json(Problem, told), _place(places))


async def _begun(
    handler: RequestHandler,
    watches: Watches,
    subject: Subject,
    held: ExitStack,
    *,
    is_patient: bool = False,
) -> tuple[Listener, Watch, Events]:
    """Begin to follow something: it is watched as long as the request lasts."""
    listener = held.enter_context(watches.listener())
    watch = held.enter_context(watches.followed(subject, listener))
    handler.listener = listener  # type: ignore[attr-defined]
    await watch.look()
    events = Events(handler, listener, is_patient=is_patient)
    await events.begin()
    return listener, watch, events


def _run_told(principal: Principal, run: Run) -> bytes:
    return to_json(Run, access.run_as_seen(principal, run))


async def follow_build(
    handler: RequestHandler, context: Context, call: Call, held: ExitStack
) -> Any:
    """Send a build's states and its log, until it is final and all is sent."""
    from .operations import found_version

    offset = _offset(handler.request.headers.get("Last-Event-ID"))
    version = await context.in_thread(found_version, call)
    watches = await context.watches()
    listener, watch, events = await _begun(handler, watches, watches.of_version(version), held)
    told: Version | None = None
    checked_at = time.monotonic()
    while True:
        listener.woken.clear()
        if time.monotonic() - checked_at > _CHECK_EVERY_S:
            checked_at = time.monotonic()
            if not await _may_still(context, found_version, call):
                return
        record = watch.record
        if not isinstance(record, Version):
            return
        if record is not told and not record.status.is_final:
            await events.send("version", to_json(Version, record), str(offset))
            told = record
        if data := await watch.read("log", offset):
            text, size = _text(data, is_last=record.status.is_final)
            if size:
                log = BuildLog(offset=offset, text=text)
                offset += size
                await events.send("log", to_json(BuildLog, log), str(offset))
                continue
        if record.status.is_final:
            await events.send("version", to_json(Version, record), str(offset))
            return
        await events.wait(_CHECK_EVERY_S)


async def follow_changes(
    handler: RequestHandler, context: Context, call: Call, held: ExitStack
) -> Any:
    """Send what changes, of that which may be seen."""
    principal = call.client.principal
    feed, watches = await context.feed(), await context.watches()
    told = handler.request.headers.get("Last-Event-ID")
    last = _offset(told) if told else feed.last
    listener = held.enter_context(watches.listener())
    handler.listener = listener  # type: ignore[attr-defined]

    def wake(change: Change) -> None:
        listener.woken.set()

    held.callback(feed.on_change(wake))
    events = Events(handler, listener)
    await events.begin()
    while True:
        listener.woken.clear()
        found = await feed.after(last)
        if found is None or last > feed.last:
            last = feed.last
            await events.send("reset", "{}", str(last))
            continue
        for change in found:
            last = change.id
            if access.may_see_change(principal, change):
                await events.send("change", _shown(change, principal), str(last))
        if not found:
            await events.wait()


def _shown(change: Change, principal: Principal) -> bytes:
    """Return a change without whom else it is shown to."""
    told = json.loads(to_json(Change, change))
    told["seen_by"] = []
    return json.dumps(told).encode()


async def _may_still(context: Context, look: Callable[[Call], object], call: Call) -> bool:
    try:
        await context.in_thread(look, call)
    except NotFoundError:
        return False
    except TooInstanceError:  # nothing can be told now
        return True
    return True


def _places(last_id: str | None, query: OutputQuery) -> dict[StreamName, int]:
    if not last_id:
        return {"stdout": query.stdout_offset, "stderr": query.stderr_offset}
    if not (match := re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,18})", last_id)):
        raise _bad_id(last_id)
    return {"stdout": int(match[1]), "stderr": int(match[2])}


def _place(places: dict[StreamName, int]) -> str:
    return f"{places['stdout']}.{places['stderr']}"


def _offset(last_id: str | None) -> int:
    if not last_id:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", last_id):
        raise _bad_id(last_id)
    return int(last_id)


def _bad_id(last_id: str) -> MalformedError:
    return MalformedError(
        f"{last_id[:100]!r} is no id of an event of this stream.", "Listen without Last-Event-ID."
    )


def _output(stream: str, offset: int, data: bytes) -> bytes:
    encoded = base64.b64encode(data)
    return b'{"stream": "%b", "offset": %d, "data": "%b"}' % (stream.encode(), offset, encoded)


def _text(data: bytes, *, is_last: bool) -> tuple[str, int]:
    """Return the text of a piece of a log, and the size of it: no character is cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, is_last)
    return text, len(data) - len(decoder.getstate()[0])
