"""What of this machine's settings reaches a build."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tooinstance_jupyter.build.images import settings
from tooinstance_jupyter.config import TooInstance


@pytest.fixture
def config(tmp_path: Path) -> TooInstance:
    return TooInstance(home=str(tmp_path / "home"), ca_bundle="")


def test_indexes_reach_uv_pip_and_npm_alike(config: TooInstance, tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(
        "registry=https://npm.e.example/\n//npm.e.example/:_authToken=x\n"
    )
    environment = {
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_INDEX_URL": "https://pypi.e.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.e.example/simple file:///opt/pypi/simple",
        "PIP_FIND_LINKS": "/opt/wheels",
        "HTTPS_PROXY": "http://proxy.e.example:3128",
        "NO_PROXY": "localhost,.e.example",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SSL_CERT_FILE": "/etc/ssl/cert.pem",
    }
    assert settings.variables(config, environment) == {
        "UV_INDEX_URL": "https://pypi.e.example/simple",
        "PIP_INDEX_URL": "https://pypi.e.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.e.example/simple",
        "UV_INDEX": "https://more.e.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "HTTPS_PROXY": "http://proxy.e.example:3128",
        "NO_PROXY": "localhost,.e.example",
        "NPM_CONFIG_REGISTRY": "https://npm.e.example/",
    }, "only what means something in a container, and no key"


def test_certificates_are_named_where_the_build_sees_them(
    config: TooInstance, tmp_path: Path
) -> None:
    config.ca_bundle = str(tmp_path / "ca.pem")
    environment = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}
    assert settings.variables(config, environment) == {}, "there is no such file"
    (tmp_path / "ca.pem").write_text("x")
    found = settings.variables(config, environment)
    assert found["SSL_CERT_FILE"] == found["PIP_CERT"] == "/run/secrets/ca"


def test_any_value_survives_the_shell() -> None:
    value = "a'b\"c$(touch /tmp/x)\\ \n`d`"
    script = settings.script({"VALUE": value, "bad name; x": "y"})
    said = subprocess.run(
        ["sh", "-c", f'{script}\nprintf %s "$VALUE"'], capture_output=True, text=True, check=True
    )
    assert said.stdout == value
