"""Guesses from the imports of Python files which packages they need. Nothing is run.

A guess is no more than that: who installs it goes on without what cannot be had.
"""

from __future__ import annotations

import ast
import operator as operators
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import files
from .old_modules import REMOVED

_MOST_FILES = 2_000
# pipreqs' table is wrong or silent about these
_PACKAGES = {"MySQLdb": "mysqlclient", "socks": "PySocks"}
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_OF_PYTHON_2 = frozenset((
    "__builtin__", "anydbm", "BaseHTTPServer", "Bastion", "bsddb", "Canvas", "CGIHTTPServer",
    "commands", "compiler", "ConfigParser", "Cookie", "cookielib", "copy_reg", "cPickle",
    "cStringIO", "dbhash", "Dialog", "dircache", "DocXMLRPCServer", "dumbdbm", "dummy_thread",
    "exceptions", "FileDialog", "fpformat", "future_builtins", "gdbm", "hotshot", "htmlentitydefs",
    "htmllib", "HTMLParser", "httplib", "ihooks", "imputil", "md5", "mhlib", "mimetools",
    "MimeWriter", "mimify", "multifile", "mutex", "new", "os2emxpath", "popen2", "posixfile",
    "Queue", "repr", "rexec", "rfc822", "robotparser", "ScrolledText", "sets", "sgmllib", "sha",
    "SimpleDialog", "SimpleHTTPServer", "SimpleXMLRPCServer", "SocketServer", "StringIO", "thread",
    "Tix", "tkColorChooser", "tkCommonDialog", "Tkconstants", "Tkdnd", "tkFileDialog", "tkFont",
    "Tkinter", "tkMessageBox", "tkSimpleDialog", "toaiff", "ttk", "urllib2", "urlparse", "user",
    "UserDict", "UserList", "UserString", "whichdb", "xmlrpclib",
))  # fmt: skip
# those of Windows, Java and .NET
_OF_A_PLATFORM = frozenset((
    "_scproxy", "_winapi", "_winreg", "Carbon", "clr", "com", "EasyDialogs", "jarray", "java",
    "javax", "msvcrt", "nt", "org", "pythoncom", "pywintypes", "servicemanager", "System",
    "win32api", "win32clipboard", "win32com", "win32con", "win32console", "win32event",
    "win32evtlog", "win32file", "win32gui", "win32net", "win32pdh", "win32pipe", "win32process",
    "win32profile", "win32security", "win32service", "win32serviceutil", "winerror", "winreg",
    "winsound", "wmi",
))  # fmt: skip
# modules that Python 3 once had, and has no more
_GONE = frozenset((
    "binhex", "dummy_threading", "formatter", "macpath", "macurl2path", "parser", "symbol",
))  # fmt: skip
_BESIDE = frozenset((
    "_vendor", "doc", "docs", "example", "examples", "extern", "node_modules", "sample", "samples",
    "test", "testing", "tests", "third_party", "thirdparty", "vendor", "vendored",
))  # fmt: skip
_NO_PROGRAM = frozenset((
    "conftest.py", "fabfile.py", "noxfile.py", "setup.py", "tasks.py", "versioneer.py",
))  # fmt: skip
_MEANS_MISSING = frozenset(("BaseException", "Exception", "ImportError", "ModuleNotFoundError"))
_ENDS = frozenset(("exit", "os._exit", "os.abort", "quit", "sys.exit"))
_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def packages(folder: Path, script: str | None) -> list[str]:
    """Return the packages whose modules the files of a source cannot do without.

    Parameters
    ----------
    script
        The path of the script that is run; without one, the whole folder is a program.
    """
    from pipreqs.pipreqs import get_pkg_names

    top = folder if script is None else (folder / script).parent
    paths = list(_python_files(top))
    paths += [folder / script] if script is not None else []
    # a function that is somewhere beside the program may never be called
    programs = [path for path in paths if path.name == "__main__.py"]
    programs += [folder / script] if script is not None else []
    own = _modules_in(folder) | _modules_in(folder / "src") | _modules_in(top)
    found: set[str] = set()
    for path in dict.fromkeys(paths):
        is_in_package = (path.parent / "__init__.py").is_file()
        found |= needed_modules(files.text(path), is_run=path in programs) - (
            set() if is_in_package else _modules_in(path.parent)
        )
    foreign = found - own - _OF_PYTHON_2 - _OF_A_PLATFORM - _GONE - set(REMOVED)
    foreign -= {*sys.stdlib_module_names, "__future__", "__main__"}
    named = {_PACKAGES[module] for module in foreign & set(_PACKAGES)}
    named |= set(get_pkg_names(sorted(foreign - set(_PACKAGES))))  # type: ignore[no-untyped-call]
    return sorted(name for name in named if _DISTRIBUTION.fullmatch(name))


def needed_modules(content: str, *, is_run: bool = True) -> set[str]:
    """Return the modules without which a file does not run, on this platform and with Python 3.

    Parameters
    ----------
    is_run
        Whether the file is a program itself: what its functions import counts then.
    """
    try:
        tree = ast.parse(content)
        return set(_needed(tree.body, is_sure=True, is_run=is_run))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _python_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a program, without those beside it such as its tests."""
    count = 0
    for place, names, found in os.walk(folder):
        names[:] = sorted(n for n in names if n not in _BESIDE and not n.startswith("."))
        for name in sorted(found):
            if name.endswith(".py") and name not in _NO_PROGRAM:
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(place, name)


def _modules_in(folder: Path) -> set[str]:
    """Return the modules that a folder has for the files in it."""
    if not folder.is_dir():
        return set()
    return {p.stem if p.suffix == ".py" else p.name for p in sorted(folder.iterdir())[:_MOST_FILES]}


def _needed(body: Sequence[ast.stmt], *, is_sure: bool, is_run: bool) -> Iterator[str]:
    """Yield the modules that statements import.

    Parameters
    ----------
    is_sure
        Whether all of them are run, if any is.
    is_run
        Whether functions among them are called: what they import on a condition may never be.
    """
    for statement in body:
        match statement:
            case ast.Import(names=names) if is_sure:
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0) if is_sure:
                yield module.partition(".")[0]
            case ast.Try() | ast.TryStar():
                if not _does_without(statement.handlers):
                    yield from _needed(statement.body, is_sure=is_sure, is_run=is_run)
                yield from _needed(
                    [*statement.orelse, *statement.finalbody], is_sure=is_sure, is_run=is_run
                )
            case ast.If():
                holds = _value(statement.test)
                if holds is not False:
                    yield from _needed(statement.body, is_sure=is_sure, is_run=is_run)
                if holds is not True:
                    yield from _needed(statement.orelse, is_sure=is_sure, is_run=is_run)
            case ast.With() | ast.AsyncWith():
                suppressed = any("suppress" in ast.unparse(i.context_expr) for i in statement.items)
                yield from _needed(
                    statement.body, is_sure=is_sure and not suppressed, is_run=is_run
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef() if is_run:
                yield from _in_function(statement.body)
            case ast.ClassDef() | ast.For() | ast.AsyncFor() | ast.While():
                yield from _needed(statement.body, is_sure=is_sure, is_run=is_run)


def _in_function(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield what a function imports whenever it is called."""
    plain = (ast.Import, ast.ImportFrom, ast.With, ast.FunctionDef, ast.ClassDef)
    yield from _needed(
        [part for part in body if isinstance(part, plain)], is_sure=True, is_run=True
    )


def _does_without(handlers: Sequence[ast.ExceptHandler]) -> bool:
    """Tell whether a program goes on where an import fails."""
    for handler in handlers:
        caught = ast.unparse(handler.type) if handler.type is not None else "Exception"
        if not _MEANS_MISSING.isdisjoint(re.findall(r"\w+", caught)):
            return not any(_ends(statement) for statement in handler.body)
    return False


def _ends(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _ENDS


def _value(test: ast.expr) -> object:
    """Return what a condition comes to where that is known: versions of Python, platforms."""
    try:
        return bool(_evaluated(test))
    except (LookupError, TypeError, ValueError):
        return None


def _evaluated(node: ast.expr) -> object:
    """Return the value of an expression; raises `LookupError` if it is not known beforehand."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=parts):
            return tuple(map(_evaluated, parts))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluated(operand)
        case ast.BoolOp(op=operator, values=parts):
            known = [_value(part) for part in parts]
            decisive = isinstance(operator, ast.Or)
            if decisive in known:
                return decisive
            if None in known:
                raise LookupError
            return not decisive
        case ast.Subscript(value=value, slice=ast.Constant(value=int(at))):
            version = _evaluated(value)
            if isinstance(version, tuple):
                return version[at]
        case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=upper, step=None)):
            version = _evaluated(value)
            end = None if upper is None else _evaluated(upper)
            if isinstance(version, tuple) and isinstance(end, int | None):
                return version[:end]
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compared(_evaluated(left), operator, _evaluated(right))
        case ast.Call(func=ast.Attribute(value=value, attr="startswith"), args=[prefix]):
            return str(_evaluated(value)).startswith(str(_evaluated(prefix)))
    return _KNOWN[re.sub(r"^six\.|^typing\.|\(\)$", "", ast.unparse(node))]


_KNOWN: dict[str, object] = {
    "TYPE_CHECKING": False,
    "PY2": False,
    "PY3": True,
    "sys.version_info": tuple(sys.version_info[:3]),
    "version_info": tuple(sys.version_info[:3]),
    "sys.version_info.major": 3,
    "sys.version_info.minor": sys.version_info.minor,
    "sys.hexversion": sys.hexversion,
    "sys.platform": sys.platform,
    "os.name": os.name,
    "platform.system": _SYSTEMS.get(sys.platform, ""),
    "platform.python_version": ".".join(map(str, sys.version_info[:3])),
}


_ORDERS: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Lt: operators.lt,
    ast.LtE: operators.le,
    ast.Gt: operators.gt,
    ast.GtE: operators.ge,
}


def _compared(left: object, operator: ast.cmpop, right: object) -> bool:
    match operator:
        case ast.Eq():
            return left == right
        case ast.NotEq():
            return left != right
        case ast.In() if isinstance(right, tuple):
            return left in right
        case ast.NotIn() if isinstance(right, tuple):
            return left not in right
    is_known = isinstance(left, tuple) and isinstance(right, tuple)
    is_known |= isinstance(left, int) and isinstance(right, int)
    if is_known and (order := _ORDERS.get(type(operator))):
        return bool(order(left, right))
    raise LookupError
