"""Every text that a customer can meet: of templates, of refusals, of plugins' reports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRANSLATE = re.compile(r"""{% translate (?:"([^"]+)"|'([^']+)') %}""")
BLOCK = re.compile(r"{% blocktranslate([^%]*)%}(.*?){% endblocktranslate %}", re.DOTALL)
CODE = ("platform/api", "platform/portal", "billing", "tenants", "inference")
TEMPLATES = ("platform/*/templates/**/*.html", "billing/templates/**/*.html", "inference/templates/**/*.html")
CALLS = {
    "_",
    "gettext",
    "gettext_noop",
    "gettext_lazy",
    "ngettext",
    "UnsupportedInput",
    "UnreadableFile",
    "Refused",
    "Told",
}


def of_templates() -> set[str]:
    """What stands in the portal's pages, on invoices and in reports."""
    found: set[str] = set()
    for path in [path for pattern in TEMPLATES for path in ROOT.glob(pattern)]:
        text = path.read_text(encoding="utf-8")
        found |= {first or second for first, second in TRANSLATE.findall(text)}
        for _options, body in BLOCK.findall(text):
            found |= {re.sub(r"{{ ?(\w+) ?}}", r"%(\1)s", part) for part in re.split(r"{% plural %}", body)}
    return found


def of_code() -> set[str]:
    """Templates of refusals, texts that are marked, and sentences of reports."""
    found: set[str] = set()
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            operators = path.name.startswith(("admin", "figures_told"))
            if "migrations" not in path.parts and not operators:
                found |= of_module(path)
    return found


def of_module(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "template" for t in node.targets):
            found |= text_of(node.value)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
            for argument in node.args[:2]:
                found |= text_of(argument)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "entry":
            found |= {text for argument in node.args[2:3] for text in text_of(argument)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and isinstance(node.value.value, ast.Tuple):
            found |= text_of(node.value.value.elts[0])
    return {text for text in found if " " in text}


def of_tables() -> set[str]:
    """Texts in tables of the API's errors and of the reports of our plugins."""
    from api import errors
    from inference import outcomes
    from inference.plugins.xray_chest_nodule import postprocess

    found = {
        *errors.TITLES.values(),
        errors.NOT_FOUND,
        errors.OUR_FAILURE,
        *(text for _, text in errors.FRAMEWORK.values()),
        *(text for _, text in errors.BODY.values()),
    }
    found |= {
        outcomes.INTERNAL_ERROR["template"],
        postprocess.SIDES_NOTE,
        postprocess.SPACING_NOTE,
        postprocess.IMAGER_NOTE,
    }
    found |= {code.display for code in (postprocess.NODULE, postprocess.MASS, postprocess.SIZE_UNKNOWN)}
    lungs = [display for _, display in postprocess.LUNGS.values()]
    return found | {f"{lung}, {zone} zone" for lung in lungs for zone in ("upper", "mid", "lower")}


def text_of(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value else set()


def every_message() -> set[str]:
    return of_templates() | of_code() | of_tables()
