"""Which keys are trusted, and how the installation's own key comes to be."""

from __future__ import annotations

import base64
import json
import re
import stat
from pathlib import Path

import pytest

from inference import keys

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[2]


def test_the_release_keys_are_trusted_everywhere() -> None:
    assert keys.trusted_keys().keys() == keys.listed_keys(keys.RELEASE_KEYS).keys()
    assert len(keys.trusted_keys()) == 3


def test_each_listed_key_id_is_the_one_of_its_key() -> None:
    rows = json.loads(keys.RELEASE_KEYS.read_text())["keys"]
    assert [row["key_id"] for row in rows] == list(keys.listed_keys(keys.RELEASE_KEYS))


def test_the_key_of_an_installation_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    first = keys.installation_key(tmp_path)
    second = keys.installation_key(tmp_path)
    assert keys.key_id(first.public_key()) == keys.key_id(second.public_key())
    assert stat.S_IMODE(keys.signing_key_path(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.key"]


def test_a_key_that_another_process_wrote_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    keys.create_private(path)
    before = path.read_bytes()
    keys.create_private(path)
    assert path.read_bytes() == before


def test_an_installation_trusts_its_own_key_and_another_one_does_not(tmp_path: Path) -> None:
    own = keys.key_id(keys.installation_key(tmp_path / "a").public_key())
    assert own in keys.trusted_keys(tmp_path / "a")
    assert own not in keys.trusted_keys(tmp_path / "b")


def test_a_makers_key_is_trusted_once_the_operator_listed_it(tmp_path: Path) -> None:
    maker = keys.installation_key(tmp_path / "maker").public_key()
    assert keys.key_id(maker) not in keys.trusted_keys(tmp_path)
    for _ in range(2):
        keys.trust_key(keys.vendor_keys_path(tmp_path), maker, "a maker")
    assert keys.key_id(maker) in keys.trusted_keys(tmp_path)
    assert len(json.loads(keys.vendor_keys_path(tmp_path).read_text())["keys"]) == 1


@pytest.mark.parametrize("text", ["", "no key", base64.b64encode(b"short").decode()])
def test_a_text_that_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(keys.UnusableKey):
        keys.read_public(text)


@pytest.mark.parametrize("content", ["", "{}", '{"keys": [{}]}', '{"keys": [{"public_key": "x"}]}', "[1"])
def test_a_damaged_key_list_is_an_error_and_not_an_empty_list(content: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(keys.UnusableKey):
        keys.listed_keys(path)


def test_a_damaged_private_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text("no key")
    with pytest.raises(keys.UnusableKey):
        keys.read_private(path)


PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}")


def private_keys_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and PRIVATE.search(path.read_bytes())]


def test_the_package_ships_no_private_key(tmp_path: Path) -> None:
    assert private_keys_in(ROOT / "inference") == []
    keys.create_private(tmp_path / "control.key")
    assert private_keys_in(tmp_path) == [tmp_path / "control.key"]
