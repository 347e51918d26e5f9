"""Has repo2docker carry out one build; started as a process of its own, with a specification.

It changes its working directory and logs to one place for the whole process; and a process can be
ended at any moment, with the client of the builder that it started, whose steps then end too.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_BESIDE = ("Picked ", "Using local repo ", "Using DockerfileBuildPack ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What is to be built.

    Parameters
    ----------
    context
        The folder that the builder gets.
    dockerfile
        The path of the Dockerfile; empty to let repo2docker's own buildpacks write one.
    base_image
        Where those start from; empty for their default.
    options
        Further arguments of ``docker buildx build``.
    """

    context: str
    dockerfile: str = ""
    tag: str
    labels: Mapping[str, str] = field(default_factory=dict)
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    base_image: str = ""
    options: Sequence[str] = ()

    def argv(self, path: Path) -> list[str]:
        """Write the specification to a file, and return the command that carries it out."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8", "surrogateescape")
        return [sys.executable, "-P", "-m", __name__, str(path)]


def main(path: str) -> int:
    """Carry out the specification in a file; the builder's output goes to stdout."""
    told = json.loads(Path(path).read_text("utf-8", "surrogateescape"))
    specification = Specification(**told)
    app = _application(specification)
    try:
        app.build()
    except subprocess.CalledProcessError as error:
        return error.returncode or 1  # the builder has said why
    except (RuntimeError, ValueError) as error:
        print(f"ERROR: {error}", flush=True)
        return 1
    return 0


def _application(specification: Specification) -> Any:
    from repo2docker.app import Repo2Docker
    from repo2docker.contentproviders.base import Local

    given: dict[str, Any] = {}
    if specification.dockerfile:
        given["buildpacks"] = [_buildpack(specification)]
    if specification.base_image:
        given["base_image"] = specification.base_image
    if specification.platform:
        given["platform"] = specification.platform
    app = Repo2Docker(
        repo=specification.context,
        content_providers=[Local],
        output_image_spec=specification.tag,
        labels=dict(specification.labels),
        extra_build_args=dict(specification.build_arguments),
        run=True,  # which has the image loaded into the engine; to run it would be another call
        user_id=1000,
        user_name="tool",
        **given,
    )
    app.config.DockerEngine.extra_buildx_build_args = list(specification.options)
    app.log = logging.getLogger("repo2docker")
    app.log.setLevel(logging.INFO)
    handler = logging.StreamHandler(sys.stdout)
    handler.terminator = ""
    # what it says beside that is about folders of this machine
    handler.addFilter(lambda record: not record.getMessage().startswith(_BESIDE))
    app.log.handlers = [handler]
    app.log.propagate = False
    return app


def _buildpack(specification: Specification) -> Any:
    """Return the buildpack whose Dockerfile is there already, and whose context is not copied."""
    from repo2docker.buildpacks.base import BuildPack

    class DockerfileBuildPack(BuildPack):  # type: ignore[misc,unused-ignore]
        def detect(self) -> bool:
            return True

        def render(self, build_args: Mapping[str, str] | None = None) -> str:
            return Path(specification.dockerfile).read_text("utf-8", "surrogateescape")

        def build(
            self,
            client: Any,
            image_spec: str,
            memory_limit: int,
            build_args: Mapping[str, str],
            cache_from: Sequence[str],
            extra_build_kwargs: Mapping[str, Any],
            platform: str | None = None,
        ) -> Iterator[str]:
            yield from client.build(
                path=specification.context,
                dockerfile=specification.dockerfile,
                tag=image_spec,
                buildargs=dict(specification.build_arguments),
                labels=dict(specification.labels),
                cache_from=cache_from,
                platform=specification.platform or None,
                **extra_build_kwargs,
            )

    return DockerfileBuildPack


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
