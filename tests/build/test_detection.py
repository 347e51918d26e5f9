"""What is read from a checkout, whatever its files hold; nothing is built here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.build import detect
from tooinstance_jupyter.build.base import AS_ASKED, Checkout
from tooinstance_jupyter.build.buildpacks import imports, indexes, old_modules, python_files
from tooinstance_jupyter.build.buildpacks.node import NodeBuildpack
from tooinstance_jupyter.build.buildpacks.python import PythonBuildpack
from tooinstance_jupyter.build.buildpacks.script import ScriptBuildpack
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import DetectionError
from tooinstance_jupyter.records import Candidate, Source, SourceKind

SETUP = "from setuptools import setup\n"
GUARD = "if __name__ == '__main__':\n    pass\n"


def checkout(folder: Path, files: Mapping[str, str | bytes]) -> Checkout:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = Source(kind=SourceKind.GIT, location="https://e.example/ada/frobnicate")
    return Checkout(source=source, folder=folder, commit="0" * 40, name="frobnicate")


def entry_points(there: Checkout) -> list[str]:
    config = TooInstance(home=str(there.folder))
    buildpacks = [kind(config) for kind in (PythonBuildpack, NodeBuildpack, ScriptBuildpack)]
    return [candidate.entry_point for candidate in detect.candidates(there, buildpacks)]


DECLARED: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "metadata without a build system": (
        {"pyproject.toml": "[project]\nname = 'x'\n[project.scripts]\nfrob = 'x:y'\n"},
        ["frob"],
    ),
    "Flit of old": (
        {
            "pyproject.toml": "[build-system]\nrequires = ['flit_core']\n"
            "[tool.flit.scripts]\nfrob = 'x:y'\n"
        },
        ["frob"],
    ),
    "scripts in setup.cfg": (
        {
            "setup.cfg": "[metadata]\nname = x\n[options]\nscripts =\n    tools/frob\n",
            "setup.py": SETUP,
        },
        ["frob"],
    ),
    "scripts in setup.py": ({"setup.py": SETUP + "setup(scripts=['tools/frob'])"}, ["frob"]),
    "entry points as text": (
        {"setup.py": SETUP + "setup(entry_points={'console_scripts': 'a=x:y\\nb = x:y'})"},
        ["a", "b"],
    ),
    "names that lead out": (
        {
            "pyproject.toml": "[project]\nname = 'x'\n[project.scripts]\n'../evil' = 'x:y'\n"
            "'-x' = 'x:y'\n'a\\nb' = 'x:y'\n\"c\\nd\" = 'x:y'\nfrob = 'x:y'\n"
        },
        ["frob"],
    ),
    "dynamic scripts": (
        {
            "pyproject.toml": "[build-system]\nrequires = ['x']\n[project]\nname = 'x'\n"
            "dynamic = ['scripts']\n"
        },
        [""],
    ),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_commands_are_found_wherever_packages_declare_them(tmp_path: Path, kind: str) -> None:
    files, expected = DECLARED[kind]
    assert entry_points(checkout(tmp_path, files)) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        "entry_points=None, scripts=5",
        "entry_points={'console_scripts': None}",
        "entry_points={'console_scripts': 7}, scripts={'a': 1}",
        "entry_points=[1, 2], scripts=None",
        "entry_points=3.5",
    ],
)
def test_a_setup_script_with_values_of_other_types_declares_nothing(
    tmp_path: Path, arguments: str
) -> None:
    there = checkout(tmp_path, {"setup.py": f"{SETUP}setup({arguments})"})
    assert list(python_files.console_scripts(there.folder)) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(
        ["pyproject.toml", "setup.cfg", "setup.py", "package.json", "frobnicate", "main.py"]
    ),
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet="[]{}=\"'#!/ \n:,.abcscriptbinoptns", max_size=200).map(str.encode),
    ),
)
def test_no_file_whatever_it_holds_breaks_detection(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    found = entry_points(checkout(tmp_path_factory.mktemp("any"), {name: content}))
    assert all("\n" not in entry_point for entry_point in found)


def test_links_out_of_a_checkout_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.sh").write_text("#!/bin/sh\n")
    there = checkout(tmp_path / "checkout", {"README": ""})
    (there.folder / "run.sh").symlink_to(outside / "secret.sh")
    (there.folder / "bin").symlink_to(outside)
    assert entry_points(there) == []
    with pytest.raises(DetectionError):
        detect.choose([], there, entry_point="run.sh")


def test_the_one_named_like_the_source_comes_first(tmp_path: Path) -> None:
    scripts = "[project]\nname = 'x'\n[project.scripts]\naaa = 'x:y'\nFrob-Nicate = 'x:y'\n"
    assert entry_points(checkout(tmp_path, {"pyproject.toml": scripts}))[0] == "Frob-Nicate"


@pytest.mark.parametrize(
    ("path", "content", "runtime"),
    [
        ("deep/er/tool", "#!/usr/bin/env python3\n", "python"),
        ("deep/tool.py", "", "python"),
        ("deep/tool", "#!/bin/sh\n", "script"),
    ],
)
def test_a_script_that_nobody_thought_of_is_taken_if_it_is_asked_for(
    tmp_path: Path, path: str, content: str, runtime: str
) -> None:
    [chosen] = detect.choose([], checkout(tmp_path, {path: content}), entry_point=path)
    assert (chosen.runtime, chosen.entry_point, chosen.reason) == (runtime, path, AS_ASKED)


@pytest.mark.parametrize(
    "asked", ["../outside", "/etc/passwd", "no\0such", "x" * 5000, "-x", "a\n"]
)
def test_an_entry_point_that_is_not_there_is_refused_with_what_is(
    tmp_path: Path, asked: str
) -> None:
    there = checkout(tmp_path / "checkout", {"a": "#!/bin/sh\n"})
    (tmp_path / "outside").write_text("#!/bin/sh\n")
    found = [Candidate(runtime="script", entry_point="a", reason="shell script", rank=40)]
    with pytest.raises(DetectionError) as raised:
        detect.choose(found, there, entry_point=asked)
    assert raised.value.error_code == "entry_point_not_found"
    assert "There is: a." in raised.value.hint


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("^3.9", ">=3.9,<4"), ("~3.10", ">=3.10,<3.11"), (">=3.8,<3.14", ">=3.8,<3.14")],
)
def test_what_poetry_asks_of_python_is_understood(
    tmp_path: Path, asked: str, expected: str
) -> None:
    there = checkout(
        tmp_path,
        {"pyproject.toml": f"[tool.poetry.dependencies]\npython = '{asked}'\n"},
    )
    assert python_files.requires_python(there.folder) == expected


def test_only_foreign_modules_become_packages(tmp_path: Path) -> None:
    files = {
        "main.py": "import os, yaml, local, deep.x\nfrom PIL import Image\n" + GUARD,
        "local.py": "import sklearn",
        "deep/x.py": "",
    }
    there = checkout(tmp_path, files)
    found = imports.packages(there.folder, "main.py")
    assert found == ["Pillow", "PyYAML", "scikit_learn"]


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import zq", {"zq"}),
        ("try:\n    import zq\nexcept ImportError:\n    zq = None", set()),
        ("try:\n    import zq\nexcept:\n    pass", set()),
        ("try:\n    import zq\nexcept (ValueError, ModuleNotFoundError):\n    import zr", set()),
        ("try:\n    import zq\nexcept KeyboardInterrupt:\n    pass", {"zq"}),
        ("try:\n    import zq\nexcept ImportError:\n    sys.exit('install zq')", {"zq"}),
        ("try:\n    import zq\nexcept ImportError:\n    raise SystemExit(1)", {"zq"}),
        ("with contextlib.suppress(ImportError):\n    import zq", set()),
        ("if TYPE_CHECKING:\n    import zq\nelse:\n    import zr", {"zr"}),
        ("if typing.TYPE_CHECKING:\n    import zq", set()),
        ("if sys.version_info[0] < 3:\n    import zq\nelse:\n    import zr", {"zr"}),
        ("if sys.version_info >= (3, 0):\n    import zq\nelse:\n    import zr", {"zq"}),
        ("if sys.version_info[:2] < (2, 7):\n    import zq", set()),
        ("if sys.version_info.major == 2:\n    import zq", set()),
        ("if six.PY2:\n    import zq", set()),
        ("if not PY3 and x:\n    import zq", set()),
        ("if sys.platform == 'win32':\n    import zq", set()),
        ("if sys.platform.startswith('win'):\n    import zq", set()),
        ("if os.name == 'nt':\n    import zq\nelif platform.system() == 'Java':\n    import zr",
         set()),
        ("if flag:\n    import zq", {"zq"}),
        ("def f():\n    import zq", {"zq"}),
        ("def f():\n    if flag:\n        import zq", set()),
        ("class A:\n    import zq", {"zq"}),
        ("from . import zq\nfrom .zr import x", set()),
        ("print 'of Python 2'\nimport zq", set()),
        ("if sys.version_info < 'x':\n    import zq", {"zq"}),
        ("if PY2[9] or sys.version_info[9]:\n    import zq", {"zq"}),
    ],
)  # fmt: skip
def test_imports_that_a_program_does_without_are_not_needed(code: str, needed: set[str]) -> None:
    assert imports.needed_modules(code) == needed


def test_modules_of_python_2_of_platforms_and_of_the_source_become_no_packages(
    tmp_path: Path,
) -> None:
    files = {
        "main.py": "import __builtin__, urllib2, ConfigParser, StringIO, cPickle, Queue, commands\n"
        "import httplib, winreg, msvcrt, _winapi, java.lang, win32api, distutils, imp\n"
        "import _odd_, beside, inner.x, zq\n" + GUARD,
        "beside.py": "import other\nimport deeper\ndef f():\n    import never_called\n",
        "tools/other.py": "import near\n",
        "tools/near.py": "",
        "deeper/__init__.py": "import src_module\n",
        "src/src_module.py": "",
        "inner/x.py": "",
        "tests/test_main.py": "import pytest\n",
        "thirdparty/bottle.py": "import waitress\n",
        "setup.py": "import setuptools_zq\n",
    }
    there = checkout(tmp_path, files)
    assert imports.packages(there.folder, "main.py") == ["other", "zq"]


@pytest.mark.parametrize(
    ("code", "version", "needed"),
    [
        ("import pkg_resources", (3, 9), ["setuptools<81"]),
        ("from pkg_resources import x\nimport distutils.util", (3, 12), ["setuptools<81"]),
        ("from distutils import x", (3, 11), []),
        ("import imp", (3, 11), []),
        ("import imp, x", (3, 12), ["zombie-imp"]),
        ("try:\n    import pkg_resources\nexcept ImportError:\n    pass", (3, 12), []),
        ("import pkg_resources_zq\nimport improv", (3, 13), []),
        ("import telnetlib", (3, 13), ["standard-telnetlib"]),
    ],
)
def test_modules_that_pythons_have_no_more_are_brought_back(
    tmp_path: Path, code: str, version: tuple[int, int], needed: list[str]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text(code)
    found = old_modules.in_folders([tmp_path])
    assert old_modules.packages(found, tmp_path, version) == needed
    (tmp_path / "pkg_resources").mkdir()
    (tmp_path / "imp.py").touch()
    without = {"setuptools<81", "zombie-imp"} if "distutils" not in code else set()
    left = old_modules.packages(found, tmp_path, version)
    assert left == [package for package in needed if package not in without]


def test_pips_settings_reach_uv_where_its_own_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://mirror.example/simple\n"
        "extra-index-url =\n    https://extra.example/simple\n"
        "    https://ada:s3cret@private.example/simple\n    file:///somewhere\n"
        f"cert = {tmp_path / 'cert.pem'}\n"
    )
    environment = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}

    found = indexes.from_pip(environment)

    assert found.variables["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert found.variables["UV_INDEX"] == "https://extra.example/simple"
    assert found.readable == [tmp_path / "cert.pem"]
    own = {**environment, "UV_INDEX_URL": "https://own.example/simple"}
    assert "UV_DEFAULT_INDEX" not in indexes.from_pip(own).variables
    switched_off = indexes.from_pip({"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull})
    assert switched_off.variables == {}
