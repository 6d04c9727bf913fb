"""Signed artefacts: a model file is opened only after its digest and the signature over all digests were checked.

A folder of artefacts holds flat files and `manifest.json`:
`{"format": 1, "plugin", "version", "files": [{"name", "sha256", "bytes"}], "key_id", "signature"}`.
The signature is Ed25519 over the canonical JSON of everything else, in base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inference.domain.errors import InternalError
from inference.keys import TrustedKeys, key_id

MANIFEST_NAME = "manifest.json"
FORMAT = 1
MANIFEST_LIMIT = 1_000_000
# a signature made for another kind of document must never fit here
SIGNATURE_DOMAIN = b"assay artefact manifest\n"
# formats that can not carry code: a pickle, an .h5 model or a SavedModel is a program
ALLOWED_SUFFIXES = frozenset({".keras", ".npz", ".safetensors", ".json", ".txt", ".csv", ".md", ".png"})
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LOGS_FOLDER = "logs"
LOG_FILE = re.compile(r"events\.out\.tfevents\.[A-Za-z0-9._-]+")


class ArtefactRefused(InternalError):
    """The artefacts are not what a trusted key signed; the plugin must not load them."""

    code = "artefact_refused"


@dataclass(frozen=True, slots=True)
class ArtefactFile:
    """One file: its plain name, its SHA-256 in hexadecimal and its length in bytes."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class VerifiedArtefacts:
    """A folder whose content is what the key `key_id` signed."""

    directory: Path
    plugin: str
    version: str
    files: tuple[ArtefactFile, ...]
    key_id: str

    @property
    def sha256(self) -> str:
        """One digest for the model: SHA-256 over the canonical list of the files."""
        return hashlib.sha256(canonical([asdict(file) for file in self.files])).hexdigest()


def canonical(value: object) -> bytes:
    """JSON with one spelling: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def sign(directory: Path, plugin: str, version: str, private_key: Ed25519PrivateKey) -> Path:
    """Write `manifest.json` over the files of `directory`. Raises `ArtefactRefused` for a file that may not ship."""
    files = [_measure(path) for path in _artefact_paths(directory)]
    if not files:
        raise ArtefactRefused(f"{directory.name} holds nothing to sign")
    document: dict[str, Any] = {
        "format": FORMAT,
        "plugin": plugin,
        "version": version,
        "files": [asdict(file) for file in files],
        "key_id": key_id(private_key.public_key()),
    }
    signature = private_key.sign(SIGNATURE_DOMAIN + canonical(document))
    document["signature"] = base64.b64encode(signature).decode("ascii")
    target = directory / MANIFEST_NAME
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return target


def verify(directory: Path, plugin: str, version: str, trusted: TrustedKeys) -> VerifiedArtefacts:
    """Check signature, owner and every file of `directory`; nothing is opened as a model here.

    Raises `ArtefactRefused` with the first fault found.
    """
    document = _read_manifest(directory / MANIFEST_NAME)
    _check_signature(document, trusted)
    if (document["plugin"], document["version"]) != (plugin, version):
        raise ArtefactRefused(f"made for {document['plugin']} {document['version']}, not for {plugin} {version}")
    files = tuple(ArtefactFile(**row) for row in document["files"])
    _check_files(directory, files)
    return VerifiedArtefacts(directory, plugin, version, files, document["key_id"])


def _artefact_paths(directory: Path) -> list[Path]:
    """The files of the folder but the manifest, by name; TensorBoard's logs beside them are let be."""
    if not directory.is_dir():
        raise ArtefactRefused(f"{directory.name} is not a folder")
    entries = sorted(directory.iterdir())
    return [path for path in entries if path.name != MANIFEST_NAME and not _is_log_folder(path) and _admit(path)]


def _admit(path: Path) -> bool:
    """True for a plain file of an allowed format; anything else raises `ArtefactRefused`."""
    if path.is_symlink() or not path.is_file():
        raise ArtefactRefused(f"{path.name} is not a plain file")
    _check_name(path.name)
    return True


def _is_log_folder(path: Path) -> bool:
    if path.name != LOGS_FOLDER or path.is_symlink() or not path.is_dir():
        return False
    strangers = [p for p in path.rglob("*") if p.is_symlink() or (not p.is_dir() and not LOG_FILE.fullmatch(p.name))]
    if strangers:
        raise ArtefactRefused(f"{LOGS_FOLDER}/{strangers[0].name} is not a TensorBoard log")
    return True


def _check_name(name: str) -> None:
    if not PLAIN_NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise ArtefactRefused(f"{name!r} is not a plain file name")
    if Path(name).suffix not in ALLOWED_SUFFIXES:
        raise ArtefactRefused(f"{name}: files of this format are never loaded")


def _measure(path: Path) -> ArtefactFile:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ArtefactFile(path.name, digest, path.stat().st_size)


def _read_manifest(path: Path) -> dict[str, Any]:
    """The parsed manifest with the types of its fields checked."""
    try:
        if path.is_symlink() or path.stat().st_size > MANIFEST_LIMIT:
            raise ArtefactRefused(f"{path.name} is a link or too large")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactRefused(f"no readable {path.name}") from error
    if not _is_manifest(document):
        raise ArtefactRefused(f"{path.name} is not an artefact manifest of format {FORMAT}")
    return dict(document)


def _is_manifest(document: object) -> bool:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return False
    texts = all(isinstance(document.get(name), str) for name in ("plugin", "version", "key_id", "signature"))
    rows = document.get("files")
    return texts and isinstance(rows, list) and all(_is_file_row(row) for row in rows)


def _is_file_row(row: object) -> bool:
    kinds = {"name": str, "sha256": str, "bytes": int}
    return isinstance(row, dict) and {name: type(value) for name, value in row.items()} == kinds


def _check_signature(document: dict[str, Any], trusted: TrustedKeys) -> None:
    public = trusted.get(document["key_id"])
    if public is None:
        raise ArtefactRefused(f"signed with the key {document['key_id']}, which is not trusted here")
    signed = {name: value for name, value in document.items() if name != "signature"}
    try:
        public.verify(base64.b64decode(document["signature"], validate=True), SIGNATURE_DOMAIN + canonical(signed))
    except (InvalidSignature, ValueError) as error:
        raise ArtefactRefused("the signature does not fit the manifest") from error


def _check_files(directory: Path, files: tuple[ArtefactFile, ...]) -> None:
    """The folder holds the listed files and no other, each with the listed digest."""
    for file in files:
        _check_name(file.name)
    listed = {file.name: file for file in files}
    present = {path.name: path for path in _artefact_paths(directory)}
    if len(listed) != len(files) or listed.keys() != present.keys():
        odd = sorted(listed.keys() ^ present.keys()) or ["a name listed twice"]
        raise ArtefactRefused(f"the manifest and the folder differ: {', '.join(odd)}")
    for name, path in present.items():
        if path.stat().st_size != listed[name].bytes or _measure(path) != listed[name]:
            raise ArtefactRefused(f"{name} is not the file that was signed")
