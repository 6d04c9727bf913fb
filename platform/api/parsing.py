"""Bodies and form fields as JSON, with what no database and no client could carry on refused at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from api.errors import InvalidFields, entry

DEEPEST = 64


class CleanJSONParser(JSONParser):
    """JSON whose texts are storable and whose depth is bounded. Raises `ParseError` and `InvalidFields`."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return clean(super().parse(stream, media_type, parser_context))
        except RecursionError:
            raise ParseError from None


def clean_json(text: str, pointer: str) -> Any:
    """A form field that is written as JSON. Raises `InvalidFields`."""
    try:
        return clean(json.loads(text), pointer)
    except (ValueError, RecursionError) as error:
        raise InvalidFields([entry(pointer, "unparsable", "write a JSON object")]) from error


def clean(value: Any, pointer: str = "") -> Any:
    """The value itself. Raises `InvalidFields` for texts that can not be stored, and beyond 64 levels."""
    for place, depth, item in walk(value, pointer):
        if depth > DEEPEST:
            raise InvalidFields([entry(place, "too_deep", "at most %(most)s levels", most=DEEPEST)])
        if isinstance(item, str) and not is_storable(item):
            raise InvalidFields([entry(place, "invalid_text", "NUL and lone surrogates are not taken")])
    return value


def is_storable(text: str) -> bool:
    """PostgreSQL keeps no NUL, and a lone surrogate is no character of UTF-8."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def walk(value: Any, pointer: str) -> Iterator[tuple[str, int, Any]]:
    """Every key and value with its pointer and depth; with a stack, for the value may be deeper than Python recurses.

    The pointer is that of the nearest member whose name is known to be storable.
    """
    waiting: list[tuple[str, int, Any]] = [(pointer, 0, value)]
    while waiting:
        place, depth, item = waiting.pop()
        yield place, depth, item
        if depth > DEEPEST:
            continue
        if isinstance(item, dict):
            for name, below in item.items():
                yield place, depth, name
                waiting.append((f"{place}/{escaped(name)}", depth + 1, below))
        elif isinstance(item, list):
            waiting += [(f"{place}/{number}", depth + 1, below) for number, below in enumerate(item)]


def escaped(name: str) -> str:
    """A member's name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
