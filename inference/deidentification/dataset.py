"""A data set by the profile: every element is kept, mapped, emptied, replaced or removed, in sequences too."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from inference.deidentification.profile import Action, action_of
from inference.deidentification.pseudonyms import uid_of
from inference.deidentification.values import UID_FORM, kept

DUMMY = "ANON"
DUMMY_VRS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE"})
CHANGED = {"DA": "shifted", "DT": "shifted", "UI": "remapped", "CS": "cleaned"}
# deeper than any object of the standard; what lies below is removed
DEEPEST = 12


@dataclass
class Cleaning:
    """The work on one file: how to map, and what was done. `done` counts by action and keyword; no value is in it."""

    uid_key: bytes
    days: int
    done: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    private: int = 0
    unknown: int = 0
    uids: dict[str, str] = field(default_factory=dict)

    def map_uid(self, original: str) -> str:
        """The stand-in of a UID, noted for the way back."""
        mapped = uid_of(self.uid_key, original)
        self.uids[mapped] = original
        return mapped

    def note(self, action: str, keyword: str) -> None:
        self.done[action][keyword] += 1

    def clean(self, dataset: Dataset, depth: int = 0) -> None:
        """Bring `dataset` to the profile, in place."""
        for tag in list(dataset.keys()):
            self._clean_element(dataset, BaseTag(tag), depth)

    def _clean_element(self, dataset: Dataset, tag: BaseTag, depth: int) -> None:
        if tag.is_private or not is_known(tag):
            self.private += tag.is_private
            self.unknown += not tag.is_private
            del dataset[tag]
            return
        keyword = dictionary_keyword(tag)
        element = readable(dataset, tag)
        if element is None or depth > DEEPEST:
            self._remove(dataset, tag, keyword)
        elif element.VR == "SQ":
            self._clean_sequence(dataset, element, keyword, depth)
        elif not is_empty(element):
            self._clean_value(dataset, element, keyword)
        elif action_of(keyword, element.VR) == "remove":
            del dataset[tag]

    def _clean_sequence(self, dataset: Dataset, element: DataElement, keyword: str, depth: int) -> None:
        action = action_of(keyword, "SQ")
        if action == "remove":
            self._remove(dataset, element.tag, keyword)
        elif action == "empty":
            element.value = Sequence()
            self.note("emptied", keyword)
        else:
            for item in element.value:
                self.clean(item, depth + 1)

    def _clean_value(self, dataset: Dataset, element: DataElement, keyword: str) -> None:
        action: Action = "remove" if is_idle_table(dataset, keyword) else action_of(keyword, element.VR)
        if action in ("keep", "uid"):
            self._keep(dataset, element, keyword)
        elif action == "remove" or (action == "dummy" and element.VR not in DUMMY_VRS):
            self._remove(dataset, element.tag, keyword)
        else:
            self._blank(element, action)
            self.note("emptied" if action == "empty" else "replaced", keyword)

    def _keep(self, dataset: Dataset, element: DataElement, keyword: str) -> None:
        before = element.value
        after = (
            self._uid(element)
            if must_map(element)
            else kept(element, dictionary_VR(element.tag), self.days, self.map_uid)
        )
        if after is None:
            self._remove(dataset, element.tag, keyword)
        elif element.VR in CHANGED and str(after) != str(before):
            element.value = after
            self.note(CHANGED[element.VR], keyword)

    def _uid(self, element: DataElement) -> Any:
        """UIDs that the table names are mapped, even one that looks registered."""
        parts = [str(part).strip() for part in (element.value if element.VM > 1 else [element.value])]
        if not all(UID_FORM.fullmatch(part) for part in parts):
            return None
        mapped = [self.map_uid(part) for part in parts]
        return mapped if element.VM > 1 else mapped[0]

    def _blank(self, element: DataElement, action: Action) -> None:
        element.value = DUMMY if action == "dummy" else ""

    def _remove(self, dataset: Dataset, tag: BaseTag, keyword: str) -> None:
        del dataset[tag]
        self.note("removed", keyword)


def must_map(element: DataElement) -> bool:
    """Whether the table says U."""
    return element.VR == "UI" and action_of(element.keyword, "UI") == "uid"


def is_idle_table(dataset: Dataset, keyword: str) -> bool:
    """Whether a table of pixel values is there without what would use it: then its bytes may be anything."""
    if "PaletteColorLookupTableData" in keyword:
        return str(dataset.get("PhotometricInterpretation", "")) != "PALETTE COLOR"
    return keyword == "LUTData" and "LUTDescriptor" not in dataset


def is_known(tag: BaseTag) -> bool:
    """Whether the standard has the attribute. Command, meta and length elements, curves and overlays do not count."""
    return tag.group > 2 and tag.element != 0 and dictionary_has_tag(tag)


def readable(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """The element if its value can be read and is of the representation that the standard gives; else None."""
    try:
        element = dataset[tag]
        found = str(element.VR)
        _ = element.value
    except Exception:
        # whatever pydicom throws at a strange value: what can not be read can not be checked
        return None
    wanted = dictionary_VR(tag)
    return element if found == wanted or found in wanted.split(" or ") else None


def is_empty(element: DataElement) -> bool:
    """Whether there is nothing to take away."""
    return element.value is None or (element.VM == 0 and not element.value)
