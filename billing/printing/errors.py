"""What a person is told where no PDF comes."""

from __future__ import annotations

from tenants.errors import UserError


class PrintingUnavailable(UserError):
    """The machine lacks what makes a PDF."""

    code = "printing_unavailable"
    template = "This server can not make a PDF: the page shows the same."


class PrintingTooSlow(PrintingUnavailable):
    """The PDF was given up after its time."""

    template = "The PDF was not ready after %(seconds)s seconds: the page shows the same; try again later."
