"""What image buildpacks recognise and write down; nothing is built here."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.build import detect
from tooinstance_jupyter.build.images import dockerfile, instructions, requirements, versions
from tooinstance_jupyter.build.images.base import ImageBuildpack
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import BuildError
from tooinstance_jupyter.records import Candidate, Source, SourceKind

BUILDPACKS: dict[str, type[ImageBuildpack]] = {
    point.name: point.load() for point in entry_points(group="tooinstance_jupyter.image_buildpacks")
}
PYPROJECT = "[project]\nname='frob'\nversion='1'\n[project.scripts]\nfrob='frob:main'\n"
GEMSPEC = "Gem::Specification.new do |s|\n  s.executables = %w[frob frobd]\nend\n"
KINDS: dict[str, tuple[Mapping[str, str], str, str]] = {
    "console script": ({"pyproject.toml": PYPROJECT}, "python", "frob"),
    "Poetry": (
        {"pyproject.toml": "[tool.poetry]\nname='x'\n[tool.poetry.scripts]\nfrob='x:y'\n"},
        *("python", "frob"),
    ),
    "Python script": ({"frobnicate.py": "import yaml\n"}, "python", "frobnicate.py"),
    "bin": ({"package.json": '{"name": "x", "bin": {"frob": "x.js"}}'}, "node", "frob"),
    "shell script": ({"frobnicate": "#!/bin/bash\n"}, "script", "frobnicate"),
    "Lua script": ({"frobnicate.lua": "print(1)\n"}, "script", "frobnicate.lua"),
    "Dockerfile": ({"Dockerfile": "FROM x\n", "help.sh": "#!/bin/sh\n"}, "dockerfile", ""),
    "Makefile": ({"Makefile": "x:\n", "x.c": "int x;\n"}, "make", ""),
    "autotools": ({"configure.ac": "AC_INIT\n", "Makefile.am": "x\n"}, "autotools", ""),
    "CMake": ({"CMakeLists.txt": "project(x)\n", "Makefile": "x", "x.c": "x"}, "cmake", ""),
    "Meson": ({"meson.build": "project('x')\n"}, "meson", ""),
    "Perl distribution": (
        {"Makefile.PL": "use x;\n", "bin/frob": "#!/usr/bin/perl\n"},
        *("perl", "frob"),
    ),
    "gem": ({"frob.gemspec": GEMSPEC}, "ruby", "frob"),
    "Gemfile": ({"Gemfile": "gem 'x'\n", "main.rb": "puts 1\n"}, "ruby", "main.rb"),
    "Go": ({"go.mod": "module e.example/frob/v2\n", "x.go": "package main\n"}, "go", "frob"),
    "Go in cmd": ({"go.mod": "module x\n", "cmd/frob/x.go": "package main\n"}, "go", "frob"),
    "Cargo": (
        {"Cargo.toml": "[package]\nname = 'frob'\n", "src/main.rs": "fn main() {}\n"},
        *("rust", "frob"),
    ),
    "Cargo workspace": (
        {
            "Cargo.toml": "[workspace]\nmembers = ['crates/*']\n",
            "crates/x/Cargo.toml": "[package]\nname = 'x'\n[[bin]]\nname = 'frob'\n",
        },
        *("rust", "frob"),
    ),
    "R package": ({"DESCRIPTION": "Package: x\n", "exec/frob": "cat(1)\n"}, "r", "exec/frob"),
    "R script": ({"frobnicate.R": "cat(1)\n"}, "r", "frobnicate.R"),
    "Julia": ({"Project.toml": "[deps]\n", "main.jl": "println(1)\n"}, "julia", "main.jl"),
    "Maven": ({"pom.xml": "<project/>\n"}, "java", ""),
    "conda": (
        {"environment.yml": "dependencies: []\n", "frobnicate.py": "import x\n"},
        *("binder", "frobnicate.py"),
    ),
}
# what a name must not be able to do
HOSTILE = ['a"b', "a'b", "a b", "a$(id)", "a`id`", "a;id", "a\\", "$HOME", "a#b", "ä", "]x["]


def found(bench: Any, files: Mapping[str, str]) -> list[Candidate]:
    buildpacks = [kind(bench.config) for kind in BUILDPACKS.values()]
    return detect.candidates(bench.checkout(files), buildpacks)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_source_is_recognised(bench: Any, kind: str) -> None:
    files, runtime, entry_point = KINDS[kind]
    best = found(bench, files)[0]
    assert (best.runtime, best.entry_point) == (runtime, entry_point)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_files_give_the_same_recipe(bench: Any, kind: str) -> None:
    files, runtime, _ = KINDS[kind]
    buildpack = BUILDPACKS[runtime]
    recipes = [bench.recipe(bench.checkout(files), buildpack) for _ in range(2)]
    assert recipes[0] == recipes[1]


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_ours_run_as_nobody_special_and_fetch_no_frontend(bench: Any, kind: str) -> None:
    files, runtime, _ = KINDS[kind]
    recipe = bench.recipe(bench.checkout(files), BUILDPACKS[runtime])
    assert "# syntax" not in recipe.dockerfile
    if not recipe.is_foreign and not recipe.is_stock:
        assert "\nUSER 1000:1000\n" in recipe.dockerfile
        assert recipe.dockerfile.rfind("USER") > recipe.dockerfile.rfind("RUN")


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_says_what_it_does(bench: Any, kind: str) -> None:
    files, runtime, _ = KINDS[kind]
    recipe = bench.recipe(bench.checkout(files), BUILDPACKS[runtime])
    if not recipe.is_foreign:
        for step in re.findall(r"(?m)^RUN .*$", recipe.dockerfile):
            assert re.search(r': "[A-Z][^"$`\\]+"; \\$', step), f"no title: {step}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_step_with_a_shared_cache_sees_the_source(bench: Any, kind: str) -> None:
    """Code of a source could plant something in a cache that other tools are built from."""
    files, runtime, _ = KINDS[kind]
    recipe = bench.recipe(bench.checkout(files), BUILDPACKS[runtime])
    is_there = False
    for step in re.split(r"(?m)^(?=[A-Z]+ )", recipe.dockerfile):
        if step.startswith("FROM"):
            is_there = False
        is_there |= step.startswith('COPY [".", ')
        if "type=cache" in step and not recipe.is_foreign:
            assert not is_there, f"{step} has a cache after the source was copied"
            is_apt = "target=/var/cache/apt" in step
            assert is_apt or "--no-build" in step or "--ignore-scripts" in step


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suffix", [".py", ".sh", ".lua", ""])
def test_no_file_name_gets_out_of_its_quotes(bench: Any, name: str, suffix: str) -> None:
    files = {name + suffix: "#!/usr/bin/env python3\n" if suffix == ".py" else "#!/bin/sh\n"}
    there = bench.checkout(files)
    for candidate in found(bench, files):
        recipe = BUILDPACKS[candidate.runtime](bench.config).recipe(there, candidate)
        lines = recipe.dockerfile.splitlines()
        mentions = [line for line in lines if name in line or json.dumps(name)[1:-1] in line]
        for line in mentions:
            word, value = line.split(" ", 1)
            assert word == "ENTRYPOINT", f"{line} is not only an argument of the tool"
            assert json.loads(value)[-1].endswith(name + suffix)
        assert any(argv[-1].endswith(name + suffix) for argv in recipe.commands.values())


@pytest.mark.parametrize(
    ("files", "runtime"),
    [
        ({"package.json": '{"bin": {"../../x": "a", "a;b": "c"}}'}, "node"),
        ({"frob.gemspec": "Gem::X.new do |s|\n s.executables = ['a;b', '$(id)']\nend"}, "ruby"),
        ({"Cargo.toml": "[[bin]]\nname = 'a;b'\n"}, "rust"),
        ({"go.mod": "module x/$(id)\n", "x.go": "package main\n"}, "go"),
        ({"Makefile.PL": "x", "bin/a;b": "#!/usr/bin/perl\n"}, "perl"),
        ({"DESCRIPTION": "Package: x\n", "exec/a;b": "x"}, "r"),
    ],
)
def test_commands_that_are_no_plain_names_are_not_offered(
    bench: Any, files: Mapping[str, str], runtime: str
) -> None:
    for candidate in BUILDPACKS[runtime](bench.config).detect(bench.checkout(files)):
        assert re.fullmatch(r"\w[\w.-]*", candidate.entry_point), candidate


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(
        [
            *("Cargo.toml", "x.gemspec", "Gemfile", "DESCRIPTION", "go.mod", "Dockerfile"),
            *("apt.txt", "package.json", "requirements.txt", "runtime.txt", "cpanfile"),
            *("CMakeLists.txt", "environment.yml"),
        ]
    ),
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet="[]{}=\"'#!/ \n:,.()<>%$abcsrbinmodule", max_size=200).map(str.encode),
    ),
)
def test_no_file_whatever_it_holds_breaks_a_recipe(bench: Any, name: str, content: bytes) -> None:
    there = bench.checkout({name: content, "frobnicate.py": "import os\n"})
    for kind in BUILDPACKS.values():
        buildpack = kind(bench.config)
        for candidate in buildpack.detect(there):
            assert buildpack.recipe(there, candidate).commands is not None


def test_links_out_of_a_checkout_are_not_read(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "Dockerfile").write_text("FROM secret\n")
    there = bench.checkout({"README": ""})
    (there.folder / "Dockerfile").symlink_to(tmp_path / "outside" / "Dockerfile")
    (there.folder / "binder").symlink_to(tmp_path / "outside")
    for kind in BUILDPACKS.values():
        assert list(kind(bench.config).detect(there)) == []


def test_packaging_metadata_goes_before_a_dockerfile(bench: Any) -> None:
    ranked = found(
        bench, {"pyproject.toml": PYPROJECT, "Dockerfile": "ARG X\nFROM $X\n", "x.sh": "#!/bin/sh"}
    )
    assert [c.runtime for c in ranked] == ["python", "dockerfile", "script"]


def test_a_script_named_like_the_source_goes_before_a_dockerfile(bench: Any) -> None:
    ranked = found(bench, {"frobnicate": "#!/bin/sh\n", "Dockerfile": "FROM x\n"})
    assert [c.runtime for c in ranked] == ["script", "dockerfile"]


def test_a_dockerfile_keeps_its_entry_point_and_takes_another_at_its_word(bench: Any) -> None:
    there = bench.checkout({"Dockerfile": "FROM x\nENTRYPOINT frob\n"})
    kind = BUILDPACKS["dockerfile"]
    assert bench.recipe(there, kind).commands == {}
    asked = "python 'my app.py' -v"
    assert bench.recipe(there, kind, asked).commands == {asked: ("python", "my app.py", "-v")}
    with pytest.raises(BuildError) as raised:
        bench.recipe(there, kind, "python 'app.py")
    assert raised.value.error_code == "entry_point_invalid"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        *(("", versions.PYTHONS[0]), (">=3.9,<3.12", "3.11"), ("~=3.10.2", "3.10")),
        *(("==3.9.1", "3.9"), ("==3.11.*", "3.11"), ("nonsense", versions.PYTHONS[0])),
    ],
)
def test_the_newest_python_that_fits_is_taken(tmp_path: Path, asked: str, expected: str) -> None:
    assert versions.python(tmp_path, asked) == expected


def test_runtime_txt_names_the_python(bench: Any) -> None:
    there = bench.checkout({"binder/runtime.txt": "python-3.9\n"})
    assert versions.python(there.folder, ">=3.10") == "3.9"


def test_a_python_that_there_is_no_image_of_is_refused(bench: Any, tmp_path: Path) -> None:
    there = bench.checkout(
        {"pyproject.toml": PYPROJECT.replace("[project.", "requires-python='<3'\n[project.")}
    )
    buildpack = BUILDPACKS["python"](TooInstance(home=str(tmp_path)))
    with pytest.raises(BuildError) as raised:
        buildpack.recipe(there, buildpack.detect(there)[0])
    assert raised.value.error_code == "python_missing"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        *(("", versions.NODES[0]), (">=18", versions.NODES[0]), ("^20 || ^22", "22")),
        *(("18.x", "18"), (">=14.16 <19", "18"), ("*", versions.NODES[0]), ("0.10", "24")),
    ],
)
def test_the_newest_node_that_fits_is_taken(tmp_path: Path, asked: str, expected: str) -> None:
    assert versions.node(tmp_path, asked) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==1  # why\n\n# b\nc[x]>=2; python_version > '3'\n", 2),
        ("a==1 \\\n  --hash=sha256:00\n", 1),
        ("--index-url https://e.example/simple\na\n", 2),
        ("a @ https://e.example/a.whl\n", 1),
        ("-r more/others.txt\n", 2),
        ("-e .\n", None),
        ("./here\n", None),
        ("a @ file:///etc\n", None),
        ("-c constraints.txt\n", None),
        ("-r ../outside.txt\n", None),
        ("-r requirements.txt\n", None),
    ],
)
def test_requirements_are_read_apart_from_the_source_where_that_is_possible(
    bench: Any, text: str, expected: int | None
) -> None:
    there = bench.checkout(
        {
            "requirements.txt": text,
            "more/others.txt": "x\n-r last.txt\n",
            "more/last.txt": "y\n",
        }
    )
    (there.folder.parent / "outside.txt").write_text("secret\n")
    lines = requirements.flat(there.folder)
    assert (None if lines is None else len(lines)) == expected


def test_only_names_of_debian_packages_are_taken_from_apt_txt(bench: Any) -> None:
    there = bench.checkout({"apt.txt": "jq libfoo-dev # why\n-o=X $(id) a;b\nJQ\njq\n../x g++\n"})
    assert dockerfile.apt_packages(there) == ["g++", "jq", "libfoo-dev"]


def test_headers_from_apt_txt_stay_out_of_the_last_stage(bench: Any) -> None:
    there = bench.checkout({"Makefile": "x", "x.c": "x", "apt.txt": "libfoo-dev jq"})
    build, last = bench.recipe(there, BUILDPACKS["make"]).dockerfile.rsplit("FROM ", 1)
    assert "libfoo-dev" in build
    assert "jq" in last
    assert "libfoo-dev" not in last
    assert "build-essential" not in last


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("cc -o x x.c -lz -lm", "zlib1g-dev"),
        ("AC_CHECK_LIB([ssl], [SSL_new])", "libssl-dev"),
        ("PKG_CHECK_MODULES([X], [libcurl >= 7])", "libcurl4-openssl-dev"),
        ("find_package(SQLite3 REQUIRED)", "libsqlite3-dev"),
        ("dependency('libpcre2-8')", "libpcre2-dev"),
        ("LDLIBS = -lncursesw", "libncurses-dev"),
    ],
)
def test_libraries_that_build_files_name_are_there_to_compile_with(text: str, package: str) -> None:
    from tooinstance_jupyter.build.images.compiled import libraries

    assert libraries(text) == [package]


def test_a_package_of_an_index_needs_no_files(bench: Any) -> None:
    source = Source(kind=SourceKind.PYPI, location="frob[x]")
    there = bench.checkout({}, source=source, commit="1.2")
    recipe = bench.recipe(there, BUILDPACKS["python"])
    assert recipe.files["requirements.txt"] == "frob[x]==1.2\n"
    others = [kind for name, kind in BUILDPACKS.items() if name != "python"]
    assert not any(list(kind(bench.config).detect(there)) for kind in others)


def test_a_package_of_npm_is_quoted(bench: Any) -> None:
    source = Source(kind=SourceKind.NPM, location="@ada/frob")
    there = bench.checkout({}, source=source, commit="1.0.0 || 2")
    text = bench.recipe(there, BUILDPACKS["node"]).dockerfile
    assert shlex.quote("@ada/frob@1.0.0 || 2") in text


BREAKS = [
    "a\nUSER root\nRUN id #",
    "a\rUSER root",
    "a\x00",
    "a\x1b[2J",
    "a\x7f",
    "a\x85",
    "a\udcff",
]


@pytest.mark.parametrize("name", BREAKS)
def test_no_command_has_a_name_that_would_end_its_line(name: str) -> None:
    for arguments, mounts in (([shlex.quote(name)], []), ([], [f"type=bind,source={name}"])):
        with pytest.raises(BuildError) as caught:
            dockerfile.run("Compiling", "true", *arguments, mounts=mounts)
        assert caught.value.error_code == "name_invalid"
        assert caught.value.hint


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_entry_point_adds_an_instruction(bench: Any, kind: str, name: str) -> None:
    files, runtime, _ = KINDS[kind]
    there = bench.checkout(files)
    plain = bench.recipe(there, BUILDPACKS[runtime], "a.x").dockerfile
    try:
        odd = bench.recipe(there, BUILDPACKS[runtime], name).dockerfile
    except BuildError:
        return
    assert words_of(odd) == words_of(plain)


@pytest.mark.parametrize("name", BREAKS[:1])
@pytest.mark.parametrize(
    ("kind", "files"),
    [
        (
            "Cargo workspace",
            {"Cargo.toml": "[workspace]\nmembers=['c/*']", "c/{}/Cargo.toml": "{bin}"},
        ),
        ("Cargo", {"Cargo.toml": "[[bin]]\nname = {json}\n", "src/bin/{}.rs": "x"}),
        ("Go in cmd", {"go.mod": "module x\n", "cmd/{}/x.go": "package main\n"}),
        ("Go", {"go.mod": "module {json}\n", "x.go": "package main\n"}),
        ("bin", {"package.json": '{{"name": {json}, "bin": {{{json}: {json}}}}}'}),
        (
            "console script",
            {"pyproject.toml": "[project]\nname={json}\n[project.scripts]\n{json}='x:y'"},
        ),
        ("gem", {"x.gemspec": "Gem::S.new do |s|\n s.executables = [{json}]\nend", "exe/{}": "x"}),
        ("Gemfile", {"Gemfile": "gem '{}'\n", "{}.rb": "puts 1\n"}),
        ("Perl distribution", {"cpanfile": "requires '{}';", "bin/{}": "#!/usr/bin/perl\nuse {};"}),
        ("R package", {"DESCRIPTION": "Package: x\nImports: {}\n", "exec/{}": "library('{}')"}),
        ("R script", {"{}.R": "library('{}')"}),
        ("Julia", {"Project.toml": "{}", "{}.jl": "1"}),
        ("Maven", {"pom.xml": "{}"}),
        ("Makefile", {"Makefile": "{}", "{}.c": "x"}),
        ("shell script", {"{}.sh": "#!/bin/{}\nx"}),
        ("Makefile", {"Makefile": "x", "x.c": "x", "apt.txt": "{}"}),
    ],
)
def test_no_word_of_a_source_adds_an_instruction(
    bench: Any, kind: str, files: Mapping[str, str], name: str
) -> None:
    quoted = {"json": json.dumps(name), "bin": '[[bin]]\nname = "frob"\n'}
    there = bench.checkout(
        {path.format(name): text.format(name, name, **quoted) for path, text in files.items()}
    )
    buildpack = BUILDPACKS[KINDS[kind][1]](bench.config)
    for candidate in buildpack.detect(there):
        with contextlib.suppress(BuildError):
            recipe = buildpack.recipe(there, candidate)
            assert "\nUSER root" not in recipe.dockerfile
            assert words_of(recipe.dockerfile).count("USER") == 1


def test_a_rust_workspace_folder_cannot_become_an_instruction(bench: Any) -> None:
    there = bench.checkout(
        {
            "Cargo.toml": "[workspace]\nmembers = ['c/*']\n",
            "c/a\nUSER root\nRUN id #/Cargo.toml": "[[bin]]\nname = 'frob'\n",
        }
    )
    with pytest.raises(BuildError) as caught:
        bench.recipe(there, BUILDPACKS["rust"])
    assert caught.value.error_code == "name_invalid"


def words_of(text: str) -> list[str]:
    """Return the words that the instructions of a Dockerfile begin with."""
    return [i.word for stage in instructions.read(text).stages for i in stage.instructions]


def test_cmake_builds_with_optimisation(bench: Any) -> None:
    text = bench.recipe(bench.checkout({"CMakeLists.txt": "project(x)"}), BUILDPACKS["cmake"])
    assert " -DCMAKE_BUILD_TYPE=Release " in text.dockerfile


def test_a_title_cannot_end_its_step() -> None:
    step = dockerfile.run('a"; id; $(id) `id` \\\n b', "true")
    assert re.search(r': "[^"$`\\]*"; \\$', step.splitlines()[0])
