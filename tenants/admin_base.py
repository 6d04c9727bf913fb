"""Admin pages that only show: money and history are never edited, not even by an operator."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from tenants import audit


class Operated:
    """Actions marked `permissions=["operate"]` are for those who may change the rows, not for those who may look."""

    opts: Any

    def has_operate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))


class ReadOnly:
    """Neither add, change nor delete."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Kept:
    """Rows that are made and changed by a form, with a trace, and never deleted; `kind` names them in the trace."""

    kind = ""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        verb = "changed" if change else "created"
        name, actor = self.kind.replace(" ", "_"), operator(request)
        audit.record(f"{name}.{verb}", tenant_id=None, actor=actor, subject=str(obj), fields=form.changed_data)


class ShownAdmin(Operated, ReadOnly, ModelAdmin):  # type: ignore[misc]
    """A list and a page for each row."""

    list_per_page = 50
    show_full_result_count = False


class ShownInline(ReadOnly, TabularInline):  # type: ignore[misc]
    """Rows below another one."""

    extra = 0
    hide_title = True


def operator(request: HttpRequest) -> str:
    """The operator's name for the audit log."""
    return f"operator:{request.user.pk}"
