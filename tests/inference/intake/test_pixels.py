from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from inference.domain.errors import UnreadableFile
from inference.domain.study import InstanceHeader
from inference.intake.inspection import inspect_file, instance_header
from inference.intake.limits import Limits
from inference.intake.pixels import decode_pixels, pixel_reader, preview_png, rendered_frame
from inference.intake.pool import Pool, Source
from tests.inference.intake import files
from tests.inference.intake.conftest import large, small
from tests.inference.intake.test_pool import pool_of


def shown(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def test_ct_values_are_in_hounsfield_units(pool: Pool) -> None:
    found = decode_pixels(pool, files.dicom())
    assert found.dtype == np.float32
    assert np.array_equal(found, np.arange(20).reshape(4, 5) * 2 - 1024)


def test_every_encoding_of_one_slice_gives_the_same_values(pool: Pool) -> None:
    expected = decode_pixels(pool, small("MR_small.dcm"))
    for name in ("RLE", "bigendian", "implicit", "jp2klossless", "jpeg_ls_lossless", "padded", "expb"):
        assert np.array_equal(decode_pixels(pool, small(f"MR_small_{name}.dcm")), expected), name


def test_pixels_are_those_of_pydicom(pool: Pool) -> None:
    path = large("693_UNCR.dcm")
    dataset = dcmread(path)
    expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    assert np.allclose(decode_pixels(pool, path), expected)


def test_monochrome1_is_not_inverted(pool: Pool) -> None:
    inverse = decode_pixels(pool, files.dicom(PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(inverse, decode_pixels(pool, files.dicom()))


def test_colour_is_rgb_whatever_it_was_stored_as(pool: Pool) -> None:
    rgb = decode_pixels(pool, large("SC_rgb.dcm"))
    assert rgb.shape == (100, 100, 3)
    assert np.abs(decode_pixels(pool, large("SC_ybr_full_uncompressed.dcm")) - rgb).max() <= 6
    assert decode_pixels(pool, small("examples_palette.dcm")).shape == (350, 800, 3)
    assert decode_pixels(pool, small("examples_palette.dcm")).max() <= 255


def test_frames_come_in_the_first_axis(pool: Pool) -> None:
    assert decode_pixels(pool, large("emri_small.dcm")).shape == (10, 64, 64)
    assert decode_pixels(pool, small("examples_ybr_color.dcm")).shape == (30, 240, 320, 3)


def test_a_frame_is_rescaled_by_its_own_functional_group(pool: Pool) -> None:
    def groups(slope: float) -> object:
        scaling = files.dataset_of(RescaleSlope=slope, RescaleIntercept=-slope)
        return files.dataset_of(PixelValueTransformationSequence=[scaling])

    content = files.dicom(
        NumberOfFrames=2,
        Rows=2,
        RescaleSlope=None,
        RescaleIntercept=None,
        PerFrameFunctionalGroupsSequence=[groups(1), groups(10)],
    )
    found = decode_pixels(pool, content)
    stored = np.arange(20).reshape(2, 2, 5)
    assert np.array_equal(found[0], stored[0] - 1)
    assert np.array_equal(found[1], stored[1] * 10 - 10)


def test_a_modality_table_comes_before_slope_and_intercept(pool: Pool) -> None:
    table = files.dataset_of(
        LUTDescriptor=[20, 0, 16], LUTData=np.arange(100, 120, dtype="<u2").tobytes(), ModalityLUTType="US"
    )
    content = files.dicom(ModalityLUTSequence=[table], RescaleSlope=None, RescaleIntercept=None, PixelRepresentation=0)
    assert decode_pixels(pool, content).ravel().tolist() == list(range(100, 120))


def test_a_reader_asks_for_the_blob_of_each_instance(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(files.dicom())
    asked: list[str] = []

    def open_blob(instance: InstanceHeader) -> Source:
        asked.append(instance.id)
        return path

    header = instance_header("one", "0" * 64, inspect_file(pool, path).header)
    pixels = pixel_reader(pool, open_blob)(header)
    assert pixels.shape == (header.rows, header.columns)
    assert asked == ["one"]


def test_what_does_not_decode_is_unreadable(pool: Pool) -> None:
    for source in (small("MR_truncated.dcm"), small("JPEG-lossy.dcm"), b"no image at all"):
        with pytest.raises(UnreadableFile):
            decode_pixels(pool, source)


def test_pixels_beyond_the_cap_are_refused_on_arrival(pool: Pool) -> None:
    with pool_of(Limits(children=1)) as small_parent:
        small_parent.limits = Limits(children=1, decoded_bytes=100)
        small_parent._slots.queue[0].limits = pool.limits
        with pytest.raises(UnreadableFile) as caught:
            decode_pixels(small_parent, small("CT_small.dcm"))
    assert caught.value.code == "image_too_large"


def test_a_preview_fits_the_edge_and_keeps_the_proportions(pool: Pool) -> None:
    picture = shown(preview_png(pool, large("RG1_UNCR.dcm"), max_edge=256))
    assert picture.shape == (256, 241)
    assert picture.dtype == np.uint8
    assert picture.std() > 20, "a preview that is all of one shade shows nothing"


def test_a_preview_uses_the_header_s_window_and_another_one_on_request(pool: Pool) -> None:
    content = files.dicom(WindowCenter=-1004, WindowWidth=40)
    by_header, by_request = shown(preview_png(pool, content)), shown(preview_png(pool, content, window=(-1004.0, 4.0)))
    assert by_header[0, 0] == 0
    assert by_header[-1, -1] > 230
    assert len(np.unique(by_header)) > len(np.unique(by_request))


def test_a_preview_without_a_window_uses_percentiles(pool: Pool) -> None:
    picture = shown(preview_png(pool, files.dicom()))
    assert (picture.min(), picture.max()) == (0, 255)


def test_a_preview_of_monochrome1_is_inverted(pool: Pool) -> None:
    plain, inverse = (shown(preview_png(pool, files.dicom(PhotometricInterpretation=f"MONOCHROME{n}"))) for n in (2, 1))
    assert np.array_equal(plain, 255 - inverse)


def test_previews_of_a_frame_a_colour_image_and_a_picture(pool: Pool) -> None:
    first, last = (preview_png(pool, large("emri_small.dcm"), frame=frame) for frame in (1, 10))
    assert first != last
    assert shown(preview_png(pool, large("SC_rgb.dcm"))).shape == (100, 100, 3)
    assert shown(preview_png(pool, files.picture("PNG", "I;16"))).dtype == np.uint8
    assert np.array_equal(shown(preview_png(pool, files.picture())), shown(files.picture()))
    with pytest.raises(UnreadableFile):
        preview_png(pool, large("emri_small.dcm"), frame=11)


def test_a_rendered_frame_is_the_preview_without_its_packing(pool: Pool) -> None:
    content = files.dicom(WindowCenter=-1004, WindowWidth=40)
    found = rendered_frame(pool, content)
    assert np.array_equal(found.values, shown(preview_png(pool, content)))
    assert found.window == (-1004.0, 40.0)


def test_a_rendered_frame_in_colour_has_no_window(pool: Pool) -> None:
    found = rendered_frame(pool, small("examples_ybr_color.dcm"), frame=2, max_edge=64)
    assert (found.values.shape, found.values.dtype, found.window) == ((48, 64, 3), np.uint8, None)


@pytest.mark.parametrize("frame", [1, 2])
def test_values_that_do_not_fit_the_told_shape_are_refused(hooked: Pool, frame: int) -> None:
    with pytest.raises(UnreadableFile):
        rendered_frame(hooked, b"", frame=frame)


def test_control_values_that_fit_are_taken_without_a_window_that_is_none(hooked: Pool) -> None:
    found = rendered_frame(hooked, b"", frame=3)
    assert (found.values.tolist(), found.window) == ([[0, 1, 2], [3, 4, 5]], None)
