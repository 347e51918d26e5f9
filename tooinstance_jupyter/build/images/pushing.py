"""Puts an image into a registry, and says by which digest it is found there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import BuildError
from ..work import Work

if TYPE_CHECKING:
    from docker import APIClient

_TAG = "built"


def push(client: APIClient, image: str, repository: str, work: Work) -> str:
    """Push an image and return its name with the digest; the logins of the Docker CLI are used.

    Raises
    ------
    BuildError
        ``push_failed``, if the registry does not take it.
    """
    # the tag stays: with it the engine knows the image by the digest, and does not pull it back
    client.tag(image, repository, _TAG)
    digest = ""
    for event in client.push(repository, _TAG, stream=True, decode=True):
        work.stop_if_cancelled()
        if problem := event.get("error"):
            raise BuildError(
                f"The image cannot be pushed to {repository}: {problem}",
                "`docker login` where that registry wants one; TooInstance.registry names it.",
                code="push_failed",
            )
        digest = (event.get("aux") or {}).get("Digest") or digest
    if not digest:
        raise BuildError(
            f"The registry said no digest of {repository}.", "Build again.", code="push_failed"
        )
    return f"{repository}@{digest}"
