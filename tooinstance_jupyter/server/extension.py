"""The extension that Jupyter Server loads: settings, handlers, start and end.

Nothing heavy is imported before the server serves; the installation is opened in a thread.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp

from ..config import TooInstance
from ..records import Change
from .context import Context
from .emitted import Emitter
from .handlers import ApiHandler, NothingHandler, OpenHandler
from .identity import Identities
from .pages import PageHandler, PublicPageHandler
from .routes import ROUTES, Route

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_API = "/tooinstance/api"
_URL_VARIABLE = "TOOINSTANCE_SERVER_URL"


class TooInstanceExtension(ExtensionApp):
    """Git links become command-line tools that run from a notebook, for the users of a server."""

    name = "tooinstance_jupyter"
    classes = [TooInstance]  # noqa: RUF012 as the class above has it
    context: Context

    def _config_file_name_default(self) -> str:
        # the same file as kernels without a server read
        return "jupyter_tooinstance_config"

    def initialize_settings(self) -> None:
        """Read the settings; those of the server win over those of kernels' files."""
        server = self._server()
        config = TooInstance(config=self.config)
        self._emitter = Emitter(server.event_logger)
        self.context = Context(
            config,
            Identities(config, server.identity_provider),
            on_change=self._changed,
            on_busy=self._be_active,
        )

    def initialize_handlers(self) -> None:
        """Add the routes."""
        by_path: dict[str, dict[str, Route]] = defaultdict(dict)
        for route in ROUTES:
            by_path[route.path][route.method] = route
        public = self.context.config.public_links
        for path, routes in by_path.items():
            is_open = public and all(route.by_link for route in routes.values())
            kind = OpenHandler if is_open else ApiHandler
            self._add(_API + _pattern(path), kind, {"routes": routes})
        self._add(_API + "(?:/.*)?", NothingHandler, {"routes": {}})
        page = PublicPageHandler if public else PageHandler
        self._add("/tooinstance/shared/(?P<token>[^/]+)", page, {})

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Tell kernels where the server is, and open the installation."""
        # the token is not for the environment, which is shown and inherited everywhere
        os.environ[_URL_VARIABLE] = serverapp.connection_url
        self._beginning = asyncio.create_task(self.context.begin())

    async def stop_extension(self) -> None:
        """End all that is followed, and close the installation."""
        await self.context.close()

    def _changed(self, change: Change) -> None:
        self._emitter.emit(change)
        self.context.count(change)

    def _be_active(self) -> None:
        # whatever stops idle servers, such as a hub's culler, would stop the runs with it
        self._server().web_app.settings["last_activity_times"][self.name] = datetime.now(UTC)

    def _add(self, pattern: str, handler: type, more: dict[str, Any]) -> None:
        self.handlers.append((pattern, handler, {"context": self.context, **more}))

    def _server(self) -> ServerApp:
        if self.serverapp is None:
            raise RuntimeError("The extension is not linked to a server.")
        return self.serverapp


def _pattern(path: str) -> str:
    """Return what matches a path of the table."""
    return re.sub(
        r"\{(\w+)\}",
        lambda found: f"(?P<{found[1]}>{'.+' if found[1] == 'path' else '[^/]+'})",
        path.replace(".", r"\."),
    )


def main() -> None:
    """Start a server with the extension, or tell its settings with ``--help-all``."""
    TooInstanceExtension.launch_instance()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
