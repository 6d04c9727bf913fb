"""Drawn films: the same for the same seed, and no opacity in them that a person could not see."""

from __future__ import annotations

import numpy as np
import pytest

from inference.plugins.segmentation.matching import Mark, Seen, Truth
from inference.plugins.xray_chest_nodule.films import Films
from inference.plugins.xray_chest_nodule.generate import (
    LUNG,
    OPACITY,
    VISIBLE_CONTRAST,
    VISIBLE_LIFT,
    columns_of,
    draw_example,
    insert,
    is_visible,
)
from inference.plugins.xray_chest_nodule.lesions import Lesion, stamp
from inference.plugins.xray_chest_nodule.train import is_hard

pytestmark = pytest.mark.database_free
SIDE = 256


def straight(values: np.ndarray) -> np.ndarray:
    """A tone curve that changes nothing."""
    return values


def lesion(strength: float) -> Lesion:
    return Lesion((128.0, 128.0), (15.0, 13.0), 0.3, strength)


def test_a_seed_gives_the_same_film_and_another_index_another() -> None:
    first, same, other = (draw_example(3, index) for index in (5, 5, 6))
    assert (first.image == same.image).all()
    assert (first.labels == same.labels).all()
    assert (first.image != other.image).any()


def test_chests_have_lungs_and_other_pictures_have_none() -> None:
    films = [draw_example(3, index) for index in range(16)]
    assert {film.chest for film in films} == {True, False}
    for film in films:
        assert bool((film.labels & LUNG).any()) == film.chest


def test_what_can_not_be_seen_is_neither_drawn_nor_labelled() -> None:
    rng = np.random.default_rng(1)
    base = np.zeros((SIDE, SIDE), dtype=np.float32)
    density, mask = insert(rng, base, [lesion(0.01)], straight)
    assert not mask.any()
    assert (density == base).all()
    density, mask = insert(rng, base, [lesion(0.2)], straight)
    assert mask.any()
    assert density[mask].mean() > VISIBLE_LIFT


def test_a_busy_surround_hides_what_a_quiet_one_shows() -> None:
    rng = np.random.default_rng(1)
    shade = stamp(rng, lesion(0.12), SIDE)
    quiet = np.zeros(shade.shadow.shape, dtype=np.float32)
    busy = rng.normal(0, 0.2 / VISIBLE_CONTRAST, quiet.shape).astype(np.float32)
    assert is_visible(quiet, shade.shadow, shade.outline, straight)
    assert not is_visible(busy, shade.shadow, shade.outline, straight)


def test_batches_hold_contrasts_maps_and_flags() -> None:
    rows = [columns_of(3, None, index) for index in range(6)]
    examples = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    batch = Films(examples, crop=SIDE).batch(np.arange(6), np.random.default_rng(0))
    assert batch.images.shape == (6, SIDE, SIDE, 3)
    assert batch.maps[..., 0].sum() == (examples["labels"] & OPACITY > 0).sum()
    assert batch.flags[:, 0].tolist() == examples["chests"].astype(float).tolist()


def test_a_film_that_is_shown_twice_comes_twice() -> None:
    rows = [columns_of(3, None, index) for index in range(3)]
    examples = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    films = Films(examples, np.array([0, 1, 2, 1]), crop=SIDE)
    assert len(films) == 4
    batch = films.batch(np.arange(4), np.random.default_rng(0))
    sums = batch.maps.sum(axis=(1, 2))
    assert (sums[1] == sums[3]).all()
    assert batch.flags[1] == batch.flags[3] == examples["chests"][1]


@pytest.mark.parametrize(
    ("truths", "marks", "hard"),
    [
        ((), (), False),
        ((Truth(12.0, 0.99, 0.8, 0.1),), (Mark(0.99, True),), False),
        ((Truth(12.0, 0.5, 0.8, 0.1),), (Mark(0.5, True),), True),
        ((Truth(12.0, 0.0, 0.0, 0.0),), (), True),
        ((), (Mark(0.99, False),), True),
        ((), (Mark(0.5, False),), False),
    ],
)
def test_a_film_is_hard_where_an_opacity_is_missed_or_a_sure_mark_false(
    truths: tuple[Truth, ...], marks: tuple[Mark, ...], hard: bool
) -> None:
    assert is_hard(Seen(truths, marks)) is hard


def test_training_sees_a_part_of_each_film() -> None:
    rows = [columns_of(3, None, index) for index in range(2)]
    examples = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    batch = Films(examples).batch(np.arange(2), np.random.default_rng(0))
    assert batch.images.shape[1] == batch.maps.shape[1] == batch.known.shape[1] < SIDE


def test_the_lungs_of_an_operators_own_films_do_not_count() -> None:
    film = {
        "images": np.zeros((1, SIDE, SIDE), np.uint8),
        "labels": np.zeros((1, SIDE, SIDE), np.uint8),
        "chests": np.array([True]),
    }
    assert not Films(film).batch(np.arange(1), np.random.default_rng(0)).known[..., 1].any()
    film["chests"] = np.array([False])
    assert Films(film).batch(np.arange(1), np.random.default_rng(0)).known[..., 1].all()
