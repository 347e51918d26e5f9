"""Every setting, its default and the reason for it, as traitlets.

Values come from ``%config``, from ``jupyter_tooinstance_config.py`` in Jupyter's config folders, or
from the environment variables named in the help; nothing is set in two places.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_core.paths import jupyter_config_path, jupyter_data_dir
from traitlets import Bool, Dict, Enum, Float, Int, List, Unicode, default
from traitlets.config import Config, Configurable
from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

from .records import Limits

__all__ = ["TooInstance", "load"]

_FILE_STEM = "jupyter_tooinstance_config"


class TooInstance(Configurable):
    """Settings of TooInstance."""

    home = Unicode(
        help="The folder that holds everything: the database, environments, runs and caches. "
        "``tooinstance`` in Jupyter's data folder, unless TOOINSTANCE_HOME says otherwise.",
    ).tag(config=True)

    database_url = Unicode(
        help="SQLAlchemy URL of the database; a SQLite file in `home` by default.",
    ).tag(config=True)

    engine = Unicode(
        help="The engine that builds and runs by default: `auto` (or nothing) takes `docker` where "
        "an engine answers, and else `process`. TOOINSTANCE_ENGINE says otherwise.",
    ).tag(config=True)

    sandbox = Enum(
        ["auto", "bubblewrap", "none"],
        default_value="auto",
        help="How the process engine isolates builds and runs: `auto` takes bubblewrap where it "
        "works and else a plain process with limits; `bubblewrap` refuses to go without.",
    ).tag(config=True)

    network = Bool(True, help="Whether runs may use the network; a run can only give it up.").tag(
        config=True
    )

    run_timeout_s = Float(
        3600.0, help="Seconds that a run may take; a stuck tool ends by itself."
    ).tag(config=True)

    run_memory_bytes = Int(
        2 * 2**30, help="Memory that a run may use (bytes), so that the kernel survives it."
    ).tag(config=True)

    run_cpus = Float(
        2.0, help="Processors that a run may use, where the engine can hold it to that."
    ).tag(config=True)

    run_processes = Int(
        256, help="Processes and threads that a run may have: a fork bomb stops here."
    ).tag(config=True)

    run_log_bytes = Int(
        100 * 2**20,
        help="Bytes of each output stream that are kept of a run; the start is kept. What "
        "`tooi run` passes on is whole all the same.",
    ).tag(config=True)

    run_output_bytes = Int(2**30, help="Bytes that a run may leave in its working directory.").tag(
        config=True
    )

    run_output_files = Int(10_000, help="Files that a run may leave in its working directory.").tag(
        config=True
    )

    run_tmp_bytes = Int(512 * 2**20, help="Size of a run's own /tmp (bytes).").tag(config=True)

    cancel_grace_s = Float(10.0, help="Seconds between asking a tool to stop and killing it.").tag(
        config=True
    )

    build_timeout_s = Float(1800.0, help="Seconds that a build may take.").tag(config=True)

    check_timeout_s = Float(
        20.0, help="Seconds in which a tool's entry point must answer the check of a build."
    ).tag(config=True)

    build_memory_bytes = Int(4 * 2**30, help="Memory of a build (bytes).").tag(config=True)

    build_disk_bytes = Int(10 * 2**30, help="Disk space of a build (bytes).").tag(config=True)

    source_timeout_s = Float(300.0, help="Seconds in which a source must be fetched.").tag(
        config=True
    )

    source_max_bytes = Int(
        2**30, help="Largest source that is fetched (bytes); history does not count, depth is 1."
    ).tag(config=True)

    source_lfs = Bool(False, help="Whether files in Git LFS are fetched; they can be large.").tag(
        config=True
    )

    source_tokens = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Tokens for private repositories by host name, for those without a credential helper "
        "of git. They reach git's environment only.",
    ).tag(config=True)

    pass_environment = List(
        Unicode(),
        [
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "TZ",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "NO_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "GIT_SSL_CAINFO",
        ],
        help="Environment variables of the kernel that builds and runs see; nothing else of it "
        "does, since it may hold secrets.",
    ).tag(config=True)

    build_environment = List(
        Unicode(),
        [
            "UV_INDEX",
            "UV_INDEX_URL",
            "UV_DEFAULT_INDEX",
            "UV_EXTRA_INDEX_URL",
            "UV_INDEX_STRATEGY",
            "UV_FIND_LINKS",
            "UV_HTTP_TIMEOUT",
            "UV_NATIVE_TLS",
            "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL",
            "PIP_FIND_LINKS",
            "PIP_CERT",
            "NPM_CONFIG_REGISTRY",
            "npm_config_registry",
        ],
        help="Names or patterns of environment variables that builds see beside "
        "`pass_environment`: package index settings. A source's own set-up sees them too, so "
        "nothing that publishes belongs here.",
    ).tag(config=True)

    python_downloads = Bool(
        False,
        help="Whether uv may download a Python interpreter when none on the machine fits.",
    ).tag(config=True)

    base_images = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        default_value={
            "binder": "",
            "debian": "debian:stable-slim",
            "go": "golang:1",
            "java": "maven:3-eclipse-temurin-21",
            "julia": "julia:1",
            "node": "node:{version}-slim",
            "python": "python:{version}-slim",
            "r": "r-base:latest",
            "ruby": "ruby:3-slim",
            "rust": "rust:1",
        },
        help="The image that each runtime's images start from; what is not named starts from "
        "`debian`'s. All must be Debian or a derivative. `{version}` becomes the version that a "
        "source asks for. `binder` is for sources that repo2docker builds by its own rules; empty "
        "takes repo2docker's default.",
    ).tag(config=True)

    registry_mirror = Unicode(
        help="Prefix of images that name no registry, such as ``mirror.example.org/docker``: for "
        "those who meet a public registry's pull limits or have no internet.",
    ).tag(config=True)

    ca_bundle = Unicode(
        help="A file of certificate authorities (PEM) that image builds and runs in containers "
        "trust too, for those behind a proxy that has its own. SSL_CERT_FILE by default.",
    ).tag(config=True)

    registry = Unicode(
        help="Where images are pushed to after a build, such as ``registry.example.org/tools``, so "
        "that they run on other machines that share the database; empty for nowhere.",
    ).tag(config=True)

    build_platform = Unicode(
        help="The platform of images, such as ``linux/arm64``; the engine's own by default.",
    ).tag(config=True)

    build_cgroup = Unicode(
        help="A control group, made by the administrator with limits, that the steps of image "
        "builds run in; the engine holds them to nothing but time and disk by itself.",
    ).tag(config=True)

    gpus = Unicode(
        help="GPUs that runs in containers see: `all`, a number, or device ids; none by default.",
    ).tag(config=True)

    blocked_networks = List(
        Unicode(),
        ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"],
        help="Networks that no run in a container reaches: where clouds hand out credentials.",
    ).tag(config=True)

    block_host = Bool(
        True, help="Whether runs in containers are kept from this machine's own addresses."
    ).tag(config=True)

    armed_containers = Int(
        4,
        help="Containers that wait, started ahead, for the next run of tools that were used "
        "lately; 0 starts none ahead.",
    ).tag(config=True)

    armed_age_s = Float(
        900.0, help="Seconds after which a container that was started ahead is given up."
    ).tag(config=True)

    concurrent_runs = Int(
        16, help="Runs of all users that a server has under way at once; 0 sets no limit."
    ).tag(config=True)

    concurrent_runs_per_user = Int(
        4,
        help="Runs of one user that a server has under way at once, so that one does not starve "
        "the rest; others wait in line. 0 sets no limit.",
    ).tag(config=True)

    waiting_runs_per_user = Int(
        100, help="Runs of one user that may wait in line; more are refused."
    ).tag(config=True)

    concurrent_builds = Int(
        2, help="Builds of all users that a server has under way at once; 0 sets no limit."
    ).tag(config=True)

    concurrent_builds_per_user = Int(
        1, help="Builds of one user that a server has under way at once; 0 sets no limit."
    ).tag(config=True)

    waiting_builds_per_user = Int(
        100, help="Builds of one user that may wait in line; more are refused."
    ).tag(config=True)

    run_retention_days = Int(
        90,
        help="A server deletes runs that ended so many days ago, but for pinned ones; 0 keeps all.",
    ).tag(config=True)

    min_free_disk_percent = Float(
        10.0,
        help="New tools and runs are refused while less of the disk is free (percent), so that "
        "what is under way can end well. 0 refuses none.",
    ).tag(config=True)

    admins = List(
        Unicode(), help="Names of users who see everything, clean up and hand tools over."
    ).tag(config=True)

    identity = Enum(
        ["auto", "system", "server"],
        default_value="auto",
        help="Who a server's users are: `system` takes the operating system's user for all who may "
        "use the server, `server` whom Jupyter's identity provider names; `auto` takes `system` "
        "where the identity provider only knows a token or a password.",
    ).tag(config=True)

    local_sources = Bool(
        None,
        allow_none=True,
        help="Whether a server's users may make tools from folders of its machine; by default only "
        "where `identity` comes to `system`, since all of them read with the server's rights.",
    ).tag(config=True)

    outputs_url = Unicode(
        help="Where the output of runs that have ended is kept, as a URL of fsspec such as "
        "``s3://bucket/tools``, so that several servers can read it; by default it stays in the "
        "run's folder.",
    ).tag(config=True)

    outputs_options = Dict(
        key_trait=Unicode(),
        help="Options of fsspec's file system for `outputs_url`, such as ``key`` and ``secret`` "
        "for S3, with ``client_kwargs={'endpoint_url': …}`` where that is not Amazon's.",
    ).tag(config=True)

    outputs_cache_bytes = Int(
        10 * 2**30,
        help="Bytes of output that is at `outputs_url` which stay on this machine too; the oldest "
        "goes first.",
    ).tag(config=True)

    link_max_days = Float(30.0, help="Days after which a link to a run expires, at most.").tag(
        config=True
    )

    public_links = Bool(
        False,
        help="Whether links to runs work for people who are not signed in to the server.",
    ).tag(config=True)

    upload_max_bytes = Int(
        100 * 2**20, help="Input files of one run that are sent to a server (bytes)."
    ).tag(config=True)

    request_max_bytes = Int(2**20, help="JSON of one request to a server (bytes).").tag(config=True)

    writes_per_minute = Int(
        600, help="Requests of one user that change something, each minute; 0 sets no limit."
    ).tag(config=True)

    streams_per_user = Int(
        64, help="Event streams that one user may have open at a server; 0 sets no limit."
    ).tag(config=True)

    server = Unicode(
        help="The server that does the work of magics and of `tooi`: `auto` takes the kernel's own "
        "Jupyter server where that has the extension, `none` works in-process, and anything else "
        "is the URL of a server. TOOINSTANCE_SERVER says otherwise.",
    ).tag(config=True)

    environment_retention_days = Int(
        30, help="`%tooi gc` removes environments that nothing has used for so many days."
    ).tag(config=True)

    @default("home")
    def _default_home(self) -> str:
        return os.environ.get("TOOINSTANCE_HOME") or str(Path(jupyter_data_dir()) / "tooinstance")

    @default("server")
    def _default_server(self) -> str:
        return os.environ.get("TOOINSTANCE_SERVER") or "auto"

    @default("engine")
    def _default_engine(self) -> str:
        return os.environ.get("TOOINSTANCE_ENGINE") or "auto"

    @default("ca_bundle")
    def _default_ca_bundle(self) -> str:
        return os.environ.get("SSL_CERT_FILE", "")

    @default("database_url")
    def _default_database_url(self) -> str:
        return f"sqlite:///{Path(self.home) / 'tooinstance.sqlite'}"

    @property
    def home_path(self) -> Path:
        """The folder that holds everything, absolute."""
        return Path(self.home).expanduser().absolute()

    @property
    def runs_path(self) -> Path:
        """One folder per run."""
        return self.home_path / "runs"

    @property
    def environments_path(self) -> Path:
        """One folder per environment of the process engine."""
        return self.home_path / "environments"

    @property
    def builds_path(self) -> Path:
        """One folder per version, with its build log."""
        return self.home_path / "builds"

    @property
    def scratch_path(self) -> Path:
        """What is under way: exports and imports."""
        return self.home_path / "scratch"

    @property
    def cache_path(self) -> Path:
        """Copies of output that is stored elsewhere."""
        return self.home_path / "cache"

    def scratch(self) -> TemporaryDirectory[str]:
        """Return a new folder for what is under way, which is deleted at its end.

        What a process that was killed left there is garbage.
        """
        self.scratch_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return TemporaryDirectory(dir=self.scratch_path)

    def limits(self) -> Limits:
        """Return the limits of a run that asks for nothing special."""
        return Limits(
            timeout_s=self.run_timeout_s,
            memory_bytes=self.run_memory_bytes,
            cpus=self.run_cpus,
            processes=self.run_processes,
            log_bytes=self.run_log_bytes,
            output_bytes=self.run_output_bytes,
            output_files=self.run_output_files,
            tmp_bytes=self.run_tmp_bytes,
            network=self.network,
        )


def load() -> TooInstance:
    """Return the settings that stand in the configuration files.

    These are ``jupyter_tooinstance_config.py`` and ``.json`` in Jupyter's config folders; what
    stands in the user's folder wins over the system's.
    """
    config = Config()
    for folder in reversed(jupyter_config_path()):
        for loader, suffix in ((PyFileConfigLoader, ".py"), (JSONFileConfigLoader, ".json")):
            name = _FILE_STEM + suffix
            if Path(folder, name).is_file():
                config.merge(loader(name, path=folder).load_config())
    return TooInstance(config=config)
