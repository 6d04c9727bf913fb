"""Marks on a picture: outlines with their numbers, a scale bar, a strip of words. Same input, same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from billing.printing.font import FONT

Point = tuple[float, float]
Box = tuple[float, float, float, float]

INK, HALO, STRIP = (255, 212, 59), (0, 0, 0), (16, 16, 16)
WHITE = (255, 255, 255)
STROKE = 2
# lengths that a person reads at a glance, in mm
BAR_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200)
BAR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on a picture, in source pixels: (0, 0) is the centre of the first one. Without outline, its box."""

    number: int
    outlines: tuple[tuple[Point, ...], ...]
    box: Box


@dataclass(frozen=True, slots=True)
class Canvas:
    """From pixels of the source to those of the picture: `columns` and `rows` of the source, size of the picture."""

    columns: int
    rows: int
    width: int
    height: int

    def at(self, point: Point) -> Point:
        """The place on the picture of a place in the source."""
        x, y = point
        return (x + 0.5) * self.width / self.columns - 0.5, (y + 0.5) * self.height / self.rows - 0.5


def canvas_of(columns: int, rows: int, edge: int, spacing: tuple[float, float] | None) -> Canvas:
    """A picture of square pixels with a longer edge of `edge`; `spacing` is (between rows, between columns)."""
    aspect = spacing[0] / spacing[1] if spacing else 1.0
    wide, high = float(columns), rows * min(max(aspect, 0.2), 5.0)
    scale = edge / max(wide, high)
    return Canvas(columns, rows, max(1, round(wide * scale)), max(1, round(high * scale)))


def picture_of(values: NDArray[np.uint8], canvas: Canvas) -> Image.Image:
    """8-bit values, grey or RGB, as an RGB picture of the canvas's size."""
    picture = Image.fromarray(values).convert("RGB")
    return picture.resize((canvas.width, canvas.height), Image.Resampling.BICUBIC)


def draw_marks(picture: Image.Image, canvas: Canvas, marks: Sequence[Mark]) -> None:
    """Outlines first, then their numbers beside them, none on another where there is room."""
    pen = ImageDraw.Draw(picture)
    for mark in marks:
        for line in lines_of(mark):
            points = [canvas.at(point) for point in line]
            pen.line([*points, points[0]], fill=HALO, width=STROKE + 2, joint="curve")
            pen.line([*points, points[0]], fill=INK, width=STROKE, joint="curve")
    taken: list[Box] = []
    for mark in marks:
        taken.append(draw_number(pen, canvas, mark, taken))


def lines_of(mark: Mark) -> Iterable[tuple[Point, ...]]:
    """The outlines, else the four sides of the box."""
    left, top, right, bottom = mark.box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return mark.outlines or (tuple((x - 0.5, y - 0.5) for x, y in corners),)


def draw_number(pen: ImageDraw.ImageDraw, canvas: Canvas, mark: Mark, taken: Sequence[Box]) -> Box:
    """Write the number beside the mark; returns the place it takes."""
    face, text = font(number_size(canvas)), str(mark.number)
    wide, high = size_of(text, face)
    place = next_free(number_places(canvas, mark, wide, high), taken)
    pen.text(place[:2], text, font=face, fill=INK, stroke_width=2, stroke_fill=HALO, anchor="lt")
    return place


def number_size(canvas: Canvas) -> int:
    return max(14, min(canvas.width, canvas.height) // 24)


def number_places(canvas: Canvas, mark: Mark, wide: float, high: float) -> list[Box]:
    """Above, below and beside the mark, kept on the picture."""
    points = [canvas.at(point) for line in lines_of(mark) for point in line]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    gap = 6.0
    corners = [
        (right + gap, top - high - gap), (left - wide - gap, top - high - gap),
        (right + gap, bottom + gap), (left - wide - gap, bottom + gap),
        (right + gap, (top + bottom - high) / 2), (left - wide - gap, (top + bottom - high) / 2),
        ((left + right - wide) / 2, top - high - gap), ((left + right - wide) / 2, bottom + gap),
    ]  # fmt: skip
    return [kept_inside(canvas, x, y, wide, high) for x, y in corners]


def kept_inside(canvas: Canvas, x: float, y: float, wide: float, high: float) -> Box:
    left = min(max(x, 2.0), max(2.0, canvas.width - wide - 2))
    top = min(max(y, 2.0), max(2.0, canvas.height - high - 2))
    return left, top, left + wide, top + high


def next_free(places: Sequence[Box], taken: Sequence[Box]) -> Box:
    """The first place that no number has; the first of all where none is left."""
    return next((one for one in places if not any(overlap(one, other) for other in taken)), places[0])


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def draw_bar(picture: Image.Image, mm_per_pixel: float, suffix: str = "") -> None:
    """A scale bar at the lower right; `mm_per_pixel` is of the picture. None where no length fits."""
    length = bar_length(picture.width * BAR_SHARE * mm_per_pixel)
    if length is None:
        return
    pen, face = ImageDraw.Draw(picture), font(max(12, min(picture.size) // 32))
    wide, margin = length / mm_per_pixel, max(8, min(picture.size) // 50)
    right, bottom = picture.width - margin, picture.height - margin
    for width, colour in ((6, HALO), (3, WHITE)):
        pen.line([(right - wide, bottom), (right, bottom)], fill=colour, width=width)
    text = f"{length} mm{suffix}"
    pen.text((right, bottom - 6), text, font=face, fill=WHITE, stroke_width=2, stroke_fill=HALO, anchor="rb")


def bar_length(most_mm: float) -> int | None:
    """The longest round length of at most `most_mm`."""
    return max((length for length in BAR_LENGTHS if length <= most_mm), default=None)


def with_strip(picture: Image.Image, words: str) -> Image.Image:
    """The picture with words on a dark strip below it, so that they hide nothing."""
    face = font(max(12, picture.width // 44))
    high = size_of(words, face)[1] * 2
    made = Image.new("RGB", (picture.width, picture.height + round(high)), STRIP)
    made.paste(picture, (0, 0))
    pen = ImageDraw.Draw(made)
    pen.text((picture.width / 2, picture.height + high / 2), words, font=face, fill=WHITE, anchor="mm")
    return made


def size_of(text: str, face: ImageFont.FreeTypeFont) -> tuple[float, float]:
    left, top, right, bottom = face.getbbox(text, stroke_width=2)
    return right - left, bottom - top


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    # the basic layout: what the other one gives depends on libraries of the machine
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def as_png(values: NDArray[np.uint8]) -> bytes:
    """RGB values without loss."""
    packed = io.BytesIO()
    Image.fromarray(values).save(packed, format="PNG", compress_level=6)
    return packed.getvalue()


def as_jpeg(values: NDArray[np.uint8]) -> bytes:
    """RGB values for a page: a fifth of the bytes, which a PDF takes as they are."""
    packed = io.BytesIO()
    Image.fromarray(values).save(packed, format="JPEG", quality=90, subsampling=0)
    return packed.getvalue()
