"""What is advised for the findings of a result, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import fleischner
from inference.domain.advice import Advice, Change, Comparison
from inference.domain.advising import advice_for_ct, risk_of
from inference.domain.fleischner import Risk
from inference.domain.own_rules import advice_for_film
from inference.domain.reading import ReadFinding
from tests.inference.domain.readings import found, size

pytestmark = pytest.mark.database_free
URGENCY = {row.slug: row.urgency for row in fleischner.ROWS}
URGENCY |= {"assay.mass.work-up": (0, True), "assay.growth.work-up": (0, True)}
TEXTURES = ("nodule.solid", "nodule.ground_glass", "nodule.part_solid")


def slugs(*findings: ReadFinding, risk: Risk = "high", comparison: Comparison | None = None) -> list[str]:
    return [one.slug.removeprefix("fleischner-2017.") for one in advice_for_ct(findings, risk, comparison)]


def reasons(advice: Advice) -> list[str]:
    return [one.template % dict(one.params) for one in advice.because]


def beside(*changes: Change) -> Comparison:
    return Comparison("job_1", None, 90, changes)


def test_the_advice_is_explained_by_number_and_size_and_names_its_source() -> None:
    (advice,) = advice_for_ct([found(3, measured=size(7.2))], "low", None)
    assert reasons(advice)[:2] == ["There is one solid nodule, number 3.", "Its mean diameter is 7 mm."]
    assert (advice.guideline, advice.version, advice.findings) == ("Fleischner Society", "2017", (3,))
    assert "Radiology 2017;284:228-243" in advice.source
    assert advice.after_months == (6, 12)


def test_the_exclusions_are_told_with_every_advice_of_the_table() -> None:
    for advice in advice_for_ct([found(1), found(2, "nodule.part_solid")], "any", None):
        scope = reasons(advice)[-1]
        assert "from 35 years" in scope
        assert "without known cancer" in scope
        assert "immune system" in scope


def test_both_branches_are_told_where_the_risk_is_not_known() -> None:
    assert slugs(found(), risk="any") == ["solid.single.medium.low", "solid.single.medium.high"]
    assert "both branches" in " ".join(reasons(advice_for_ct([found()], "any", None)[0]))


def test_the_risk_of_the_order_chooses_the_branch() -> None:
    assert slugs(found(), risk=risk_of("low")) == ["solid.single.medium.low"]
    assert [risk_of(value) for value in ("high", "low", None, "?", 3)] == ["high", "low", "any", "any", "any"]


def test_two_solid_nodules_are_several_and_the_largest_decides() -> None:
    assert slugs(found(1, measured=size(4.0)), found(2, measured=size(7.0))) == ["solid.multiple.medium-large.high"]


def test_several_large_ones_are_told_that_the_most_suspicious_one_guides() -> None:
    (advice,) = advice_for_ct([found(1, measured=size(4.0)), found(2, measured=size(12.0))], "low", None)
    assert any("most suspicious one guides" in reason for reason in reasons(advice))


def test_one_solid_and_one_ground_glass_nodule_are_read_apart() -> None:
    advice = slugs(found(1, measured=size(4.0)), found(2, "nodule.ground_glass", size(9.0)))
    assert advice == ["ground_glass.single.medium-large.any", "solid.single.small.high"]


def test_ground_glass_and_part_solid_nodules_count_together() -> None:
    both = found(1, "nodule.ground_glass", size(5.0)), found(2, "nodule.part_solid", size(5.2))
    assert slugs(*both) == ["subsolid.multiple.small.any"]


def test_a_calcified_nodule_stays_out() -> None:
    assert slugs(found(1, "nodule.calcified", size(12.0))) == []
    (advice,) = advice_for_ct([found(1), found(2, "nodule.calcified", size(12.0))], "high", None)
    assert advice.slug.endswith("solid.single.medium.high")
    assert "Calcified nodules are left out (2): the table does not speak of benign calcification." in reasons(advice)


def test_findings_of_other_kinds_get_no_advice() -> None:
    assert slugs(found(slug="lesion.brain"), found(slug="opacity.nodule")) == []


def test_without_millimetres_the_table_is_silent_and_says_so() -> None:
    (advice,) = advice_for_ct([found(1, measured=size(source="none"))], "high", None)
    assert advice.slug == "fleischner-2017.off.no-size"
    assert "no millimetres" in advice.text.template
    assert advice.findings == (1,)


def test_pixels_that_only_look_like_millimetres_are_not_believed() -> None:
    assert slugs(found(measured=size(7.0, source="none"))) == ["off.no-size"]


def test_where_diameter_and_volume_disagree_the_larger_decides() -> None:
    (advice,) = advice_for_ct([found(measured=size(7.0, 300.0))], "high", None)
    assert advice.slug == "fleischner-2017.solid.single.large.any"
    assert reasons(advice)[1:3] == [
        "Its mean diameter is 7 mm and its volume 300 mm³.",
        "Diameter and volume lead to different rows of the table; the larger one decides.",
    ]


def test_a_volume_alone_is_enough() -> None:
    (advice,) = advice_for_ct([found(measured=size(None, 99.0))], "low", None)
    assert advice.slug.endswith("solid.single.small.low")
    assert "Its volume is 99 mm³." in reasons(advice)


def test_a_nodule_that_is_cut_off_may_be_larger() -> None:
    (advice,) = advice_for_ct([found(5, truncated=True)], "low", None)
    assert "Number 5 is cut off at the border of the images and may be larger." in reasons(advice)


def test_the_solid_part_is_said_not_to_be_measured() -> None:
    (advice,) = advice_for_ct([found(slug="nodule.part_solid")], "low", None)
    assert "The size of the solid part is not measured here." in reasons(advice)


@pytest.mark.parametrize(("millimetres", "slug"), [(30.0, "solid.single.large.any"), (30.1, "assay.mass.work-up")])
def test_a_mass_is_beyond_the_table(millimetres: float, slug: str) -> None:
    assert slugs(found(measured=size(millimetres))) == [slug]


def test_a_nodule_that_grew_is_beyond_the_table() -> None:
    comparison = beside(Change(1, 1, "volume_mm3", 200.0, 120.0, 66.7))
    (advice,) = advice_for_ct([found(1)], "low", comparison)
    assert advice.slug == "assay.growth.work-up"
    assert reasons(advice)[0] == "Number 1 has grown by more than the error of measurement."
    assert advice.guideline == "Assay"


def test_one_that_is_new_or_unchanged_or_rejected_stays_in_the_table() -> None:
    grown = Change(2, 2, "volume_mm3", 200.0, 120.0)
    unchanged = Change(1, 1, "volume_mm3", 121.0, 120.0)
    (advice,) = advice_for_ct([found(1)], "low", beside(unchanged, grown))
    assert advice.slug.endswith("solid.single.medium.low")
    assert any("there is an earlier study" in reason for reason in reasons(advice))
    (first,) = advice_for_ct([found(1)], "low", beside(Change(1, None)))
    assert not any("earlier study" in reason for reason in reasons(first))


def test_a_nodule_on_a_film_is_to_be_confirmed_by_ct_by_a_rule_of_ours() -> None:
    (advice,) = advice_for_film([found(1, "opacity.nodule"), found(2, "opacity.mass"), found(3, "other")])
    assert (advice.guideline, advice.findings, advice.source) == ("Assay", (1, 2), "")
    assert reasons(advice)[0] == "Opacities like a nodule or a mass: 1, 2."
    assert "not of a guideline" in reasons(advice)[-1]
    assert advice_for_film([]) == ()


def test_every_sentence_has_what_it_is_filled_with() -> None:
    sizes = [size(4.0), size(None, 150.0), size(7.0, 300.0), size(12.0), size(40.0), size(source="none")]
    findings = [[found(n, slug, one, truncated=True) for n, one in enumerate(sizes)] for slug in TEXTURES]
    for advice in (one for group in findings for cut in range(1, 7) for one in advice_for_ct(group[:cut], "any", None)):
        assert "%(" not in " ".join([advice.text.template % dict(advice.text.params), *reasons(advice)])


nodules = st.builds(
    lambda slug, mean, volume: (slug, mean, volume),
    st.sampled_from(TEXTURES), st.floats(1, 40), st.none() | st.floats(1, 30_000),
)  # fmt: skip


@given(st.lists(nodules, min_size=1, max_size=4), st.data())
def test_advice_never_gets_milder_when_a_nodule_grows(
    made: list[tuple[str, float, float | None]], data: st.DataObject
) -> None:
    risk: Risk = data.draw(st.sampled_from(["low", "high"]))
    before = [found(n, slug, size(mean, volume)) for n, (slug, mean, volume) in enumerate(made, 1)]
    place = data.draw(st.integers(0, len(before) - 1))
    slug, mean, volume = made[place]
    wider, more = data.draw(st.floats(1, 3)), data.draw(st.floats(1, 20))
    after = list(before)
    after[place] = replace(before[place], finding=found(1, slug, size(mean * wider, volume and volume * more)).finding)
    assert urgency(after, risk) >= urgency(before, risk)


def urgency(findings: list[ReadFinding], risk: Risk) -> tuple[int, bool]:
    """That of the most pressing advice."""
    return max(URGENCY[one.slug] for one in advice_for_ct(findings, risk, None))


def test_the_order_of_the_findings_does_not_matter() -> None:
    findings = [found(1, measured=size(9.0)), found(2, "nodule.part_solid", size(7.0)), found(3, measured=size(4.0))]
    assert slugs(*findings) == slugs(*reversed(findings))


def test_the_most_pressing_comes_first() -> None:
    part_solid, solid = found(1, "nodule.part_solid", size(7.0)), found(2, measured=size(12.0))
    assert slugs(part_solid, solid) == ["solid.single.large.any", "part_solid.single.medium-large.any"]
