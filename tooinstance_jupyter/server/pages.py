"""The page that a link to a run opens for people: static, escaped, without scripts."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from markupsafe import Markup
from tornado import web

from ..errors import NotFoundError, TooInstanceError
from ..records import Principal, Run, stream_cut
from .asked import loggable
from .calls import Call
from .handlers import AUTH_RESOURCE
from .operations import shared_run

if TYPE_CHECKING:
    from .context import Context

_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-downloads; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<style>:root{{color-scheme:light dark}}"
    "body{{margin:2em auto;max-width:60em;padding:0 1em;font-family:system-ui,sans-serif}}"
    "</style></head><body>{body}</body></html>\n"
)
_ITEM = Markup('<li><a href="{href}">{name}</a></li>')


class PageHandler(JupyterHandler):
    """The page, for those who are signed in."""

    auth_resource = AUTH_RESOURCE

    def initialize(self, context: Context) -> None:
        """Take what the server gives to each of its handlers."""
        self.context = context

    def set_default_headers(self) -> None:
        """Set what all answers have."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", _CSP)
        self.set_header("Cache-Control", "no-store")
        # the address is the credential
        self.set_header("Referrer-Policy", "no-referrer")

    async def show(self, token: str) -> None:
        """Answer with the page."""
        if self.current_user is None:
            try:
                self.context.guesses.check(str(self.request.remote_ip))
            except TooInstanceError as error:
                self._finish("Not now", _sentence(error), status=error.status)
                return
        try:
            call = Call(
                installation=await self.context.opening.installation(),
                principal=None,
                is_personal=False,
                takes_local_sources=False,
                path={"token": token},
            )
            api = url_path_join(self.base_url, "tooinstance/api/shared", quote(token, safe=""))
            title, body = await self.context.in_thread(_shown, call, api)
        except TooInstanceError as error:
            name = "Not found" if isinstance(error, NotFoundError) else "Not now"
            self._finish(name, _sentence(error), status=error.status)
            return
        self._finish(title, body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an error as a page."""
        status = HTTPStatus(status_code)
        self._finish(status.phrase, Markup("<p>{}.</p>").format(status.phrase), status=status)

    def _log(self) -> None:
        # not earlier: whoever has to sign in is led back to it
        self.request.uri = loggable(str(self.request.uri))
        super()._log()

    def _finish(self, title: str, body: Markup, *, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(str(_PAGE.format(title=title, body=body)))

    @web.authenticated
    @authorized
    async def get(self, token: str) -> None:
        """Answer with the page."""
        await self.show(token)


class PublicPageHandler(PageHandler):
    """The page, for whoever has the link."""

    @allow_unauthenticated
    async def get(self, token: str) -> None:
        """Answer with the page."""
        await self.show(token)


def _shown(call: Call, api: str) -> tuple[str, Markup]:
    # a display is a lot to import for a server that may never show one
    from ..display import excerpts
    from ..display.runs import render_run

    run = shared_run(call)
    output = excerpts.read(call.client_of(Principal(name=run.owner)), run)
    bundle = render_run(run, output)
    card = Markup(bundle["text/html"])  # noqa: S704 a display escapes what is in it
    return f"Run {run.number}", card if output.problems else card + _links(run, api)


def _links(run: Run, api: str) -> Markup:
    cut = f" ({run.cut})" if run.cut else ""
    names = [(f"All as zip{cut}", "archive?format=zip")]
    for name, size in (("stdout", run.stdout), ("stderr", run.stderr)):
        names.append((stream_cut(name, size) or name, name))
    names += [
        (file.path, "files/" + quote(file.path, safe="/", errors="surrogateescape"))
        for file in run.files
        if file.skipped is None
    ]
    items = Markup().join(
        _ITEM.format(href=f"{api}/{place}", name=name.encode("utf-8", "replace").decode())
        for name, place in names
    )
    return Markup("<h2>Downloads</h2><ul>{}</ul>").format(items)


def _sentence(error: TooInstanceError) -> Markup:
    return Markup("<p>{} {}</p>").format(error.message, error.hint)
