"""One server over HTTP: requests, streams of events that outlive a connection, errors as raised.

What is asked for is left to ``http``.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from httpx_sse import EventSource, ServerSentEvent

from .. import errors
from ..errors import ConflictError, ForbiddenError, InvalidValueError, ServerGoneError
from ..wire import to_json

if TYPE_CHECKING:
    from ..errors import TooInstanceError
    from .discovery import Server

PATIENCE_S = 15.0
"""Seconds in which a server that went away may come back before its listeners give up."""

_PAUSE_S = 0.25
_SETTLED_S = 5.0
# three of the server's signs of life
_STREAM_TIMEOUT = httpx.Timeout(connect=5.0, read=45.0, write=30.0, pool=30.0)
# a first run may have to fetch an image, and a cancelled one takes its time to end
_TIMEOUT = httpx.Timeout(connect=5.0, read=600.0, write=120.0, pool=30.0)
# a server that has just begun opens its database first
_CHECK_TIMEOUT = httpx.Timeout(connect=2.0, read=10.0, write=3.0, pool=3.0)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


@dataclass(slots=True)
class Position:
    """How far a listener has come in a stream of events; the listener moves it on.

    Parameters
    ----------
    last_id
        The place to go on from; empty for the stream's own beginning.
    is_over
        Whether all has been said, so that the server may end the stream.
    """

    last_id: str = ""
    is_over: bool = False


class Connection:
    """A pool of connections to one server, for any number of threads.

    Parameters
    ----------
    server
        The server.
    ca_bundle
        A file of certificate authorities to trust; the usual ones by default.
    """

    def __init__(self, server: Server, *, ca_bundle: str = "") -> None:
        self.server = server
        parts = urlsplit(server.url)
        is_near = bool(server.socket) or parts.hostname in _LOOPBACK
        headers = {"Accept-Encoding": "identity"}
        cookies = {}
        if server.token:
            headers["Authorization"] = f"token {server.token}"
        else:
            # a server without a token guards against other sites' forms: say the same word twice
            cookies["_xsrf"] = headers["X-XSRFToken"] = secrets.token_hex(16)
        self._http = httpx.Client(
            base_url=server.url + "tooinstance/api/",
            headers=headers,
            cookies=cookies,
            timeout=_TIMEOUT,
            verify=_verification(parts.scheme, ca_bundle),
            transport=httpx.HTTPTransport(uds=server.socket) if server.socket else None,
            # what is on this machine is no matter of a proxy, which would learn the token
            trust_env=not is_near,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        quickly: bool = False,
    ) -> httpx.Response:
        """Return the answer to a request, with its content.

        Raises
        ------
        TooInstanceError
            What the server raised, or `ServerGoneError`.
        """
        with self._failures_in_words(method):
            answer = self._http.request(
                method,
                path + _query(query),
                content=content,
                headers=_typed(content, headers),
                timeout=_CHECK_TIMEOUT if quickly else _TIMEOUT,
            )
        self._check(answer)
        return answer

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Yield the answer to a request whose content is read bit by bit."""
        with (
            self._failures_in_words("GET"),
            self._http.stream("GET", path, headers=dict(headers)) as answer,
        ):
            self._check(answer)
            yield answer

    def events(
        self,
        path: str,
        position: Position,
        *,
        until: float | None = None,
        goes_on: str = "",
    ) -> Iterator[ServerSentEvent]:
        """Yield a stream's events; a connection that breaks is made again from where it was.

        Parameters
        ----------
        path
            Where the stream is.
        position
            Where to begin, and to go on.
        until
            When to stop, on the monotonic clock.
        goes_on
            What is told to people about that which they no longer see when the server is gone.

        Raises
        ------
        ServerGoneError
            If the server has been away for `PATIENCE_S`.
        """
        away_since: float | None = None
        while until is None or time.monotonic() < until:
            opened, heard = time.monotonic(), False
            reason = "it ends its answers"
            try:
                with self._opened(path, position.last_id, until) as answer:
                    for event in EventSource(answer).iter_sse():
                        heard = True
                        yield event
                if position.is_over:
                    return
            except httpx.TransportError as error:
                reason = _reason(error)
            except (_AwayError, errors.TooManyError) as error:
                if away_since is None and not isinstance(error, _AwayError):
                    raise
                reason = error.message
            now = time.monotonic()
            if heard or away_since is None or now - opened > _SETTLED_S:
                away_since = now
            if now - away_since > PATIENCE_S:
                raise self._gone(reason, goes_on)
            if not heard and (until is None or now < until):
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @contextmanager
    def _opened(self, path: str, last_id: str, until: float | None) -> Iterator[httpx.Response]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        with self._http.stream("GET", path, headers=headers, timeout=_STREAM_TIMEOUT) as answer:
            self._check(answer)
            if until is None:
                yield answer
                return
            timer = threading.Timer(max(until - time.monotonic(), 0), _hang_up, [answer])
            timer.daemon = True
            timer.start()
            try:
                yield answer
            finally:
                timer.cancel()

    @contextmanager
    def _failures_in_words(self, method: str) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            asked = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
            unknown = "Whether it did what was asked is not known; look before you ask again."
            hint = unknown if asked and method not in ("GET", "HEAD") else ""
            raise self._gone(_reason(error), hint) from error

    def _gone(self, reason: str, goes_on: str) -> ServerGoneError:
        hint = goes_on or "`%tooi status` looks for it again."
        return ServerGoneError(
            f"The Jupyter server at {self.server} does not answer: {reason}.", hint
        )

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code < HTTPStatus.MULTIPLE_CHOICES or answer.status_code in (
            HTTPStatus.NOT_MODIFIED,
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        ):
            return
        answer.read()
        raise error_of(answer, str(self.server))


class _AwayError(ServerGoneError):
    """Something in front of the server says that it is away."""


def error_of(answer: httpx.Response, server: str) -> TooInstanceError:
    """Return the error that a server answered with, as the class that it was raised as."""
    status = answer.status_code
    try:
        told = json.loads(answer.content)["error"]
        code, message, hint = (str(told[name]) for name in ("code", "message", "hint"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _error_of_another(status, server)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = answer.headers.get("Retry-After", "")
        seconds = int(wait) if wait.isdecimal() else 10
        return errors.TooManyError(message, hint, code=code, retry_after_s=seconds)
    return _class_of(status, code)(message, hint, code=code)


def error_told(data: str) -> TooInstanceError:
    """Return the error that an event of a stream tells, as the class that it was raised as."""
    told = json.loads(data)
    code = str(told["code"])
    kind = next((kind for kind in _CLASSES if kind.code == code), errors.TooInstanceError)
    return kind(str(told["message"]), str(told["hint"]), code=code)


def _class_of(status: int, code: str) -> type[TooInstanceError]:
    """Return the class with a code, else the most general one with a status."""
    of_status = [kind for kind in _CLASSES if kind.status == status]
    exact = [kind for kind in of_status if kind.code == code]
    if exact or of_status:
        return (exact or of_status)[0]
    if status == HTTPStatus.PRECONDITION_FAILED:
        return ConflictError
    if status == HTTPStatus.UNAUTHORIZED:
        return ForbiddenError
    return InvalidValueError if status < 500 else errors.TooInstanceError


# in the order of the module, in which the general comes before the special
_CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.TooInstanceError)
]


def _error_of_another(status: int, server: str) -> TooInstanceError:
    """Return the error of what is no answer of ours: of Jupyter, of a hub, of a proxy."""
    if status in _AWAY:
        return _AwayError(f"The Jupyter server at {server} is away (HTTP {status}).")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or 300 <= status < 400:
        return ForbiddenError(
            f"The Jupyter server at {server} does not let us in (HTTP {status}).",
            "Set TOOINSTANCE_TOKEN to a token of that server.",
            code="token_refused",
        )
    if status == HTTPStatus.NOT_FOUND:
        return ServerGoneError(
            f"The Jupyter server at {server} does not have this extension.",
            "Install tooinstance-jupyter where the server is, and start it again.",
            code="extension_missing",
        )
    kind = InvalidValueError if status < 500 else errors.TooInstanceError
    return kind(f"The Jupyter server at {server} answered with HTTP {status}.")


def sent(kind: Any, value: object) -> bytes:
    """Return a value of a type as the JSON of a request.

    Raises
    ------
    InvalidValueError
        If a text of it is no Unicode, such as a file name or an argument in another encoding.
    """
    with _unicode_only():
        return json.dumps(json.loads(to_json(kind, value)), ensure_ascii=False).encode()


def segment(text: str) -> str:
    """Return a text as one segment of a path.

    Raises
    ------
    InvalidValueError
        If it is no Unicode.
    """
    with _unicode_only():
        return quote(text, safe="")


def _query(values: Mapping[str, object] | None) -> str:
    given = {name: value for name, value in (values or {}).items() if value is not None}
    with _unicode_only():
        return "?" + urlencode(given) if given else ""


@contextmanager
def _unicode_only() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"{error.object[max(error.start - 20, 0) : error.end]!r} is no Unicode, and cannot "
            "be sent to a server.",
            "Set TOOINSTANCE_SERVER=none to work without one.",
            code="not_unicode",
        ) from error


def _typed(content: object, headers: Mapping[str, str] | None) -> dict[str, str]:
    kind = {"Content-Type": "application/json"} if isinstance(content, bytes) else {}
    return {**kind, **(headers or {})}


def _verification(scheme: str, ca_bundle: str) -> ssl.SSLContext | bool:
    if scheme != "https":
        # it is not used, and one that trusts the usual authorities takes a while to make
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it takes too long"
    return str(error) or type(error).__name__


def _hang_up(answer: httpx.Response) -> None:
    """Wake whoever waits for more of an answer, from another thread."""
    network: Any = answer.extensions["network_stream"]
    with suppress(OSError, AttributeError):
        socket.socket.shutdown(network.get_extra_info("socket"), socket.SHUT_RDWR)
