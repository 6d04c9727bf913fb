"""What the child is told about a tenant's rule: the mode, and keys derived for this purpose only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

Mode = Literal["pseudonymise", "anonymise"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """`pseudonym_key` makes UIDs, names and dates; `seal_key` closes the crosswalk, which `anonymise` does not make.

    `key_id` names the tenant's data key that both follow from.
    """

    mode: Mode
    tenant: str
    key_id: UUID
    pseudonym_key: bytes = field(repr=False)
    seal_key: bytes = field(repr=False)

    def as_options(self) -> dict[str, str]:
        """For the pipe to the child."""
        return {
            "mode": self.mode,
            "tenant": self.tenant,
            "key_id": self.key_id.hex,
            "pseudonym_key": self.pseudonym_key.hex(),
            "seal_key": self.seal_key.hex(),
        }

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Instruction:
        """What `as_options` made."""
        return cls(
            mode=options["mode"],
            tenant=options["tenant"],
            key_id=UUID(options["key_id"]),
            pseudonym_key=bytes.fromhex(options["pseudonym_key"]),
            seal_key=bytes.fromhex(options["seal_key"]),
        )
