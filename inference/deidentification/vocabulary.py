"""Words that name no person: what a free text or a coded string may consist of, to be kept.

`vocabulary.txt` has them by group, in capitals. A text with any other word goes as a whole: a list of what is allowed
can be read and checked, a list of what is forbidden never ends.
"""

from __future__ import annotations

import re
from pathlib import Path

LONGEST_TEXT = 256
SEPARATORS = re.compile(r"[\s_\\/,;:()\[\]<>^+&|=*-]+")
# a thickness, a count, a factor; a longer number may be somebody's
NUMBER = re.compile(r"0?\d{1,3}(\.\d{1,3})?(MM|CM|S|SEC|MIN|MS|KV|KVP|MA|MAS|ML|X|T|D|%)?")
KERNEL = re.compile(r"[A-Z]{1,2}\d{1,2}[A-Z]?")


def _words() -> frozenset[str]:
    lines = (Path(__file__).parent / "vocabulary.txt").read_text(encoding="ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


WORDS = _words()


def is_plain(text: str) -> bool:
    """Whether every word of `text` is in the vocabulary, or a short number."""
    if len(text) > LONGEST_TEXT or not text.isascii():
        return False
    return all(_is_known(word) for word in SEPARATORS.split(text.upper()) if word)


def _is_known(word: str) -> bool:
    bare = word.strip(".'\"")
    return not bare or bare in WORDS or bool(NUMBER.fullmatch(bare) or KERNEL.fullmatch(bare))
