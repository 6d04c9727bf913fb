"""The sentences of a report in the reader's language. They are stored in English, with the number of their image."""

from __future__ import annotations

import re

from django.utils.translation import gettext

NUMBERED = re.compile(r"^Image (\d+): ")


def in_language(note: str) -> str:
    """The note, translated where its sentence is known."""
    numbered = NUMBERED.match(note)
    if not numbered:
        return gettext(note)
    template = gettext(NUMBERED.sub("Image %d: ", note.replace("%", "%%")))
    return template % int(numbered[1])
