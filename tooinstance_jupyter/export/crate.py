"""An export as an RO-Crate of the Process Run Crate profile, by the ``rocrate`` library.

Sources: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), Process Run Crate 0.5
(https://w3id.org/ro/wfrun/process/0.5).
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import InvalidValueError
from ..records import RunStatus, SourceKind
from . import cells
from .archive import NOTEBOOK, PAGE, add_documents
from .base import Exporter
from .package import RECORD, Package
from .record import ExportedFile, ExportedRun, ExportedTool

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_LICENSE = "https://spdx.org/licenses/NOASSERTION"


class CrateExporter(Exporter):
    """Research objects: to be put into repositories, and read by programs of all kinds."""

    suffix = ".crate.zip"

    def write(self, package: Package, target: Path) -> None:
        """Write a crate.

        Raises
        ------
        InvalidValueError
            If there is no ``rocrate``.
        """
        try:
            from rocrate.rocrate import ROCrate
        except ImportError as error:
            raise InvalidValueError(
                "Exporting a crate needs rocrate.",
                "`%pip install tooinstance-jupyter[crate]` installs it.",
                code="package_missing",
            ) from error
        add_documents(package)
        crate = ROCrate(version="1.1")
        _describe(crate, package)
        # the library would add a suffix of its own
        crate.write_zip(target)


def _describe(crate: ROCrate, package: Package) -> None:
    from rocrate.model.contextentity import ContextEntity

    export = package.export
    crate.name = export.title
    crate.description = ". ".join(
        filter(None, (export.missing, f"{export.title}, with what it takes to run it again"))
    )
    crate.license = crate.add(
        ContextEntity(
            crate,
            _LICENSE,
            {
                "@type": "CreativeWork",
                "name": "No assertion",
                "description": "The licenses of the tool and of what it gave are theirs",
            },
        )
    )
    crate.datePublished = export.made_at
    crate.metadata.extra_contexts.append(_TERMS)
    profile = crate.add(
        ContextEntity(
            crate,
            PROFILE,
            {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        )
    )
    crate.root_dataset["conformsTo"] = profile
    for name, text, media_type in (
        (RECORD, "The export, for programs", "application/json"),
        (NOTEBOOK, "The export as a notebook", "application/x-ipynb+json"),
        (PAGE, "The export as a page", "text/html"),
    ):
        properties = {"name": text, "encodingFormat": media_type}
        crate.add_file(package.folder / name, name, properties=properties)
    tools = {tool.name: _add_tool(crate, tool) for tool in export.tools}
    actions = [_add_run(crate, package, run, tools[run.tool]) for run in export.runs]
    crate.root_dataset["mentions"] = actions[0] if len(actions) == 1 else actions


def _add_tool(crate: ROCrate, tool: ExportedTool) -> Any:
    from rocrate.model.contextentity import ContextEntity

    source = tool.source
    properties: dict[str, Any] = {
        "@type": "SoftwareApplication",
        "name": tool.name,
        "description": tool.description or f"The command-line tool {tool.name}",
        "softwareVersion": tool.commit or str(tool.version_number),
    }
    if source is not None and source.kind is not SourceKind.FOLDER:
        properties["url"] = source.location if source.kind is SourceKind.GIT else str(source)
        properties["installUrl"] = str(source)
    if creating := cells.create(tool):
        properties["softwareHelp"] = creating
    return crate.add(ContextEntity(crate, _identifier(tool), properties))


def _identifier(tool: ExportedTool) -> str:
    """Return an absolute URI of a tool."""
    source = tool.source
    if source is not None and source.kind is SourceKind.GIT and "://" in source.location:
        return str(source)
    return f"urn:tooinstance:{quote(tool.name)}:{quote(tool.commit or str(tool.version_number))}"


def _add_run(crate: ROCrate, package: Package, run: ExportedRun, tool: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    properties: dict[str, Any] = {
        "@type": "CreateAction",
        "name": run.label or f"Run {run.number} of {run.tool}",
        "description": ". ".join(filter(None, (run.missing, cells.run(run, {}).splitlines()[0]))),
        "actionStatus": _status(run.status),
    }
    for name, time in (("startTime", run.started_at), ("endTime", run.finished_at)):
        if time is not None:
            properties[name] = time.isoformat(timespec="seconds")
    if run.status is not RunStatus.SUCCEEDED:
        properties["error"] = run.message
    action = crate.add(ContextEntity(crate, f"#run-{run.number}", properties))
    action["instrument"] = tool
    action["object"] = [
        *(one for file in run.given if (one := _add_content(crate, package, file))),
        *_add_arguments(crate, run),
    ]
    action["result"] = [
        one
        for file in (run.stdout, run.stderr, *run.files)
        if (one := _add_content(crate, package, file))
    ]
    if run.by:
        from rocrate.model.person import Person

        action["agent"] = crate.add(Person(crate, f"#{run.by}", {"name": run.by}))
    return action


def _add_arguments(crate: ROCrate, run: ExportedRun) -> list[Any]:
    from rocrate.model.contextentity import ContextEntity

    named = [*(("argument", word) for word in run.arguments), *run.plain_variables.items()]
    return [
        crate.add(
            ContextEntity(
                crate,
                f"#run-{run.number}-{number}",
                {"@type": "PropertyValue", "name": name, "value": value},
            )
        )
        for number, (name, value) in enumerate(named, start=1)
    ]


def _add_content(crate: ROCrate, package: Package, file: ExportedFile) -> Any:
    path = package.path(file)
    if path is None or file.place is None:
        return None
    properties = {
        "name": file.path,
        "contentSize": str(file.size_bytes),
        "sha256": file.sha256 or "",
        "encodingFormat": file.media_type
        or mimetypes.guess_type(file.path)[0]
        or "application/octet-stream",
    }
    return crate.add_file(path, file.place, properties=properties)


def _status(status: RunStatus) -> str:
    kind = "Completed" if status is RunStatus.SUCCEEDED else "Failed"
    return f"http://schema.org/{kind}ActionStatus"
