"""`manage.py analyse PLUGIN PATH...`: try a plugin on files, without tenant and bill.

Exit status: 0 with a report, 1 after a failure of ours, 2 for wrong usage, 3 for a refused input, 4 for files that can
not be read.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.analysis import Outcome, RejectedFile, analyse, read_study
from inference.domain.errors import InternalError, UnreadableFile, UserError
from inference.domain.report import Finding, Prediction, Report
from inference.plugins import registry
from inference.plugins.base import AnyPlugin

FAILED, USAGE, REFUSED, UNREADABLE = 1, 2, 3, 4
REPORT_FILE = "report.json"

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """The report goes to standard output, everything else to standard error."""

    help = "Run a plugin on files or folders in this process: DICOM, zip of DICOM, PNG, JPEG. No tenant, no bill."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("plugin", help="slug of the plugin, as `manage.py plugins` lists it")
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        parser.add_argument("--out", type=Path, help=f"folder to write {REPORT_FILE} into")

    def handle(self, *args: Any, **options: Any) -> None:
        plugin, paths = self.usable(options["plugin"], options["paths"])
        make_folder(options["out"])
        try:
            document, text = self.run(plugin, paths)
        except UserError as error:
            self.fail(error.code, error.detail, status_of(error), as_json=options["json"])
        except InternalError as error:
            self.fail(error.code, str(error), FAILED, as_json=options["json"])
        # whatever a plugin raises is told by code and exit status; the traceback goes to the log
        except Exception:
            logger.exception("the analysis failed")
            self.fail(InternalError.code, "The analysis failed; the log tells why.", FAILED, as_json=options["json"])
        else:
            self.give(document, text, options["out"], as_json=options["json"])

    def usable(self, slug: str, paths: Sequence[Path]) -> tuple[AnyPlugin, list[Path]]:
        """The plugin and the files. Raises `CommandError` with the status of wrong usage."""
        try:
            plugin = registry.get(slug)
        except UserError as error:
            raise CommandError(error.detail, returncode=USAGE) from error
        try:
            missing = [str(path) for path in paths if not path.exists()]
            files = list(dict.fromkeys(file for path in paths for file in files_under(path)))
        except OSError as error:
            raise CommandError(f"This can not be read: {error}", returncode=USAGE) from error
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}", returncode=USAGE)
        closed = [str(path) for path in (*paths, *files) if not os.access(path, os.R_OK)]
        if closed:
            raise CommandError(f"Permission to read is missing: {', '.join(closed)}", returncode=USAGE)
        if not files:
            raise CommandError("The folder holds no file.", returncode=USAGE)
        return plugin, files

    def run(self, plugin: AnyPlugin, paths: Sequence[Path]) -> tuple[dict[str, Any], str]:
        """The report for machines and for people."""
        with read_study(paths) as study:
            for file in study.rejected:
                self.stderr.write(f"{file.name}: {file.error.detail} ({file.error.code})")
            outcome = analyse(plugin, study)
        return as_document(plugin, outcome, study.rejected), "\n".join(lines(outcome.report))

    def give(self, document: dict[str, Any], text: str, out: Path | None, *, as_json: bool) -> None:
        """Print the report, and keep it where asked."""
        spelled = json.dumps(document, ensure_ascii=False)
        if out is not None:
            (out / REPORT_FILE).write_text(spelled + "\n", encoding="utf-8")
        self.stdout.write(spelled if as_json else text)

    def fail(self, code: str, detail: str, status: int, *, as_json: bool) -> None:
        """Tell the reason and end with the status."""
        if as_json:
            self.stdout.write(json.dumps({"error": {"code": code, "detail": detail}}, ensure_ascii=False))
        else:
            self.stderr.write(f"{detail} ({code})")
        raise SystemExit(status)


def make_folder(out: Path | None) -> None:
    """Before the work is done, so that its result is not lost for want of a place."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The report can not be written: {error}", returncode=USAGE) from error
    if not os.access(out, os.W_OK):
        raise CommandError(f"The report can not be written: {out} is closed to writing.", returncode=USAGE)


def files_under(path: Path) -> list[Path]:
    """The file itself, or all files of a folder by name."""
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def status_of(error: UserError) -> int:
    """Unreadable files are told apart from readable ones that do not fit."""
    return UNREADABLE if isinstance(error, UnreadableFile) else REFUSED


def as_document(plugin: AnyPlugin, outcome: Outcome, rejected: Sequence[RejectedFile]) -> dict[str, Any]:
    """The report as JSON values."""
    manifest = plugin.manifest
    return {
        **asdict(outcome.report),
        "model": {"plugin": manifest.slug, "version": manifest.version, "weights_sha256": outcome.model.sha256},
        "quantity": str(outcome.quantity),
        "unit": manifest.unit,
        "rejected": [{"name": file.name, "code": file.error.code, "detail": file.error.detail} for file in rejected],
        "disclaimer": manifest.disclaimer.en,
    }


def lines(report: Report) -> Iterator[str]:
    """The report for a reader at a terminal."""
    yield report.status.replace("_", " ")
    yield from map(finding_line, report.findings)
    yield from map(prediction_line, report.predictions)
    yield from (f"{name}: {value:g}" for name, value in report.measures.items())
    yield from report.notes


def finding_line(finding: Finding) -> str:
    """Type, score, place and size of one finding."""
    place = ", ".join(f"{value:.0f}" for value in finding.location.centroid_px)
    size = f"{finding.size.long_axis_px:.0f} x {finding.size.short_axis_px:.0f} px"
    if finding.size.long_axis_mm is not None and finding.size.short_axis_mm is not None:
        size = f"{finding.size.long_axis_mm:.1f} x {finding.size.short_axis_mm:.1f} mm"
    return f"{finding.type.display}  score {finding.score:.2f}  at ({place}) px  {size}"


def prediction_line(prediction: Prediction) -> str:
    """The two most probable labels of one item."""
    labels = ", ".join(f"{label.name} {label.probability:.3f}" for label in prediction.labels[:2])
    return f"{prediction.item}: {labels}"
