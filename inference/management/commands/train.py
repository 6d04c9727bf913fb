"""`manage.py train PLUGIN`: train a plugin's model anew and sign it with the key of this installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inference.artefacts import sign, verify
from inference.domain.errors import UserError
from inference.keys import installation_key
from inference.plugins import registry
from inference.plugins.base import Manifest, TrainingNotOffered, TrainingOptions
from inference.plugins.loading import installation_trust, models_folder
from inference.training.card import CARD_FILE


class Command(BaseCommand):
    """Progress goes to standard error; the model card is printed at the end."""

    help = "Train a plugin's model. The result lies under the data directory and is used once a person activates it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("plugin", help="slug of the plugin, as `manage.py plugins` lists it")
        parser.add_argument("--seed", type=seed, default=0, help="the same seed gives the same weights (default 0)")
        parser.add_argument("--samples", type=positive, help="how many training samples (default: the plugin's)")
        parser.add_argument("--epochs", type=positive, help="how many passes (default: the plugin's)")
        parser.add_argument("--backgrounds", type=Path, help="folder of images that the plugin may train on")
        parser.add_argument("--start", type=Path, help="model file whose weights training starts from")
        parser.add_argument(
            "--out", type=Path, help="folder for the artefacts (default: a new one in the data directory)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        backgrounds = options["backgrounds"]
        if backgrounds is not None and not backgrounds.is_dir():
            raise CommandError(f"{backgrounds} is no folder of images")
        if options["start"] is not None and not options["start"].is_file():
            raise CommandError(f"{options['start']} is no model file")
        try:
            plugin = registry.get(options["plugin"])
            out = options["out"] or new_folder(plugin.manifest, options["seed"])
            out.mkdir(parents=True, exist_ok=True)
            chosen = {name: options[name] for name in ("seed", "samples", "epochs", "backgrounds", "start")}
            plugin.train(TrainingOptions(out, **chosen))
        except TrainingNotOffered as error:
            raise CommandError(f"The plugin {error} has no training.") from error
        except UserError as error:
            raise CommandError(error.detail) from error
        except OSError as error:
            raise CommandError(f"the model can not be written: {error}") from error
        self.finish(plugin.manifest, out)

    def finish(self, manifest: Manifest, out: Path) -> None:
        """Sign what was written, check it as a worker would, and show the card."""
        sign(out, manifest.slug, manifest.version, installation_key(settings.ASSAY_DATA_DIR))
        verify(out, manifest.slug, manifest.version, installation_trust())
        card = out / CARD_FILE
        if card.exists():
            self.stdout.write(card.read_text(encoding="utf-8"))
        self.stdout.write(f"The signed model lies in {out}")


def seed(text: str) -> int:
    """A seed that every random generator takes."""
    if not 0 <= (number := int(text)) < 2**32:
        raise ValueError(text)
    return number


def positive(text: str) -> int:
    """A count of at least 1."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def new_folder(manifest: Manifest, seed: int) -> Path:
    """A folder of this run's own: a trained model is never overwritten."""
    stamp = timezone.now().strftime("%Y%m%dT%H%M%S")
    return models_folder(manifest.slug, manifest.version) / f"seed{seed}-{stamp}"
