"""What an operation is called with, and what it may answer beside a record: content, an archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..records import Principal
from ..requests import NewRun
from ..wire import RunRequest

if TYPE_CHECKING:
    from ..client.local import LocalClient
    from ..service.installation import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came with a run: the request, and the files that were put aside for it."""

    request: RunRequest
    inputs: tuple[Path, ...] = ()
    stdin: Path | None = None

    def new_run(self) -> NewRun:
        """Return the run that is asked for."""
        asked = self.request
        text = asked.stdin
        return NewRun(
            tool=asked.tool,
            arguments=asked.arguments,
            inputs=self.inputs,
            stdin=self.stdin or (None if text is None else text.encode()),
            inputs_of=asked.inputs_of,
            variables=asked.variables,
            secrets=asked.secrets,
            timeout_s=asked.timeout_s,
            memory_bytes=asked.memory_bytes,
            network=asked.network,
            engine=asked.engine,
            label=asked.label,
            passes=asked.passes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to an operation, whoever it is from and however it came.

    Parameters
    ----------
    principal
        Who asks; ``None`` for whoever has a link, where that is enough.
    is_personal
        Whether all who may use the server are one user.
    takes_local_sources
        Whether tools may come from folders of this machine.
    path, query, body
        What the route says of them, read.
    if_match
        The states of the thing that the request is meant for; empty for any.
    """

    installation: Installation
    principal: Principal | None
    is_personal: bool
    takes_local_sources: bool
    path: Mapping[str, str] = field(default_factory=dict)
    query: Any = None
    body: Any = None
    if_match: tuple[str, ...] = ()

    @property
    def client(self) -> LocalClient:
        """The client of who asks."""
        return self.client_of(self.principal or Principal(name=""))

    def client_of(self, principal: Principal) -> LocalClient:
        """Return a client of a principal."""
        from ..client.local import LocalClient

        return LocalClient(self.installation.config, principal, installation=self.installation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file to be sent, of which what is there now is sent.

    Parameters
    ----------
    name
        What it is called where it is saved.
    etag
        The strong validator of its content; empty if there is none.
    """

    file: BinaryIO
    size_bytes: int
    name: str
    media_type: str
    etag: str = ""
    is_attachment: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive to be sent as it is packed."""

    chunks: Iterator[bytes]
    name: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """An answer in a state that requests to change it can name."""

    value: object
    etag: str
