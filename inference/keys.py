"""Ed25519 keys of artefacts: which public keys are trusted, and the signing key of this installation."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from inference.domain.errors import InternalError

RELEASE_KEYS = Path(__file__).parent / "trusted_keys.json"
KEY_ID_LENGTH = 16

TrustedKeys = Mapping[str, Ed25519PublicKey]


class UnusableKey(InternalError):
    """A key file is damaged or holds a key of another kind."""

    code = "key_unusable"


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:KEY_ID_LENGTH]


def public_text(public: Ed25519PublicKey) -> str:
    """The raw public key in base64, as it stands in a key list."""
    return base64.b64encode(public.public_bytes_raw()).decode("ascii")


def read_public(text: str) -> Ed25519PublicKey:
    """The key behind `public_text`. Raises `UnusableKey`."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise UnusableKey("not an Ed25519 public key in base64") from error


def read_private(path: Path) -> Ed25519PrivateKey:
    """An Ed25519 private key from an unencrypted PKCS #8 PEM file. Raises `UnusableKey`."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UnusableKey(f"{path.name}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(f"{path.name}: not an Ed25519 key")
    return key


def create_private(path: Path) -> None:
    """Write a fresh private key, readable by its owner only; where one stands already, that one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    # a link, not a rename: where another process of this installation was first, its key is the key
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()


def signing_key_path(data_dir: Path) -> Path:
    """Where the installation keeps its own signing key."""
    return data_dir / "keys" / "signing.key"


def vendor_keys_path(data_dir: Path) -> Path:
    """Where the operator lists the public keys of plugin makers that this installation trusts."""
    return data_dir / "keys" / "trusted_keys.json"


def installation_key(data_dir: Path) -> Ed25519PrivateKey:
    """The installation's signing key, made on first use. Raises `UnusableKey`."""
    path = signing_key_path(data_dir)
    if not path.exists():
        create_private(path)
    return read_private(path)


def listed_keys(path: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys of one list, by key id; an absent list is empty. Raises `UnusableKey`."""
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = [read_public(row["public_key"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableKey(f"{path.name} is not a list of keys: {error}") from error
    return {key_id(key): key for key in keys}


def trust_key(path: Path, public: Ed25519PublicKey, note: str) -> None:
    """Add a public key to a list; adding it again changes nothing. Raises `UnusableKey` for a damaged list."""
    known = listed_keys(path)
    if key_id(public) in known:
        return
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["keys"] if known else []
    rows.append({"key_id": key_id(public), "public_key": public_text(public), "note": note})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"keys": rows}, indent=2) + "\n", encoding="utf-8")


def trusted_keys(data_dir: Path | None = None) -> dict[str, Ed25519PublicKey]:
    """The project's release keys; with `data_dir` also that installation's own key and its list of makers' keys."""
    keys = listed_keys(RELEASE_KEYS)
    if data_dir is not None:
        keys |= listed_keys(vendor_keys_path(data_dir))
        if signing_key_path(data_dir).exists():
            own = read_private(signing_key_path(data_dir)).public_key()
            keys[key_id(own)] = own
    return keys
