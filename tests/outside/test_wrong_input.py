"""Wrong input of each kind against the running product: a clear error, bounded memory, nothing good is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from ops.samples import chest_film
from tests.inference.intake import files
from tests.product import Product

pytestmark = pytest.mark.outside
GOOD = ("good.png", files.picture(size=(64, 64)))
MEMORY_MB = 400
PART = "application/octet-stream"


def send(client: httpx.Client, *named: tuple[str, bytes]) -> httpx.Response:
    return client.post("/v1/studies", files=[("files", (name, content, PART)) for name, content in named])


def truncated() -> bytes:
    film = chest_film().read_bytes()
    return film[: len(film) // 2]


def zip_bomb() -> bytes:
    return files.archive(*[(f"{number}.dcm", bytes(50_000_000)) for number in range(8)])


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cut.dcm", truncated, "unreadable_file"),
        ("cd.zip", lambda: files.archive(("README.docx", files.archive(("a", b"x")))), "archive_refused"),
        ("junk.dcm", lambda: chest_film().read_bytes() + b"words behind the film " * 20, "unreadable_file"),
        ("letter.dcm", lambda: b"Dear colleague, enclosed please find", "unreadable_file"),
        ("empty.dcm", lambda: b"", "empty_file"),
        ("bomb.zip", zip_bomb, "archive_refused"),
        ("bomb.dcm", files.deflate_bomb, "image_too_large"),
        ("wide.png", lambda: files.huge_png(14_000), "image_too_large"),
        ("lie.dcm", lambda: files.header_lie(60_000, 60_000, 1_000), "image_too_large"),
        ("page.html", lambda: b"<html><script>alert(1)</script></html>", "unreadable_file"),
    ],
)
def test_a_wrong_file_is_told_and_the_good_one_beside_it_is_stored(
    client: httpx.Client, product: Product, name: str, content: Any, code: str
) -> None:
    answer = send(client, GOOD, (name, content()))
    assert answer.status_code == httpx.codes.CREATED, answer.text
    good, *wrong = answer.json()["files"]
    assert good["status"] in {"stored", "duplicate"}
    assert {one["code"] for one in wrong} == {code}
    assert all(one["detail"] for one in wrong)
    assert most_memory(product) < MEMORY_MB


def test_five_thousand_files_are_refused_with_the_limit(client: httpx.Client, product: Product) -> None:
    answer = send(client, *[(f"{number}.png", GOOD[1]) for number in range(5_000)])
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    body = answer.json()
    assert body["code"] == "too_many_files"
    assert "at most 2000 files" in body["detail"]
    assert most_memory(product) < MEMORY_MB


def in_chunks(content: bytes) -> Iterator[bytes]:
    """A body whose length the client does not know: httpx sends it chunked."""
    for start in range(0, len(content), 50_000):
        yield content[start : start + 50_000]


def test_a_chunked_upload_is_taken_as_every_other(client: httpx.Client) -> None:
    whole = client.build_request(
        "POST", "/v1/studies", files=[("files", ("film.dcm", chest_film().read_bytes(), PART))]
    )
    kind = {"Content-Type": whole.headers["Content-Type"]}
    answer = client.post("/v1/studies", content=in_chunks(whole.read()), headers=kind)
    assert "Content-Length" not in answer.request.headers
    assert answer.status_code == httpx.codes.CREATED, answer.text
    assert [one["status"] for one in answer.json()["files"]] == ["stored"]
    asked = json.dumps({"study": answer.json()["id"], "plugin": "xray-chest-nodule"}).encode()
    quoted = client.post("/v1/jobs/estimate", content=in_chunks(asked), headers={"Content-Type": "application/json"})
    assert (quoted.status_code, set(quoted.json())) == (httpx.codes.OK, {"quote", "quota"})


def test_a_chunked_body_without_end_is_refused(client: httpx.Client, product: Product) -> None:
    answer = client.post("/v1/jobs", content=in_chunks(b"[" * 12_000_000), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
    assert most_memory(product) < MEMORY_MB


def test_a_body_without_end_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/jobs", content=b"[" * 12_000_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("path", ["/v1/studies", "/v1/jobs"])
def test_a_body_that_is_no_body_is_a_problem(client: httpx.Client, path: str) -> None:
    kind = {"/v1/studies": "multipart/form-data; boundary=x", "/v1/jobs": "application/json"}[path]
    answer = client.post(path, content=b"\xff\xfe{{{", headers={"Content-Type": kind})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


def photograph() -> bytes:
    stream = io.BytesIO()
    random = np.random.default_rng(3)
    canvas = np.asarray(Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).resize((640, 480)))
    Image.fromarray(canvas).save(stream, "PNG")
    return stream.getvalue()


def hospital_files() -> list[Any]:
    import pydicom.data

    wanted = ["CT_small.dcm", "MR_small.dcm"]
    return [pytest.param(Path(str(pydicom.data.get_testdata_file(name))), id=name) for name in wanted]


@pytest.mark.parametrize("path", hospital_files())
def test_a_study_of_another_kind_is_refused_and_costs_nothing(client: httpx.Client, path: Path) -> None:
    study = send(client, (path.name, path.read_bytes()))
    assert study.status_code == httpx.codes.CREATED, study.text
    refused_unbilled(client, study.json()["id"])


def test_a_photograph_is_refused_and_costs_nothing(client: httpx.Client) -> None:
    refused_unbilled(client, send(client, ("cat.png", photograph())).json()["id"])


def refused_unbilled(client: httpx.Client, study: str) -> None:
    answer = client.post("/v1/jobs", json={"study": study, "plugin": "xray-chest-nodule"})
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        assert answer.json()["code"] == "unsupported_input"
        assert client.get("/v1/jobs", params={"study": study}).json()["data"] == []
        return
    job = answer.json()
    while job["state"] in {"queued", "running"}:
        job = client.get(f"/v1/jobs/{job['id']}", params={"wait": 20}).json()
    assert (job["state"], job["error"]["code"]) == ("failed", "unsupported_input")
    assert client.get("/v1/usage", params={"job": job["id"]}).json()["data"] == []


def most_memory(product: Product) -> float:
    """The highest resident size in MB that any process of the web server ever had."""
    return max(
        peak(pid) for pid in below(product.process.pid) if b"granian" in command(pid) or b"intake" in command(pid)
    )


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def below(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [*children, *(deeper for child in children for deeper in below(child))]
