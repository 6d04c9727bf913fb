"""The model card beside every artefact: how the model was made, how good it is, and where it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CARD_FILE = "card.json"
LIBRARIES = ("tensorflow", "keras", "numpy")


def made_with() -> dict[str, str]:
    """The versions of the libraries that a model's figures depend on, as far as they are installed."""
    return {name: version(name) for name in LIBRARIES if find_spec(name)}


def write_card(folder: Path, card: Mapping[str, Any]) -> Path:
    """Write the card with the libraries' versions; returns its path. No date: the same run gives the same bytes."""
    path = folder / CARD_FILE
    text = json.dumps({**card, "made_with": made_with()}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path
