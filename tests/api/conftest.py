"""A clinic with a plan and a study, and a client of the API with its key."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from inference.models import Study
from tests.conftest import Party, make_party
from tests.inference.work import echo_installed, study_of, subscribe


@pytest.fixture
def clinic(db: None) -> Iterator[Party]:
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


@pytest.fixture
def study(clinic: Party) -> Study:
    return study_of(clinic.tenant)


class Api:
    """A client with one credential."""

    def __init__(self, token: str, **headers: str) -> None:
        self.client, self.headers = Client(), {"HTTP_AUTHORIZATION": f"Bearer {token}", **headers}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, **self.headers, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        data = json.dumps(body if body is not None else {})
        return self.client.post(path, data, content_type="application/json", **self.headers, **headers)

    def upload(self, *files: io.BytesIO, **fields: str) -> Any:
        return self.client.post("/v1/studies", {"files": list(files), **fields}, **self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(path, **self.headers)


@pytest.fixture
def api(clinic: Party) -> Api:
    return Api(clinic.token)
