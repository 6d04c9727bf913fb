"""What template 1500 asks of a structured report that no validator of the object's modules looks at (PS3.16)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

ROOT, PLANAR, WHOLE = "1500", "1410", "1501"
TRACKING_IDENTIFIER, TRACKING_UID = ("112039", "DCM"), ("112040", "DCM")
MEASUREMENTS, GROUP, REGION = ("126010", "DCM"), ("125007", "DCM"), ("111030", "DCM")
FINDING, LANGUAGE, OBSERVER = ("121071", "DCM"), ("121049", "DCM"), ("121005", "DCM")
PROCEDURE, ALGORITHM = ("121058", "DCM"), ("111001", "DCM")


def name_of(item: Dataset) -> tuple[str, str]:
    code = item.ConceptNameCodeSequence[0]
    return str(code.CodeValue), str(code.CodingSchemeDesignator)


def named(item: Dataset, name: tuple[str, str]) -> list[Dataset]:
    return [one for one in item.get("ContentSequence", []) if "ConceptNameCodeSequence" in one and name_of(one) == name]


def template_of(item: Dataset) -> str:
    return str(item.ContentTemplateSequence[0].TemplateIdentifier) if "ContentTemplateSequence" in item else ""


def groups_of(document: Dataset) -> list[Dataset]:
    return [group for container in named(document, MEASUREMENTS) for group in named(container, GROUP)]


def faults(document: Dataset) -> list[str]:
    """Every departure from the template."""
    found = [] if template_of(document) == ROOT else ["the root is not of template 1500"]
    for name, text in ((LANGUAGE, "language"), (OBSERVER, "observer"), (PROCEDURE, "procedure")):
        if not named(document, name):
            found.append(f"no {text}")
    groups = groups_of(document)
    return [*found, *([] if groups else ["no group"]), *(fault for group in groups for fault in group_faults(group))]


def group_faults(group: Dataset) -> Iterator[str]:
    """What a group lacks."""
    regions = named(group, REGION)
    if template_of(group) != (PLANAR if regions else WHOLE):
        yield "a group of the wrong template"
    if len(named(group, TRACKING_IDENTIFIER)) != 1:
        yield "no tracking identifier"
    uids = named(group, TRACKING_UID)
    if len(uids) != 1 or not uids[0].UID:
        yield "no tracking UID"
    if not named(group, FINDING):
        yield "no finding"
    yield from (fault for item in group.get("ContentSequence", []) for fault in code_faults(item))


def code_faults(item: Dataset) -> Iterator[str]:
    """Codes and units that are not whole."""
    values = list(item.get("ConceptCodeSequence", [])) if item.ValueType == "CODE" else []
    if item.ValueType == "CODE" and not values:
        yield "a code without a value"
    if item.ValueType == "NUM":
        units = item.MeasuredValueSequence[0].get("MeasurementUnitsCodeSequence", [])
        if not units:
            yield "a measurement without a unit"
    for code in (*item.get("ConceptNameCodeSequence", []), *values):
        if not all(code.get(name) for name in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")):
            yield "a code that is not whole"
