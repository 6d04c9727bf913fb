"""Form encoding with brackets: `items[0][price]=p` is `{"items": [{"price": "p"}]}`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

PART = re.compile(r"\[([^\]]*)\]")


def decode(text: str) -> dict[str, Any]:
    """The nested parameters; every leaf is a string."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        _put(tree, [head, *PART.findall(bracket + rest)], value)
    return {key: _lists(value) for key, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            return
        tree = below
    tree[path[-1] or str(len(tree))] = value


def _lists(value: Any) -> Any:
    """Dictionaries whose keys are 0, 1, 2... become lists."""
    if not isinstance(value, dict):
        return value
    made = {key: _lists(below) for key, below in value.items()}
    if made and all(key.isdigit() for key in made):
        return [made[key] for key in sorted(made, key=int)]
    return made
