"""Looks into an image without starting anything of it.

A container that is created and never started is what the engine lets one read files from.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...containers.confinement import INSTALLATION, KIND

if TYPE_CHECKING:
    from docker import APIClient

_MOST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What an image says of itself."""

    id: str
    labels: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    workdir: str
    volumes: tuple[str, ...]
    size_bytes: int


def config_of(client: APIClient, name: str) -> ImageConfig | None:
    """Return what an image says of itself, ``None`` if there is none of that name or id."""
    import docker.errors

    try:
        told: Mapping[str, Any] = client.inspect_image(name)
    except (docker.errors.ImageNotFound, docker.errors.NullResource):
        return None
    except docker.errors.APIError as error:
        if error.status_code in (400, 404):  # it is no name of an image
            return None
        raise
    config = told.get("Config") or {}
    return ImageConfig(
        id=told["Id"],
        labels=config.get("Labels") or {},
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        workdir=config.get("WorkingDir") or "/",
        volumes=tuple(config.get("Volumes") or ()),
        size_bytes=int(told.get("Size") or 0),
    )


class Contents:
    """The files of an image."""

    def __init__(self, client: APIClient, container: str) -> None:
        self._client = client
        self._container = container

    def exists(self, path: str) -> bool:
        """Tell whether something has an absolute path."""
        import docker.errors

        try:
            stream, _ = self._client.get_archive(self._container, path)
        except docker.errors.APIError:
            return False
        _close(stream)
        return True

    def read(self, path: str) -> str:
        """Return the text of a file, its first megabytes; nothing if it is no regular file."""
        import docker.errors

        try:
            stream, _ = self._client.get_archive(self._container, path)
        except docker.errors.APIError:
            return ""
        archive = bytearray()
        for chunk in stream:
            archive += chunk
            if len(archive) > _MOST_BYTES:
                break
        _close(stream)
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
                member = opened.next()
                file = None if member is None else opened.extractfile(member)
                return "" if file is None else file.read(_MOST_BYTES).decode("utf-8", "replace")
        except (tarfile.TarError, KeyError, OSError):
            return ""


@contextmanager
def opened(client: APIClient, image: str, installation: str) -> Iterator[Contents]:
    """Give the files of an image for a while."""
    container = client.create_container(
        image,
        # never started; an image may have none of its own, and then one is asked for
        entrypoint=["-"],
        network_disabled=True,
        labels={INSTALLATION: installation, KIND: "look"},
    )["Id"]
    try:
        yield Contents(client, container)
    finally:
        client.remove_container(container, force=True, v=True)


def _close(stream: object) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()
