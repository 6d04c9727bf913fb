from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from inference.domain.errors import UnreadableFile
from inference.intake.inspection import Inspection, inspect_file
from inference.intake.limits import Limits
from inference.intake.pixels import decode_pixels
from inference.intake.pool import Pool
from tests.inference.intake import files
from tests.inference.intake.test_dicom import refused
from tests.inference.intake.test_pool import pool_of


def taken(pool: Pool, content: bytes) -> tuple[Inspection, bytes]:
    """The inspection of an image and its bytes as they are stored."""
    stored = bytearray()
    return inspect_file(pool, content, stored.extend), bytes(stored)


@pytest.mark.parametrize(
    ("kind", "mode", "bits", "photometric"),
    [
        ("PNG", "L", 8, "MONOCHROME2"),
        ("PNG", "1", 8, "MONOCHROME2"),
        ("PNG", "LA", 8, "MONOCHROME2"),
        ("PNG", "I;16", 16, "MONOCHROME2"),
        ("PNG", "P", 8, "RGB"),
        ("PNG", "RGB", 8, "RGB"),
        ("PNG", "RGBA", 8, "RGB"),
        ("JPEG", "L", 8, "MONOCHROME2"),
        ("JPEG", "RGB", 8, "RGB"),
        ("JPEG", "CMYK", 8, "RGB"),
    ],
)
def test_png_and_jpeg_of_every_usual_mode_are_taken(
    pool: Pool, kind: str, mode: str, bits: int, photometric: str
) -> None:
    found, stored = taken(pool, files.picture(kind, mode))
    assert found.kind == "image"
    assert dict(found.header) == {
        "media_type": f"image/{kind.lower()}",
        "rows": 5,
        "columns": 7,
        "samples_per_pixel": 3 if photometric == "RGB" else 1,
        "bits_stored": bits,
        "photometric": photometric,
    }
    with Image.open(io.BytesIO(stored)) as image:
        assert image.size == (7, 5)


def test_a_progressive_jpeg_is_taken(pool: Pool) -> None:
    assert taken(pool, files.picture("JPEG", "RGB", (64, 64), progressive=True))[0].header["rows"] == 64


@pytest.mark.parametrize("edge", [13_000, 14_000])
def test_a_picture_of_too_many_pixels_is_refused_from_its_header(pool: Pool, edge: int) -> None:
    found = refused(pool, files.huge_png(edge))
    assert (found.code, found.params["rows"]) == ("image_too_large", str(edge))


def test_without_the_cap_pillow_s_own_guard_refuses_the_same_picture() -> None:
    with pool_of(replace(Limits(children=1), pixels=10**9)) as uncapped:
        assert refused(uncapped, files.huge_png(13_000)).template.startswith("The header can be read, but")


def test_a_jpeg_of_too_many_pixels_is_refused_from_its_header(pool: Pool) -> None:
    content = bytearray(files.picture("JPEG", "L"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    assert refused(pool, bytes(content)).code == "image_too_large"


def test_metadata_is_not_stored(pool: Pool) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "Canary")
    exif = Image.Exif()
    exif[0x010E] = "Canary"
    for content in (
        files.picture("PNG", "L", pnginfo=text),
        files.picture("JPEG", "L", exif=exif, comment=b"Canary"),
        files.picture("PNG", "L") + b"PK\x03\x04Canary",
        files.picture("JPEG", "L") + b"<script>Canary",
    ):
        assert b"Canary" in content
        assert b"Canary" not in taken(pool, content)[1]


def test_the_same_picture_with_other_metadata_is_stored_as_the_same_bytes(pool: Pool) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "another")
    assert taken(pool, files.picture())[1] == taken(pool, files.picture(pnginfo=text))[1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stays_upright(pool: Pool, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found, stored = taken(pool, files.picture("JPEG", "L", (16, 8), exif=exif))
    assert (found.header["rows"], found.header["columns"]) == ((16, 8) if orientation > 4 else (8, 16))
    assert decode_pixels(pool, stored).shape == (found.header["rows"], found.header["columns"])
    with Image.open(io.BytesIO(stored)) as image:
        assert image.getexif().get(0x0112, 1) == orientation


@pytest.mark.parametrize("cut", [9, 20, 40, -13, -1])
def test_a_picture_cut_short_is_unreadable(pool: Pool, cut: int) -> None:
    for content in (files.picture("PNG", "RGB", (40, 40)), files.picture("JPEG", "RGB", (40, 40))):
        assert refused(pool, content[:cut]).code == "unreadable_file"


def test_a_picture_with_a_changed_byte_is_unreadable(pool: Pool) -> None:
    content = bytearray(files.picture("PNG", "L", (40, 40)))
    content[content.index(b"IDAT") + 10] ^= 0xFF
    assert refused(pool, bytes(content)).code == "unreadable_file"


def test_an_animation_is_refused(pool: Pool) -> None:
    frames = [Image.new("L", (4, 4), shade) for shade in (0, 100, 200)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    found = refused(pool, file.getvalue())
    assert (found.code, found.template) == ("not_an_image", "Animated images are not taken; send single frames.")


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP", "ICO"])
def test_other_picture_formats_are_not_taken(pool: Pool, kind: str) -> None:
    assert refused(pool, files.picture(kind, "L", (16, 16))).code == "unreadable_file"


def test_a_tiff_behind_a_png_signature_reaches_no_tiff_decoder(pool: Pool) -> None:
    with pytest.raises(UnreadableFile):
        taken(pool, b"\x89PNG\r\n\x1a\n" + files.picture("TIFF", "L"))


def test_eight_and_sixteen_bit_values_are_read_as_they_are(pool: Pool) -> None:
    for mode in ("L", "I;16"):
        content = files.picture("PNG", mode)
        with Image.open(io.BytesIO(content)) as image:
            expected = np.asarray(image).astype(np.float32)
        found = decode_pixels(pool, content)
        assert found.dtype == np.float32
        assert np.array_equal(found, expected)
    assert found.max() > 255
