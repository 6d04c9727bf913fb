"""The errors of an analysis. The two families, the user's and ours, are explained in `tenants.errors`."""

from __future__ import annotations

from tenants.errors import InternalError, UserError

__all__ = ["InternalError", "UnreadableFile", "UnsupportedInput", "UserError"]


class UnsupportedInput(UserError):
    """The input is readable but not what the analysis is made for. Never billed."""

    code = "unsupported_input"
    template = "This analysis can not read the study."


class UnreadableFile(UserError):
    """The bytes are damaged, cut short, or not of a type that is taken."""

    code = "unreadable_file"
    template = "The file can not be read."
