"""The images that an installation of a test leaves on the Docker engine."""

from __future__ import annotations

import subprocess

from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.home import home_id


def remove_images(settings: TooInstance) -> None:
    """Remove the images that carry an installation's label."""
    label = f"org.tooinstance.installation={home_id(settings)}"
    listed = ["docker", "image", "ls", "-aq", "--filter", f"label={label}"]
    found = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    if found:
        subprocess.run(
            ["docker", "image", "rm", "-f", *set(found)], capture_output=True, check=True
        )
