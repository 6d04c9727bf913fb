from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import inference.intake
from inference.intake.codes import TEMPLATES, code_of, refusal

INTAKE = Path(inference.intake.__file__).parent
MODULES = [*INTAKE.glob("*.py"), *(INTAKE.parent / "deidentification").glob("*.py")]
# the codes that clients were promised; a new one may join, none may go
PROMISED = {
    "archive_refused",
    "burned_in_text",
    "empty_file",
    "file_too_large",
    "image_too_large",
    "mixed_kinds",
    "no_files",
    "not_an_image",
    "other_study",
    "request_too_large",
    "too_many_files",
    "uid_conflict",
    "unreadable_file",
    "unsupported_syntax",
}


def reasons_in_use() -> set[str]:
    """Every literal in the modules that looks like a reason of a known code."""
    texts = {
        node.value
        for path in MODULES
        if path.name != "codes.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if code_of(text) in PROMISED and re.fullmatch(r"[a-z_.]+", text)}


def test_no_promised_code_is_gone() -> None:
    assert {code_of(reason) for reason in TEMPLATES} == PROMISED


def test_every_reason_in_use_has_a_sentence_and_every_sentence_is_in_use() -> None:
    assert reasons_in_use() == set(TEMPLATES)


@pytest.mark.parametrize("reason", sorted(TEMPLATES))
def test_every_sentence_can_be_filled_in(reason: str) -> None:
    places = re.findall(r"%\((\w+)\)s", TEMPLATES[reason])
    error = refusal(reason, **dict.fromkeys(places, "7"))
    assert error.code == code_of(reason)
    assert "%" not in error.detail
    assert error.detail.endswith(".")


def test_the_sentences_are_each_their_own() -> None:
    assert len(set(TEMPLATES.values())) == len(TEMPLATES), "a child names its reason by the sentence"
