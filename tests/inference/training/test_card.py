"""The model card is plain, complete and the same for the same run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.training import card

pytestmark = pytest.mark.database_free


def test_a_card_names_the_libraries_that_made_the_model(tmp_path: Path) -> None:
    path = card.write_card(tmp_path, {"plugin": "digits"})
    written = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "card.json"
    assert written["plugin"] == "digits"
    assert "numpy" in written["made_with"]


def test_a_library_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "LIBRARIES", ("numpy", "no-such-library"))
    assert list(card.made_with()) == ["numpy"]


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    first = card.write_card(tmp_path, {"title": "数字"}).read_bytes()
    assert card.write_card(tmp_path, {"title": "数字"}).read_bytes() == first
    assert "数字" in first.decode("utf-8")
