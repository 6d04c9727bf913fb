"""Files of every kind with random damage: each ends as a description or a typed refusal, and the parent lives.

`ASSAY_FUZZ_EXAMPLES=10000` makes a long run of it; `--hypothesis-seed=N` repeats one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.domain.errors import UnreadableFile, UserError
from inference.intake.codes import TEMPLATES, code_of
from inference.intake.limits import Limits
from inference.intake.pixels import decode_pixels, preview_png
from inference.intake.pool import ROOT, Pool
from tests.inference.intake import files
from tests.inference.intake.conftest import large, small
from tests.inference.intake.test_pool import pool_of

EXAMPLES = int(os.environ.get("ASSAY_FUZZ_EXAMPLES", "150"))
CODES = {code_of(reason) for reason in TEMPLATES}
PLAIN = files.dicom()
SEEDS = [
    PLAIN,
    files.dicom(deflated=True),
    files.dicom(ReferencedImageSequence=[files.dataset_of(ReferencedSOPInstanceUID="1.2")]),
    files.picture("PNG", "L", (24, 16)),
    files.picture("PNG", "P", (24, 16)),
    files.picture("PNG", "I;16", (24, 16)),
    files.picture("JPEG", "RGB", (24, 16)),
    files.picture("JPEG", "L", (64, 64), progressive=True),
    files.archive(("a.dcm", PLAIN), ("b.png", files.picture())),
    small("MR_small_RLE.dcm").read_bytes(),
    small("MR_small_jp2klossless.dcm").read_bytes(),
    small("MR_small_jpeg_ls_lossless.dcm").read_bytes(),
    small("SC_rgb_small_odd_jpeg.dcm").read_bytes(),
    large("emri_small_jpeg_2k_lossless.dcm").read_bytes(),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with some bytes overwritten, cut out, doubled or appended."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        # the first kilobytes hold the structure: half of the damage goes there
        reach = draw(st.sampled_from([512, 4096, len(content)]))
        place = draw(st.integers(0, max(0, min(reach, len(content)) - 1)))
        kind = draw(st.sampled_from(["set", "set", "set", "fill", "cut", "double", "end"]))
        if kind == "set":
            content[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "fill":
            filling = draw(st.sampled_from([b"\xff", b"\x00", b"\x7f\xff\xff\xff", b"\xfe\xff\x00\xe0"]))
            content[place : place + len(filling)] = filling
        elif kind == "cut":
            del content[place : place + draw(st.integers(1, 64))]
        elif kind == "double":
            content[place:place] = content[place : place + draw(st.integers(1, 64))]
        else:
            del content[place:]
    return bytes(content)


def outcome(pool: Pool, content: bytes) -> str:
    """What becomes of `content`; any exception that is no typed refusal fails the test."""
    try:
        use(pool, content)
    except UnreadableFile as error:
        refused: UserError = error
    else:
        return "taken"
    assert refused.code in CODES
    assert refused.detail
    return refused.code


def use(pool: Pool, content: bytes) -> None:
    """Do with `content` all that the product may do with it."""
    if content.startswith(b"PK"):
        pool.run("unpack", content, on_item=swallow, on_data=swallow, files=10, bytes=10 * files.MIB)
        return
    pool.run("inspect", content, on_data=swallow)
    assert decode_pixels(pool, content).size > 0
    assert preview_png(pool, content, max_edge=64).startswith(b"\x89PNG")


def swallow(_: Any) -> None:
    """Take what the child sends, and forget it."""


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Pool, Counter[str]]]:
    """A pool with the memory limit of the product, and what it answered."""
    seen: Counter[str] = Counter()
    with pool_of(Limits(children=1, wall_seconds=20, cpu_seconds=10)) as pool:
        yield pool, seen
        assert pool.run("echo", b"", say="alive")["said"] == "alive"
    sys.stderr.write(f"\nfuzz outcomes: {dict(seen)}\n")


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(content=damaged())
def test_damaged_files_end_as_a_description_or_a_typed_refusal(
    watched: tuple[Pool, Counter[str]], content: bytes
) -> None:
    pool, seen = watched
    seen[outcome(pool, content)] += 1


@settings(max_examples=EXAMPLES // 5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(head=st.sampled_from([seed[:140] for seed in SEEDS]), rest=st.binary(max_size=400))
def test_noise_behind_a_good_beginning_ends_so_too(
    watched: tuple[Pool, Counter[str]], head: bytes, rest: bytes
) -> None:
    pool, seen = watched
    seen[outcome(pool, head + rest)] += 1


def test_without_a_child_the_memory_of_a_bomb_is_the_server_s_own(pool: Pool) -> None:
    """The control: what the parent is spared. Read in a process without limits, the same bomb takes half a gibibyte."""
    bomb = files.deflate_bomb()
    program = (
        "import io, resource, sys, pydicom\n"
        "pydicom.dcmread(io.BytesIO(sys.stdin.buffer.read()), stop_before_pixels=True)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    unguarded = subprocess.run([sys.executable, "-c", program], input=bomb, capture_output=True, check=True, cwd=ROOT)
    assert int(unguarded.stdout) > 512 * 1024, "kibibytes"
    assert outcome(pool, bomb) == "image_too_large"
