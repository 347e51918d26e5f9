"""C and C++ programs: how each build system is recognised, and how it compiles and installs."""

from __future__ import annotations

from pathlib import Path

from ...buildpacks import files
from ...evidence import BESIDE
from ..compiled import BUILD, INCOMPLETE, STAGE, CompiledBuildpack
from ..dockerfile import TOOL

_SUFFIXES = (".c", ".cc", ".cpp", ".cxx")


class AutotoolsBuildpack(CompiledBuildpack):
    """``./configure && make``, the script made first where there is none."""

    runtime = "autotools"
    reason = "configure script (autotools)"
    rank = 80
    files = ("configure.ac", "configure.in", "configure", "Makefile.am")
    tools = ("autoconf", "automake", "autopoint", "gettext", "libtool", "flex", "bison")
    build = (
        # autogen.sh may do more than autoreconf does
        "[ -e configure ] || { [ -e autogen.sh ] && NOCONFIGURE=1 sh ./autogen.sh; } || "
        "autoreconf --force --install",
        f"sh ./configure --prefix={TOOL}",
        'make -j "$(nproc)"',
        # what only documents or registers a program fails last and alone
        f"make install DESTDIR={STAGE} || make -k install DESTDIR={STAGE} || {INCOMPLETE}",
    )

    def is_there(self, folder: Path) -> bool:
        """Tell whether there is a configure script, or what it is made from."""
        return any(files.text(folder / name) for name in self.files[:3])


class CMakeBuildpack(CompiledBuildpack):
    """CMake, with its own installation or whatever programs it builds."""

    runtime = "cmake"
    reason = "CMakeLists.txt"
    rank = 78
    files = ("CMakeLists.txt", "src/CMakeLists.txt")
    tools = ("cmake",)
    build = (
        f"cmake -S . -B {BUILD} -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX={TOOL} "
        f"-DCMAKE_INSTALL_RPATH={TOOL}/lib -DBUILD_TESTING=OFF",
        f'cmake --build {BUILD} --parallel "$(nproc)"',
        f"DESTDIR={STAGE} cmake --install {BUILD} || {INCOMPLETE}",
    )

    def is_there(self, folder: Path) -> bool:
        """Tell whether there is a project at the top."""
        return bool(files.text(folder / self.files[0]))


class MesonBuildpack(CompiledBuildpack):
    """Meson."""

    runtime = "meson"
    reason = "meson.build"
    rank = 77
    files = ("meson.build", "src/meson.build")
    tools = ("meson", "ninja-build")
    build = (
        f"meson setup {BUILD} --prefix={TOOL} --libdir=lib --buildtype=release",
        f"ninja -C {BUILD}",
        f"DESTDIR={STAGE} meson install -C {BUILD} || {INCOMPLETE}",
    )

    def is_there(self, folder: Path) -> bool:
        """Tell whether there is a project at the top."""
        return bool(files.text(folder / self.files[0]))


class MakeBuildpack(CompiledBuildpack):
    """A Makefile beside sources of C or C++, with ``make install`` or without."""

    runtime = "make"
    reason = "Makefile with C or C++ sources"
    rank = 72
    files = ("GNUmakefile", "makefile", "Makefile")
    build = (
        f'make -j "$(nproc)" PREFIX={TOOL} prefix={TOOL}',
        f"make install DESTDIR={STAGE} PREFIX={TOOL} prefix={TOOL} || {INCOMPLETE}",
    )

    def is_there(self, folder: Path) -> bool:
        """Tell whether there is something to compile: a Makefile alone may do anything."""
        if not super().is_there(folder):
            return False
        below = (path for path in folder.iterdir() if path.name[0] != "." and not path.is_symlink())
        places = [folder, *(p for p in below if p.is_dir() and p.name.lower() not in BESIDE)]
        return any(path.suffix in _SUFFIXES for place in places for path in place.iterdir())
