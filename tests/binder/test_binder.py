"""The repository as Binder opens it: what repo2docker makes of it, and that it works so confined.

No image of repo2docker's can be pulled for a test, so that the same steps are taken from Debian,
with its Python in the place of conda's. Everything else is as there: the user, the order of the
steps, and no privilege, no container engine and no bubblewrap at the end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import BuildPack, PythonBuildPack
from traitlets.config.loader import PyFileConfigLoader

from tests.repository import ROOT, copy_of_repository
from tooinstance_jupyter.config import TooInstance, load
from tooinstance_jupyter.terminal import to_text

SETTINGS = ROOT / "binder" / "jupyter_tooinstance_config.py"
NOTEBOOK = "examples/quickstart.ipynb"
IMAGE = "tooinstance-test/binder"
RUN = "application/vnd.tooinstance.run.v1+json"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NAMES_OF_CERTIFICATES = (
    *("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
)
BUILD_TIMEOUT_S = 480
# the order and the directives of repo2docker's own Dockerfile
DOCKERFILE = """
FROM {base}
RUN groupadd --gid 1000 jovyan && useradd --create-home --gid 1000 --no-log-init \
    --shell /bin/bash --uid 1000 jovyan
ENV USER=jovyan HOME=/home/jovyan REPO_DIR=/home/jovyan
ENV NB_PYTHON_PREFIX=/srv/conda/envs/notebook
ENV PATH=$HOME/.local/bin:$NB_PYTHON_PREFIX/bin:$PATH
RUN install -d -o jovyan -g jovyan $NB_PYTHON_PREFIX
WORKDIR $REPO_DIR
USER jovyan
RUN python3 -m venv $NB_PYTHON_PREFIX
COPY --chown=1000:1000 binder/requirements.txt binder/requirements.txt
RUN {secrets} $NB_PYTHON_PREFIX/bin/pip install --no-cache-dir -r binder/requirements.txt
COPY --chown=1000:1000 . $REPO_DIR/
RUN chmod +x binder/postBuild
RUN {downloads} {secrets} ./binder/postBuild
"""
# what another test has downloaded is not downloaded again; nothing of it is in the image
DOWNLOADS = "--mount=type=cache,target=/var/cache/downloads,id=tooinstance-test,uid=1000,gid=1000"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a clone of the repository has."""
    return copy_of_repository(tmp_path / "repository")


def chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> BuildPack:
    """Return the buildpack that repo2docker takes, found as it finds it."""
    monkeypatch.chdir(folder)
    app = Repo2Docker()
    found = (kind(base_image=app.base_image) for kind in app.buildpacks)
    buildpack = next(buildpack for buildpack in found if buildpack.detect())
    buildpack.platform = app.platform
    return buildpack


def test_repo2docker_builds_by_what_is_in_binder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buildpack = chosen(repository, monkeypatch)

    assert type(buildpack) is PythonBuildPack
    assert buildpack.binder_dir == "binder"
    assert buildpack.python_version == "3.12"
    steps = buildpack.render().splitlines()
    asked = next(n for n, line in enumerate(steps) if '-r "binder/requirements.txt"' in line)
    copied = next(n for n, line in enumerate(steps) if line.endswith("src/ ${REPO_DIR}/"))
    built = steps.index("RUN ./binder/postBuild")
    # a change of the package leaves the layer of what it needs as it is
    assert asked < copied < built
    users = [line for line in steps[:built] if line.startswith("USER")]
    assert users[-1] == "USER ${NB_USER}", "postBuild is run by root"


def test_every_setting_for_binder_is_one_and_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = PyFileConfigLoader(SETTINGS.name, path=str(SETTINGS.parent)).load_config()
    assert set(told) == {"TooInstance"}
    assert set(told.TooInstance) <= set(TooInstance.class_trait_names(config=True))

    shutil.copy(SETTINGS, tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    settings = load()

    assert settings.engine == "process"
    assert {name: getattr(settings, name) for name in told.TooInstance} == dict(told.TooInstance)


@pytest.fixture(scope="module")
def image(
    base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """Return a function that runs a command in the image, as Binder confines a session."""
    folder = tmp_path_factory.mktemp("binder")
    repository = copy_of_repository(folder / "repository")
    dockerfile = folder / "Dockerfile"
    trusted = NAMES_OF_CERTIFICATES if CERTIFICATES.is_file() else ()
    settings = folder / "settings"
    settings.write_text(
        "export PIP_CACHE_DIR=/var/cache/downloads/pip NPM_CONFIG_CACHE=/var/cache/downloads/npm\n"
        + "".join(f"export {name}=/run/secrets/ca\n" for name in trusted)
    )
    mounts = "--mount=type=secret,id=settings,mode=0444 --mount=type=secret,id=ca,mode=0444"
    dockerfile.write_text(
        DOCKERFILE.format(
            base=base_image, downloads=DOWNLOADS, secrets=f"{mounts} . /run/secrets/settings;"
        )
    )
    done = subprocess.run(
        [
            *("docker", "buildx", "build", "--progress", "plain", "--load", "--tag", IMAGE),
            *("--secret", f"id=settings,src={settings}"),
            *(("--secret", f"id=ca,src={CERTIFICATES}") if trusted else ()),
            *("--file", str(dockerfile), str(repository)),
        ],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]

    def run(*argv: str) -> str:
        ran = subprocess.run(
            [
                *("docker", "run", "--rm", "--cap-drop", "ALL"),
                *("--security-opt", "no-new-privileges", "--memory", "2g"),
                *(("--volume", f"{CERTIFICATES}:/ca.crt:ro") if trusted else ()),
                *(word for name in trusted for word in ("--env", f"{name}=/ca.crt")),
                *(IMAGE, *argv),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"{argv}: {ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
        return to_text(ran.stdout)

    yield run
    subprocess.run(["docker", "image", "rm", "--force", IMAGE], capture_output=True, check=True)


@pytest.mark.slow
@pytest.mark.registry
def test_the_session_has_no_privileges(image: Callable[..., str]) -> None:
    told = image("sh", "-c", "id -u; cat /proc/self/status").splitlines()

    assert told[0] == "1000"
    status = dict(line.split(":", 1) for line in told[1:])
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    absent = "for name in bwrap docker podman sudo; do command -v $name && exit 1; done; "
    image("sh", "-c", absent + "test ! -e /var/run/docker.sock")


@pytest.mark.slow
@pytest.mark.registry
def test_the_server_and_the_front_end_are_switched_on(image: Callable[..., str]) -> None:
    assert "tooinstance_jupyter enabled" in " ".join(
        image("sh", "-c", "jupyter server extension list 2>&1").split()
    )
    listed = image("sh", "-c", "jupyter labextension list 2>&1")
    [ours] = [line for line in listed.splitlines() if "tooinstance-jupyter" in line]
    assert "enabled" in ours
    assert "OK" in ours
    assert image("sh", "-c", "ls labextension").find("node_modules") < 0


@pytest.mark.slow
@pytest.mark.registry
def test_the_quickstart_runs_from_top_to_bottom(image: Callable[..., str]) -> None:
    executed = image(
        *("jupyter", "nbconvert", "--to", "notebook", "--execute", "--stdout"),
        *("--ExecutePreprocessor.timeout=240", NOTEBOOK),
    )

    notebook = nbformat.reads(executed, as_version=4)
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert all(cell.execution_count for cell in code(notebook)), "a cell was not run"
    assert [output for output in outputs if output.output_type == "error"] == []
    runs = [output.data[RUN] for output in outputs if RUN in output.get("data", {})]
    assert runs, "nothing was run"
    assert {run["engine"] for run in runs} == {"process"}
    assert {run["isolation"] for run in runs} == {"none"}
    assert {run["status"] for run in runs} == {"succeeded"}


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
