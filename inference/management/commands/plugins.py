"""`manage.py plugins`: what is installed, whether its artefacts are what was signed, and whether it works."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from inference.domain.errors import InternalError
from inference.plugins import loading, registry
from inference.plugins.base import AnyPlugin


@dataclass(frozen=True, slots=True)
class Check:
    """What was seen of one plugin. `self_test` is `not run` without `--self-test`."""

    slug: str
    version: str
    artefacts: str
    self_test: str
    ok: bool


class Command(BaseCommand):
    """Lists every plugin; exit status 1 when one of them is broken."""

    help = "List the installed plugins and check their artefacts; --self-test also loads and tries each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--self-test", action="store_true", help="load each model and run its self-test")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        registered = registry.installed().values()
        checks = [check(plugin, self_test=options["self_test"]) for plugin in registered]
        checks += [
            Check(slug, "", f"broken: {row.reason}", "not run", False) for slug, row in registry.broken().items()
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"plugins": [asdict(row) for row in checks]}, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(line(row) for row in checks) or "no plugin is installed")
        if not all(row.ok for row in checks):
            raise SystemExit(1)


def check(plugin: AnyPlugin, *, self_test: bool) -> Check:
    """Check the artefacts and, where asked, load the plugin and run its self-test."""
    name, version = plugin.manifest.slug, plugin.manifest.version
    try:
        found = loading.verified_artefacts(plugin)
    except InternalError as error:
        return Check(name, version, f"refused: {error}", "not run", False)
    artefacts = f"signed by {found.key_id}" if found.files else "none"
    if not self_test:
        return Check(name, version, artefacts, "not run", True)
    passed, detail = try_out(plugin)
    return Check(name, version, artefacts, detail, passed)


def try_out(plugin: AnyPlugin) -> tuple[bool, str]:
    """Whether the self-test passes, and what it said."""
    try:
        loading.load(plugin)
        outcome = plugin.self_test()
    # a report on plugins must survive any of them
    except Exception as error:
        return False, f"failed: {type(error).__name__}: {error}"
    return outcome.passed, f"{'passed' if outcome.passed else 'failed'}: {outcome.detail}"


def line(row: Check) -> str:
    """One line for a person."""
    mark = "ok    " if row.ok else "BROKEN"
    return f"{mark}  {row.slug} {row.version}  artefacts: {row.artefacts}  self-test: {row.self_test}"
