"""The handlers of the API: who may ask, what is asked, and how it is answered; no rules.

What a route does is left to ``operations``, what is long to ``downloads`` and ``streams``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..errors import TooInstanceError, TooManyError
from ..wire import from_json, to_json
from . import asked
from .answers import Health
from .calls import Archive, Call, Content, Sent, Tagged
from .downloads import BrokenError, RangeError, send_archive, send_content
from .routes import Kind, Route
from .streams import GoneError, follow_build, follow_changes, follow_run

if TYPE_CHECKING:
    from ..service.installation import Installation
    from .context import Context
    from .uploads import Form
    from .watches import Listener

AUTH_RESOURCE = "tooinstance"
_BODY_PAUSE_S = 60.0
_FORM_SLACK_BYTES = 2**20
_READS = ("GET", "HEAD", "OPTIONS")
_FOLLOW = {
    Kind.RUN_EVENTS: follow_run,
    Kind.BUILD_EVENTS: follow_build,
    Kind.CHANGES: follow_changes,
}
_CODES = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_TIMEOUT: "timeout",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "media_type",
}


class RefusedError(TooInstanceError):
    """A request that is refused for its form alone.

    Parameters
    ----------
    status
        The status of the answer.
    """

    def __init__(self, status: HTTPStatus, message: str, hint: str = "") -> None:
        super().__init__(message, hint, code=_CODES[status])
        self.refused_with = status


@web.stream_request_body
class ApiHandler(APIHandler):
    """The operations of one path.

    Parameters
    ----------
    context
        What all handlers share.
    routes
        The operations by method.
    """

    auth_resource = AUTH_RESOURCE

    def initialize(self, context: Context, routes: Mapping[str, Route]) -> None:
        """Take what the server gives to each of its handlers."""
        self.context = context
        self.routes = routes
        self.listener: Listener | None = None
        self._chunks: list[bytes] = []
        self._received_bytes = 0
        self._form: Form | None = None
        self._refusal: Exception | None = None
        self._pause: asyncio.TimerHandle | None = None

    @property
    def route(self) -> Route:
        """The operation that is asked for."""
        return self.routes["GET" if self.request.method == "HEAD" else str(self.request.method)]

    def set_default_headers(self) -> None:
        """Set what all answers have."""
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")

    def compute_etag(self) -> str | None:
        """Return nothing: a validator comes from the operation, or there is none."""
        return None

    def check_etag_header(self) -> bool:
        """Tell that the answer is needed: content knows better, and a tool has its versions."""
        return False

    # what is asked

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse what can be refused before its body is read."""
        self._wait_for_body()
        self.request.uri = asked.loggable(str(self.request.uri))
        try:
            await super().prepare()
            if not self._finished and self.request.method != "OPTIONS":
                await self._check()
        except (web.HTTPError, TooInstanceError) as error:
            if self._announced_bytes() > self.context.config.request_max_bytes:
                self.refuse(error)
            else:
                # a connection that is closed on a client that still sends loses the answer
                self._refusal = error

    async def _check(self) -> None:
        """Raise unless the request may be made, and its body be read."""
        method = str(self.request.method)
        if method not in self.routes and not (method == "HEAD" and self._has_content()):
            raise web.HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        user = self.current_user
        if user is None and not self._is_open:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        if user is None:
            self.context.guesses.check(str(self.request.remote_ip))
        elif method not in _READS:
            action = self.authorizer.is_authorized(self, user, "write", self.auth_resource)
            if not await ensure_async(action):
                raise web.HTTPError(HTTPStatus.FORBIDDEN)
            if not self.route.changes_nothing:
                self.context.writes.check(self.context.identities.principal(user).name)
        await self._expect_body()

    async def _expect_body(self) -> None:
        route, config = self.route, self.context.config
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_form = route.takes_files and kind == "multipart/form-data"
        most = config.request_max_bytes
        if is_form:
            most = config.upload_max_bytes + _FORM_SLACK_BYTES
        if self._announced_bytes() > most:
            raise _too_large(most)
        if route.body is None or self._announced_bytes() == 0:
            return
        if is_form:
            from .uploads import Form

            spool = await self.context.spool()
            folder = await self.context.in_thread(spool.new)
            self._form = Form(
                self.request.headers["Content-Type"],
                folder,
                most_bytes=config.upload_max_bytes,
                most_json_bytes=config.request_max_bytes,
            )
        elif kind != "application/json":
            taken = "application/json" + (" or multipart/form-data" if route.takes_files else "")
            raise RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{kind[:100]!r} is not read.", f"Send {taken}."
            )

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        self._wait_for_body()
        if self._finished:
            return
        self._received_bytes += len(chunk)
        try:
            if self._form is not None and self._refusal is None:
                await self.context.in_thread(self._form.feed, chunk)
            elif self._received_bytes > self.context.config.request_max_bytes:
                raise _too_large(self.context.config.request_max_bytes)
            elif self._refusal is None:
                self._chunks.append(chunk)
        except TooInstanceError as error:
            self._chunks.clear()
            self._refusal = error
            left = self._announced_bytes() - self._received_bytes
            if not 0 <= left <= self.context.config.request_max_bytes:
                self.refuse(error)

    def _announced_bytes(self) -> int:
        """Return the size of the body, or -1 where only its end will tell."""
        headers = self.request.headers
        if "Transfer-Encoding" in headers:
            return -1
        told = headers.get("Content-Length", "0")
        return int(told) if told.isascii() and told.isdigit() else 0

    def _wait_for_body(self) -> None:
        """Hang up on a client that sends nothing for too long."""
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(_BODY_PAUSE_S, self._hang_up)

    def _hang_up(self) -> None:
        if not self._finished:
            self.refuse(
                RefusedError(HTTPStatus.REQUEST_TIMEOUT, "The body of the request did not arrive.")
            )

    async def _body(self) -> Any:
        route = self.route
        if self._form is not None:
            self.context.metrics.uploaded(self._received_bytes)
            return await self.context.in_thread(self._form.result)
        text = b"".join(self._chunks)
        self._chunks.clear()
        if route.body is None or (not text and route.body_is_optional):
            return None
        read = await self.context.in_thread(_read_json, route.body, text)
        return Sent(request=read) if route.takes_files else read

    # how it is answered

    async def answer(self, **path: str) -> None:
        """Do what is asked, and answer."""
        if self._pause is not None:
            self._pause.cancel()
        try:
            if self._refusal is not None:
                raise self._refusal
            await self._answer(path)
        except (web.HTTPError, TooInstanceError) as error:
            if self._headers_written:
                self.log.info("answer cannot be ended path=%s: %s", self.request.uri, error)
                self.break_off()
            else:
                self.refuse(error)
        except GoneError:
            self.break_off()
        except BrokenError:
            self.log.info("answer cannot be ended path=%s", self.request.uri)
            self.break_off()
        except Exception:
            if not self._headers_written:
                raise
            # tornado would end what was begun as if it were whole
            self.log.exception("answer cannot be ended path=%s", self.request.uri)
            self.break_off()

    async def _answer(self, path: Mapping[str, str]) -> None:
        route = self.route
        query = await self.context.in_thread(asked.query, route.query, self.request.query_arguments)
        if route.kind is Kind.DOCUMENT:
            from .openapi import document

            self.finish(await self.context.in_thread(document, self.base_url))
            return
        body = await self._body()
        try:
            installation = await self.context.opening.installation()
        except TooInstanceError as error:
            if route.answers is not Health:
                raise
            health = Health(status="degraded", database=error.message)
            self.finish(to_json(Health, health))
            return
        call = self._call(installation, path, query, body)
        if follow := _FOLLOW.get(route.kind):
            await self._follow(follow, call)
            return
        if route.call is None:
            raise web.HTTPError(HTTPStatus.NOT_FOUND)
        done = await self.context.in_thread(_done, route, call, is_slow=route.is_slow)
        if isinstance(done, Content):
            is_head = self.request.method == "HEAD"
            await send_content(self, self.context, done, is_head=is_head)
            self.finish(set_content_type=done.media_type)
        elif isinstance(done, Archive):
            await send_archive(self, self.context, done)
            self.finish(set_content_type=done.media_type)
        else:
            text, etag = done
            self.set_status(route.status)
            if etag:
                self.set_header("Etag", etag)
            self.finish(text)

    def _call(
        self, installation: Installation, path: Mapping[str, str], query: Any, body: Any
    ) -> Call:
        identities = self.context.identities
        user = self.current_user
        principal = None if user is None else identities.principal(user)
        if principal is not None:
            self.context.meet(installation, principal, user)
        if_match = self.request.headers.get("If-Match", "")
        return Call(
            installation=installation,
            principal=principal,
            is_personal=identities.is_personal,
            takes_local_sources=identities.takes_local_sources,
            path=path,
            query=query,
            body=body,
            if_match=tuple(one.strip() for one in if_match.split(",") if one.strip()),
        )

    async def _follow(self, follow: Callable[..., Awaitable[Any]], call: Call) -> None:
        with ExitStack() as held:
            held.enter_context(self.context.seats.taken(call.client.principal.name))
            held.enter_context(self.context.metrics.stream())
            await follow(self, self.context, call, held)
        self.finish(set_content_type="text/event-stream")

    def refuse(self, error: Exception) -> None:
        """Answer with an error."""
        if self._finished:
            return
        status = _status_of(error)
        self.send_error(int(status), exc_info=(type(error), error, error.__traceback__))

    def break_off(self) -> None:
        """Close the connection in the middle of an answer, so that nobody takes it for whole."""
        close = getattr(self.request.connection, "close", None)
        if close is not None:
            close()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an error as JSON."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        status = HTTPStatus(status_code)
        message, hint, code = status.phrase + ".", "", _CODES.get(status, "internal")
        if isinstance(error, TooInstanceError):
            message, hint, code = error.message, error.hint, error.error_code
        elif status is HTTPStatus.FORBIDDEN and self.current_user is None:
            message, code = "The server does not know you.", "unauthenticated"
            hint = "Send its token in the header Authorization."
        elif isinstance(error, web.HTTPError) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            message = (error.log_message or status.phrase).partition("\n")[0]
        if isinstance(error, TooManyError):
            self.set_header("Retry-After", str(error.retry_after_s))
        if isinstance(error, RangeError):
            self.set_header("Content-Range", f"bytes */{error.size_bytes}")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            methods = [*self.routes, "OPTIONS", *(["HEAD"] if self._has_content() else [])]
            self.set_header("Allow", ", ".join(sorted(methods)))
        self.finish(json.dumps({"error": {"code": code, "message": message, "hint": hint}}))

    def on_finish(self) -> None:
        """Let go of what belongs to the request."""
        self._let_go()

    def on_connection_close(self) -> None:
        """Stop what is done for somebody who is gone."""
        super().on_connection_close()
        if self.listener is not None:
            self.listener.end()
        self._let_go()

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Return a part of the path as text; names of files may be none."""
        return value.decode("utf-8", "surrogateescape")

    def _let_go(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._form is not None:
            self.context.begin_in_thread(self._form.close)
            self._form = None

    def _has_content(self) -> bool:
        return "GET" in self.routes and self.routes["GET"].kind is Kind.CONTENT

    _is_open = False

    @web.authenticated
    @authorized
    async def get(self, **path: str) -> None:
        """Answer."""
        await self.answer(**path)

    @web.authenticated
    @authorized
    async def head(self, **path: str) -> None:
        """Answer with the headers."""
        await self.answer(**path)

    @web.authenticated
    @authorized
    async def post(self, **path: str) -> None:
        """Answer."""
        await self.answer(**path)

    @web.authenticated
    @authorized
    async def patch(self, **path: str) -> None:
        """Answer."""
        await self.answer(**path)

    @web.authenticated
    @authorized
    async def delete(self, **path: str) -> None:
        """Answer."""
        await self.answer(**path)

    @web.authenticated
    @authorized
    async def put(self, **path: str) -> None:
        """Answer that there is no such operation."""
        await self.answer(**path)


@web.stream_request_body
class OpenHandler(ApiHandler):
    """The operations of a path for which a link's token is enough."""

    _is_open = True

    @allow_unauthenticated
    async def get(self, **path: str) -> None:
        """Answer."""
        await self.answer(**path)

    @allow_unauthenticated
    async def head(self, **path: str) -> None:
        """Answer with the headers."""
        await self.answer(**path)


@web.stream_request_body
class NothingHandler(ApiHandler):
    """What is beneath the API and no path of it."""

    async def _check(self) -> None:
        if self.current_user is None:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        raise web.HTTPError(HTTPStatus.NOT_FOUND)


def _done(route: Route, call: Call) -> Content | Archive | tuple[bytes | None, str]:
    """Return what an operation answers, with its validator."""
    _check_path(call.path)
    assert route.call is not None  # noqa: S101
    done: Any = route.call(call)
    if isinstance(done, Content | Archive):
        return done
    etag = ""
    if isinstance(done, Tagged):
        done, etag = done.value, done.etag
    return None if route.answers is None else to_json(route.answers, done), etag


def _check_path(path: Mapping[str, str]) -> None:
    """Raise for what no name can be, lest it reaches the store."""
    for name, value in path.items():
        if name != "path" and not value.isprintable():
            raise web.HTTPError(HTTPStatus.NOT_FOUND)


def _read_json(kind: Any, text: bytes) -> Any:
    return from_json(kind, text, strict=True)


def _too_large(most: int) -> TooInstanceError:
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {most:,} bytes."
    )


def _status_of(error: Exception) -> HTTPStatus:
    if isinstance(error, RefusedError):
        return error.refused_with
    if isinstance(error, TooInstanceError):
        return error.status
    return HTTPStatus(error.status_code) if isinstance(error, web.HTTPError) else HTTPStatus(500)
