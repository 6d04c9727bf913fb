from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.database_free
COMMITTED = Path(__file__).resolve().parents[2] / "openapi.json"


def test_the_committed_file_is_what_the_code_says(tmp_path: Path) -> None:
    made = tmp_path / "openapi.json"
    call_command("spectacular", "--format", "openapi-json", "--file", str(made), "--validate", "--fail-on-warn")
    assert json.loads(made.read_text()) == json.loads(COMMITTED.read_text()), "write it anew: manage.py spectacular"


def test_every_operation_names_its_problems_and_its_credential() -> None:
    schema = json.loads(COMMITTED.read_text())
    assert schema["openapi"] == "3.1.0"
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["security"], (path, method)
            assert operation["operationId"], (path, method)


def test_the_documentation_is_served_from_our_own_files() -> None:
    page = Client().get("/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page
    assert "//cdn" not in page
