"""What a request may say, read from the installed SDK itself.

Every `*_service.py` of the SDK names its routes and the `TypedDict` of their parameters. The SDK checks nothing at run
time, so a misspelt parameter reaches Stripe; here it is found: unknown, missing or ill-typed parameters and values
outside an enum (which the SDK's types have widened to any string).
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import stripe

from tests.fakes.stripe.errors import StripeFailure
from tests.fakes.stripe.typing_check import Problem, check_params

PACKAGE = Path(stripe.__file__).parent
PLACE = re.compile(r"\{[^}]*\}")
REMOVED = {("GET", "/v1/invoices/upcoming")}
"""Routes that are gone and would pass for an object's address."""


@dataclass(frozen=True)
class Route:
    """One method and path of the API; `template` has `{}` for each id."""

    method: str
    template: str
    params: tuple[str, str] | None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("/".join("([^/]+)" if part == "{}" else re.escape(part) for part in self.template.split("/")))

    @cached_property
    def typed_dict(self) -> Any:
        """The class that names the parameters, or None."""
        if self.params is None:
            return None
        module, name = self.params
        return getattr(importlib.import_module(module), name)


@cache
def routes() -> tuple[Route, ...]:
    """Every route of the SDK, those with the fewest ids first, so that a word wins over an id."""
    found = {(r.method, r.template): r for path in sorted(PACKAGE.rglob("*_service.py")) for r in _routes_of(path)}
    return tuple(sorted(found.values(), key=lambda route: (route.template.count("{}"), route.template)))


@cache
def _by_length() -> dict[tuple[str, int], list[Route]]:
    """The routes by method and number of parts, in the same order."""
    found: dict[tuple[str, int], list[Route]] = {}
    for route in routes():
        found.setdefault((route.method, route.template.count("/")), []).append(route)
    return found


def match(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a request and the ids in its path."""
    if (method, path) in REMOVED:
        return None
    for route in _by_length().get((method, path.count("/")), ()):
        found = route.pattern.fullmatch(path)
        if found:
            return route, found.groups()
    return None


def checked(route: Route, params: dict[str, Any], *, text: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The parameters as typed values, and what is wrong with them. `text`: every leaf came as a string (v1)."""
    if route.typed_dict is None:
        return params, [Problem("parameter_unknown", name, "takes no parameters") for name in params]
    return check_params(route.typed_dict, params, text=text)


def failure(problems: list[Problem]) -> StripeFailure:
    """The 400 for the first problem."""
    first = problems[0]
    return StripeFailure(400, f"{first.code}: {first.param}: {first.message}", code=first.code, param=first.param)


def _routes_of(path: Path) -> Iterator[Route]:
    tree = ast.parse(path.read_text())
    imported = _imports(tree)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            yield from _routes_in(function, imported)


def _imports(tree: ast.Module) -> dict[str, str]:
    """The module of each imported name."""
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in froms for alias in node.names if node.module}


def _routes_in(function: ast.FunctionDef, imported: dict[str, str]) -> Iterator[Route]:
    name = _params_name(function)
    params = (imported[name], name) if name in imported else None
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request":
            yield Route(_literal(node.args[0]).upper(), PLACE.sub("{}", _literal(node.args[1])), params)


def _params_name(function: ast.FunctionDef) -> str:
    """The class in the annotation of `params`, which may be wrapped in Optional."""
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            names = [n.value for n in ast.walk(argument.annotation) if isinstance(n, ast.Constant)]
            return str(names[0]) if names else ""
    return ""


def _literal(node: ast.expr) -> str:
    """A string constant, or the string that `.format` is called on."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise TypeError(f"no path at line {node.lineno}")
    return node.value
