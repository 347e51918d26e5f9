"""Java programs as images: the runnable jar that Maven or Gradle makes, and a Java to run it."""

from __future__ import annotations

from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import ADDED, COMMANDS, TOOL, added, inside, run

_MAVEN = "pom.xml"
# what checks, documents or signs a program takes no part in it
_NO_CHECKS = (
    "-DskipTests -Dmaven.javadoc.skip -Dcheckstyle.skip -Drat.skip -Dlicense.skip -Dgpg.skip "
    "-Dspotless.check.skip"
)
_GRADLE = ("build.gradle", "build.gradle.kts")


class JavaBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "java"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the one way to build it; which jars can be run shows when they are made."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        there = [name for name in (_MAVEN, *_GRADLE) if files.text(checkout.folder / name)]
        return [
            Candidate(runtime=self.runtime, entry_point="", reason=name, rank=74)
            for name in there[:1]
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the jar is made and run."""
        is_maven = bool(files.text(checkout.folder / _MAVEN))
        if is_maven:
            tools, there = ["maven", "default-jdk-headless"], "command -v mvn"
            build = f"mvn --batch-mode --quiet {_NO_CHECKS} package"
        else:
            tools, there = ["gradle", "default-jdk-headless"], "command -v gradle"
            # the source's own wrapper knows which Gradle it is written for
            build = "{ [ -e gradlew ] && sh ./gradlew --no-daemon assemble; } || "
            build += "gradle --no-daemon assemble"
        get = "mvn --batch-mode --quiet dependency:go-offline || :"
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "build"),
                *dockerfile.install(tools, title="Getting what builds Java", unless=there),
                *([dockerfile.copy(_MAVEN, f"/source/{_MAVEN}")] if is_maven else []),
                run("Downloading what it needs", "cd /source", get) if is_maven else [],
                dockerfile.copy(".", "/source"),
                run(f"Compiling {checkout.name}", "cd /source", "rm -rf .tooinstance", build),
                run(
                    "Finding the jars that can be run",
                    f"cd /source && sh {ADDED}/jars.sh {TOOL}",
                    mounts=[added("jars.sh")],
                ),
                dockerfile.from_(dockerfile.base(self._config, "debian")),
                *dockerfile.install(["default-jre-headless"], title="Getting Java"),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.copy(TOOL, TOOL, stage="build"),
                *dockerfile.end(path=f"{TOOL}/bin"),
            ),
            files={"jars.sh": inside("jars.sh")},
            commands_at=COMMANDS,
        )
