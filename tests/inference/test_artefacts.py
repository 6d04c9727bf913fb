"""Artefacts are loaded only as they were signed."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inference.artefacts import SIGNATURE_DOMAIN, ArtefactRefused, VerifiedArtefacts, canonical, sign, verify
from inference.keys import TrustedKeys, key_id

pytestmark = pytest.mark.database_free

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED: TrustedKeys = {key_id(KEY.public_key()): KEY.public_key()}


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    folder = tmp_path / "artefacts"
    folder.mkdir()
    (folder / "weights.npz").write_bytes(b"weights")
    (folder / "card.json").write_text("{}")
    sign(folder, "digits", "1.0.0", KEY)
    return folder


def check(folder: Path) -> VerifiedArtefacts:
    return verify(folder, "digits", "1.0.0", TRUSTED)


def rewrite(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_what_was_signed_is_verified(signed: Path) -> None:
    found = check(signed)
    assert [file.name for file in found.files] == ["card.json", "weights.npz"]
    assert found.key_id == key_id(KEY.public_key())


def test_the_digest_of_the_set_depends_on_the_files_alone(signed: Path) -> None:
    before = check(signed).sha256
    sign(signed, "digits", "1.0.0", KEY)
    assert check(signed).sha256 == before
    (signed / "weights.npz").write_bytes(b"others!")
    sign(signed, "digits", "1.0.0", KEY)
    assert check(signed).sha256 != before


def flip_a_byte(folder: Path) -> None:
    (folder / "weights.npz").write_bytes(b"weightz")


def shorten(folder: Path) -> None:
    (folder / "weights.npz").write_bytes(b"weight")


def remove(folder: Path) -> None:
    (folder / "weights.npz").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "extra.npz").write_bytes(b"x")


def add_a_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"x")


def add_a_saved_model(folder: Path) -> None:
    (folder / "saved").mkdir()
    (folder / "saved" / "saved_model.pb").write_bytes(b"x")


def hide_a_program_among_the_logs(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / "saved_model.pb").write_bytes(b"x")


def link_instead_of_file(folder: Path) -> None:
    (folder / "weights.npz").rename(folder.parent / "weights.npz")
    os.symlink(folder.parent / "weights.npz", folder / "weights.npz")


def remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def cut_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1')


def drop_the_signature(folder: Path) -> None:
    rewrite(folder, lambda document: document.pop("signature"))


def claim_another_version(folder: Path) -> None:
    rewrite(folder, lambda document: document.update(version="2.0.0"))


def name_an_unknown_key(folder: Path) -> None:
    sign(folder, "digits", "1.0.0", STRANGER)


def borrow_the_name_of_a_trusted_key(folder: Path) -> None:
    sign(folder, "digits", "1.0.0", STRANGER)
    rewrite(folder, lambda document: document.update(key_id=key_id(KEY.public_key())))


def sign_for_another_plugin(folder: Path) -> None:
    sign(folder, "letters", "1.0.0", KEY)


FAULTS = [
    flip_a_byte,
    shorten,
    remove,
    add_a_file,
    add_a_pickle,
    add_a_saved_model,
    hide_a_program_among_the_logs,
    link_instead_of_file,
    remove_the_manifest,
    cut_the_manifest,
    drop_the_signature,
    claim_another_version,
    name_an_unknown_key,
    borrow_the_name_of_a_trusted_key,
    sign_for_another_plugin,
]


@pytest.mark.parametrize("harm", FAULTS, ids=lambda harm: str(harm.__name__))
def test_artefacts_are_refused_after(harm: Callable[[Path], None], signed: Path) -> None:
    check(signed)  # the control: only the harm makes the difference
    harm(signed)
    with pytest.raises(ArtefactRefused):
        check(signed)


@pytest.mark.parametrize(
    "name", ["model.h5", "model.hdf5", "model.pkl", "model.joblib", "model.pb", "model.py", "model"]
)
def test_a_format_that_can_carry_code_is_not_even_signed(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ArtefactRefused):
        sign(tmp_path, "digits", "1.0.0", KEY)


def test_an_empty_folder_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(ArtefactRefused):
        sign(tmp_path, "digits", "1.0.0", KEY)


@pytest.mark.parametrize(
    "name", ["../weights.npz", "/etc/passwd.txt", "sub/weights.npz", ".hidden.npz", "manifest.json"]
)
def test_a_signed_name_with_a_path_in_it_is_refused(name: str, signed: Path) -> None:
    document = json.loads((signed / "manifest.json").read_text())
    document["files"][0]["name"] = name
    resign(signed, document)
    with pytest.raises(ArtefactRefused, match="plain file name"):
        check(signed)


def resign(folder: Path, document: dict[str, object]) -> None:
    """What a careless holder of a trusted key could sign."""
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    document["signature"] = b64encode(KEY.sign(SIGNATURE_DOMAIN + canonical(unsigned))).decode()
    (folder / "manifest.json").write_text(json.dumps(document))


def test_a_file_listed_twice_is_refused(signed: Path) -> None:
    document = json.loads((signed / "manifest.json").read_text())
    document["files"].append(document["files"][0])
    resign(signed, document)
    with pytest.raises(ArtefactRefused, match="twice"):
        check(signed)


def test_logs_of_the_training_may_lie_beside_the_artefacts(signed: Path) -> None:
    (signed / "logs").mkdir()
    (signed / "logs" / "events.out.tfevents.1.host").write_bytes(b"x")
    assert len(check(signed).files) == 2
