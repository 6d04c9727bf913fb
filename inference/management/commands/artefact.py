"""`manage.py artefact`: sign a folder of artefacts, check one, or trust the key of a plugin's maker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.artefacts import sign, verify
from inference.domain.errors import InternalError
from inference.keys import (
    create_private,
    installation_key,
    key_id,
    public_text,
    read_private,
    read_public,
    trust_key,
    vendor_keys_path,
)
from inference.plugins.loading import installation_trust


class Command(BaseCommand):
    """One sub-command per verb; every failure is one sentence and exit status 1."""

    help = "Sign and check artefacts, make a signing key, trust the key of a plugin's maker."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb in ("sign", "verify"):
            part = verbs.add_parser(verb)
            part.add_argument("directory", type=Path)
            part.add_argument("plugin")
            part.add_argument("version")
            if verb == "sign":
                part.add_argument("--key", type=Path, help="PEM file of an Ed25519 key (default: this installation's)")
        verbs.add_parser("keygen").add_argument("path", type=Path)
        trust = verbs.add_parser("trust")
        trust.add_argument("public_key", help="base64 of the raw Ed25519 public key")
        trust.add_argument("--note", default="", help="whose key it is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(getattr(self, options["verb"])(options))
        except InternalError as error:
            raise CommandError(str(error)) from error

    def sign(self, options: dict[str, Any]) -> str:
        key = read_private(options["key"]) if options["key"] else installation_key(settings.ASSAY_DATA_DIR)
        target = sign(options["directory"], options["plugin"], options["version"], key)
        return f"wrote {target}, signed by {key_id(key.public_key())}"

    def verify(self, options: dict[str, Any]) -> str:
        found = verify(options["directory"], options["plugin"], options["version"], installation_trust())
        return f"{len(found.files)} files as signed by {found.key_id}; sha256 {found.sha256}"

    def keygen(self, options: dict[str, Any]) -> str:
        if options["path"].exists():
            raise CommandError(f"{options['path']} exists; a key is never overwritten")
        create_private(options["path"])
        public = read_private(options["path"]).public_key()
        return f"wrote {options['path']}; public key {public_text(public)}"

    def trust(self, options: dict[str, Any]) -> str:
        public = read_public(options["public_key"])
        trust_key(vendor_keys_path(settings.ASSAY_DATA_DIR), public, options["note"])
        return f"artefacts signed by {key_id(public)} are trusted by this installation"
