"""Names the images that others start from: settings, and the mirror that they come through."""

from __future__ import annotations

from ..config import TooInstance


def in_registry(config: TooInstance, image: str) -> str:
    """Return an image's name in the mirror that is set, if its own names no registry."""
    first = image.partition("/")[0]
    names_registry = "/" in image and ("." in first or ":" in first or first == "localhost")
    if not config.registry_mirror or names_registry:
        return image
    official = "" if "/" in image else "library/"
    return f"{config.registry_mirror.rstrip('/')}/{official}{image}"
