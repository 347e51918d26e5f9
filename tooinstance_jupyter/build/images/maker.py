"""Makes environments that are images: recipe, build, check, and what the image says can be run.

An image is complete once it has its final tag, which it gets after its check; whatever has another
is half-made and replaced by the next build that comes to it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from ...config import TooInstance
from ...containers import daemon
from ...containers.base_image import in_registry
from ...containers.confinement import INSTALLATION, KIND, WORK
from ...errors import BuildError
from ...home import home_id
from ...records import Candidate, Environment, Interface, VersionStatus
from ...registry import load, names
from .. import check, detect, interfaces
from ..base import Checkout, Report
from ..maker import Order, Outcome, digest_of, environment_id
from ..work import Work, held
from . import building, commands, context, foreign, pushing
from .base import ImageBuildpack, Recipe
from .contents import ImageConfig, config_of, opened
from .r2d import Specification
from .trial import Trial

if TYPE_CHECKING:
    from pathlib import Path

    from docker import APIClient

ENGINE = "docker"
ENVIRONMENT = "org.tooinstance.environment"
SOURCE = "org.tooinstance.source"
COMMIT = "org.tooinstance.commit"
RECIPE = "org.tooinstance.recipe"
_HELPS_S = 10.0  # a container has to start for each


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An image with what it starts: `workdir` where it must start elsewhere than in /work."""

    image: ImageConfig
    commands: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()
    workdir: str = ""


class ImageMaker:
    """Makes images on the engine of this machine. See `build.maker.Maker`."""

    kind: ClassVar[str] = "image"

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._installation = home_id(config)
        self.finders: list[ImageBuildpack] = [
            load("image_buildpacks", name)(config) for name in names("image_buildpacks")
        ]

    def begin(self, report: Report, folder: Path) -> Work:
        """Return what a build works with. See `Maker.begin`."""
        return Work(self._config, report, folder)

    def make(self, checkout: Checkout, candidate: Candidate, work: Work, order: Order) -> Outcome:
        """Make the image of a candidate, or find it made. See `Maker.make`."""
        buildpack = next(b for b in self.finders if b.runtime == candidate.runtime)
        recipe = buildpack.recipe(checkout, candidate)
        with daemon.connected() as client:
            return _Making(
                client, self._config, self._installation, checkout, candidate, recipe, work, order
            ).outcome()


class _Making:
    """One image on its way."""

    def __init__(
        self,
        client: APIClient,
        config: TooInstance,
        installation: str,
        checkout: Checkout,
        candidate: Candidate,
        recipe: Recipe,
        work: Work,
        order: Order,
    ) -> None:
        self._client = client
        self._config = config
        self._installation = installation
        self._checkout = checkout
        self._candidate = candidate
        self._work = work
        self._order = order
        self._notes: tuple[str, ...] = ()
        # a Dockerfile of ours takes no arguments but its own
        given = order.build_arguments if recipe.is_foreign or recipe.is_stock else {}
        if order.build_arguments and not given:
            self._notes = ("Build arguments are for a Dockerfile of its own, and were not used",)
        self._recipe = dataclasses.replace(
            recipe, build_arguments={**recipe.build_arguments, **given}
        )
        self._recipe_hash = digest_of(_identity(self._recipe))
        self._id = environment_id(
            checkout,
            engine=ENGINE,
            platform=config.build_platform or daemon.describe(client).platform,
            recipe={"recipe": self._recipe_hash},
        )
        # installations that share an engine do not share images: each clears up its own
        self._repository = f"{foreign.PREFIX}{self._id}"
        self._name = f"{self._repository}:{installation[:12]}"

    def outcome(self) -> Outcome:
        """Make the image, or find it made, and say what it starts."""
        with held(self._config.environments_path / self._id, self._work):
            found = None if self._order.force else self._complete()
            if found is not None:
                self._work.log("Already built from the same commit in the same way\n")
                self._work.total = self._work.done + 1
                made, name, interface = self._tried(found)
            else:
                made, name, interface = self._built()
            location = self._location(made.image)
        environment = Environment(
            id=self._id,
            engine=ENGINE,
            location=location,
            commit=self._checkout.commit,
            recipe_hash=self._recipe_hash,
            workdir=made.workdir,
            size_bytes=made.image.size_bytes,
        )
        runtime = self._candidate.runtime
        return Outcome(
            environment=environment,
            candidate=dataclasses.replace(self._candidate, entry_point=name),
            command=made.commands[name],
            candidates=tuple(
                Candidate(runtime=runtime, entry_point=command, reason="installed with it")
                for command in made.commands
            ),
            notes=(*self._notes, *made.notes),
            commit=self._checkout.commit,
            interface=interface,
        )

    def _complete(self) -> ImageConfig | None:
        """Return the image that an earlier build left, also one that ended before it was recorded.

        A tag alone proves nothing, since anybody who may use the engine can set it.
        """
        image = config_of(self._client, self._name)
        if image is None or image.labels.get(INSTALLATION) != self._installation:
            return None
        return image if image.labels.get(ENVIRONMENT) == self._id else None

    def _built(self) -> tuple[_Made, str, Interface | None]:
        half = f"{self._name}-new"
        before = config_of(self._client, self._name)
        self._remove(half)
        try:
            self._build(half)
            image = config_of(self._client, half)
            if image is None:
                raise BuildError(
                    "The image was built, and the engine does not have it.",
                    "A builder of its own (`docker buildx ls`) must load what it builds.",
                )
            tried = self._tried(image)
            self._client.tag(image.id, self._repository, self._name.rpartition(":")[2])
        finally:
            self._remove(half)
        if before is not None and before.id != image.id:
            self._remove(before.id)
        return tried

    def _build(self, tag: str) -> None:
        building.require_builder()
        recipe, work = self._recipe, self._work
        if recipe.is_foreign:
            examined = foreign.examine(
                recipe.dockerfile,
                recipe.build_arguments,
                is_ours=self._is_ours,
                in_registry=partial(in_registry, self._config),
            )
            self._notes = (*self._notes, *examined.notes)
            recipe = dataclasses.replace(recipe, dockerfile=examined.text)
        folder = work.new_folder("image")
        dockerfile = context.lay_out(self._checkout.folder, recipe, folder)
        options, arguments = building.options(
            self._config,
            recipe,
            folder,
            owner=f"{self._installation}\0{self._order.owner}",
            source=str(self._checkout.source),
            force=self._order.force,
        )
        building.build(
            work,
            self._client,
            Specification(
                context=str(self._checkout.folder),
                dockerfile="" if recipe.is_stock else str(dockerfile),
                tag=tag,
                labels={
                    INSTALLATION: self._installation,
                    KIND: "environment",
                    ENVIRONMENT: self._id,
                    SOURCE: str(self._checkout.source),
                    COMMIT: self._checkout.commit,
                    RECIPE: self._recipe_hash,
                },
                build_arguments={**arguments, **recipe.build_arguments},
                platform=self._config.build_platform,
                base_image=self._stock_base() if recipe.is_stock else "",
                options=options,
            ),
            recipe,
            has_folder_kind=self._candidate.runtime in names("buildpacks"),
        )

    def _stock_base(self) -> str:
        image = self._config.base_images.get("binder", "")
        return in_registry(self._config, image) if image else ""

    def _is_ours(self, name: str) -> bool:
        image = config_of(self._client, name)
        return image is not None and INSTALLATION in image.labels

    def _tried(self, image: ImageConfig) -> tuple[_Made, str, Interface | None]:
        """Return an image with its commands, the one that is meant, and what that can be given."""
        made = self._read(image)
        name = detect.pick(made.commands, self._wanted(made), self._checkout.name)
        self._work.step(f"Checking that {name} starts", status=VersionStatus.CHECKING)
        trial = Trial(
            self._client,
            self._config,
            image,
            installation=self._installation,
            key=self._id,
            folder=self._work.new_folder("check"),
            tick=self._work.stop_if_cancelled,
        )
        argv = made.commands[name]
        timeout_s = self._config.check_timeout_s

        def checked(directory: str) -> Interface | None:
            start = partial(trial.start, directory=directory)
            help_text = check.check(argv, start, timeout_s=timeout_s)
            return interfaces.learn(argv, help_text, start, budget_s=_HELPS_S)

        try:
            return made, name, checked(WORK)
        except BuildError as error:
            if error.error_code != "check_failed" or image.workdir in ("", "/", WORK):
                raise
            with contextlib.suppress(BuildError):
                interface = checked(image.workdir)
                note = f"It starts in {image.workdir} of the image, not in the working directory"
                return (
                    dataclasses.replace(made, workdir=image.workdir, notes=(*made.notes, note)),
                    name,
                    interface,
                )
            raise

    def _wanted(self, made: _Made) -> str:
        """Return the entry point that was asked for or found; an image's own has a name of its."""
        wanted = self._candidate.entry_point
        return "" if self._recipe.is_foreign and wanted not in made.commands else wanted

    def _read(self, image: ImageConfig) -> _Made:
        """Read from an image what can be run in it."""
        found = dict(self._recipe.commands)
        notes: tuple[str, ...] = ()
        if found and not self._recipe.commands_at and not self._recipe.is_foreign:
            return _Made(image=image, commands=found)
        with opened(self._client, image.id, self._installation) as contents:
            if self._recipe.commands_at:
                for line in contents.read(self._recipe.commands_at).splitlines():
                    name, tab, path = line.partition("\t")
                    if tab:
                        found[name] = (path,)
            elif found:
                # as a user wrote it, who may have meant a file of the image's own directory
                found = {
                    name: commands.absolute(argv, workdir=image.workdir, exists=contents.exists)
                    for name, argv in found.items()
                }
            else:
                start = commands.start_of(
                    image.entrypoint,
                    image.command,
                    workdir=image.workdir,
                    exists=contents.exists,
                )
                found[start.name] = start.argv
                notes = (start.note,) if start.note else ()
        return _Made(image=image, commands=found, notes=notes)

    def _location(self, image: ImageConfig) -> str:
        """Return where an engine finds the image: its id, or its name in the registry."""
        if not self._config.registry:
            return image.id
        self._work.say(VersionStatus.CHECKING, f"Pushing to {self._config.registry}")
        return pushing.push(
            self._client, image.id, f"{self._config.registry.rstrip('/')}/{self._id}", self._work
        )

    def _remove(self, name: str) -> None:
        import docker.errors

        # what still runs in it keeps it; garbage collection comes back for it
        with contextlib.suppress(docker.errors.APIError):
            self._client.remove_image(name)


def _identity(recipe: Recipe) -> dict[str, str]:
    """Return what decides what a recipe makes, as names and values."""
    parts: Sequence[tuple[str, object]] = (
        ("dockerfile", recipe.dockerfile),
        ("files", dict(recipe.files)),
        ("ignored", list(recipe.ignored)),
        ("build_arguments", dict(recipe.build_arguments)),
        ("commands", {name: list(argv) for name, argv in recipe.commands.items()}),
        ("commands_at", recipe.commands_at),
        ("is_foreign", recipe.is_foreign),
        ("is_stock", recipe.is_stock),
    )
    return {name: json.dumps(value, sort_keys=True) for name, value in parts}
