"""The sentences of a report in the reader's language. They are stored in English, with the number of their image."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from inference.domain.advice import Told

NUMBERED = re.compile(r"^Image (\d+): ")


def in_language(note: str) -> str:
    """The note, translated where its sentence is known."""
    numbered = NUMBERED.match(note)
    if not numbered:
        return gettext(note)
    template = gettext(NUMBERED.sub("Image %d: ", note.replace("%", "%%")))
    return template % int(numbered[1])


def told(sentence: Told) -> str:
    """A sentence of the rules beside the network in the reader's language, filled in."""
    return gettext(sentence.template) % dict(sentence.params)
