"""What an operator does to a row: a page that says what will happen, a form, and one service function behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.enums import ActionVariant

from billing.admin.fields import ActForm
from tenants.admin_base import operator
from tenants.errors import UserError

Data = dict[str, Any]
CONFIRMED = "confirmed"
"""The field that tells a form which is carried out from one that only asks what would happen."""


@dataclass(frozen=True, slots=True)
class Table:
    """Something to read before one decides."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Act:
    """`run` does it to the row (None on a list's page) and tells what was done; `notes` say what it means.

    With a `preview` the form first shows what would happen, and a second button does it.
    """

    title: str
    button: str
    run: Callable[[Any, Data, str], str]
    form: type[ActForm] = ActForm
    notes: Sequence[str] = ()
    tables: Callable[[Any], list[Table]] | None = None
    preview: Callable[[Any, Data], list[Table]] | None = None


def act_on_row(act: Act, label: str, *, primary: bool = False) -> Any:
    """An entry of `actions_detail`: a button on the row's page, for those who may change such rows."""

    def show(page: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
        return on_row(page, request, object_id, act)

    return action(show, permissions=["operate"], description=label, variant=_variant(primary))


def act_on_list(act: Act, label: str) -> Any:
    """An entry of `actions_list`: a button above the list."""

    def show(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
        return on_list(page, request, act)

    return action(show, permissions=["operate"], description=label, variant=_variant(True))


def _variant(primary: bool) -> ActionVariant:
    return ActionVariant.PRIMARY if primary else ActionVariant.DEFAULT


def on_row(page: ModelAdmin, request: HttpRequest, object_id: str, act: Act) -> HttpResponse:
    """The page of an act on one row; the row's own page afterwards. 404 without the row."""
    row = page.get_object(request, object_id)
    if row is None:
        raise Http404
    back = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[row.pk])
    return _answer(page, request, act, row, back)


def on_list(page: ModelAdmin, request: HttpRequest, act: Act) -> HttpResponse:
    """The page of an act that makes something; the list afterwards."""
    back = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    return _answer(page, request, act, None, back)


def _answer(page: ModelAdmin, request: HttpRequest, act: Act, row: Any, back: str) -> HttpResponse:
    form = act.form(request.POST if request.method == "POST" else None, row=row)
    shown: list[Table] = []
    if request.method == "POST" and form.is_valid():
        confirmed = act.preview is None or CONFIRMED in request.POST
        try:
            with transaction.atomic():
                if confirmed:
                    messages.success(request, act.run(row, form.cleaned_data, operator(request)))
                    return redirect(back)
                shown = act.preview(row, form.cleaned_data) if act.preview else []
        except (UserError, ValidationError, ValueError) as refusal:
            form.add_error(None, _reason(refusal))
    return _page(page, request, act, row, back, form, shown)


def _reason(refusal: Exception) -> str:
    if isinstance(refusal, UserError):
        return refusal.detail
    if isinstance(refusal, ValidationError):
        return "; ".join(refusal.messages)
    return str(refusal)


def _page(
    page: ModelAdmin, request: HttpRequest, act: Act, row: Any, back: str, form: ActForm, shown: list[Table]
) -> HttpResponse:
    tables = act.tables(row) if act.tables and row is not None else []
    context = {
        **page.admin_site.each_context(request),
        "title": act.title,
        "subject": _subject(row),
        "opts": page.opts,
        "act": act,
        "form": form,
        "back": back,
        "tables": [*tables, *shown],
        "asks": act.preview is not None,
        "ready": act.preview is None or bool(shown and not form.errors),
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/billing/act.html", context)


def _subject(row: Any) -> str:
    """Whose row it is, or its own name where it belongs to nobody."""
    tenant = getattr(row, "tenant", None)
    names = [str(tenant), getattr(row, "number", "")] if tenant else [str(row) if row else ""]
    return ", ".join(filter(None, names))
