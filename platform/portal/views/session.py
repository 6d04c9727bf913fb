"""Log in, choose the organisation, choose the language."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, PasswordChangeView, PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views import View

from portal.base import find, menu_of
from tenants import accounts, audit, lockout
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context
from tenants.ids import encode
from tenants.models import User


class LogIn(LoginView):
    """E-mail and password. After many failures the next ones wait, whatever the password."""

    template_name = "portal/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if lockout.is_locked(*lockout.claimed(request)):
            # not the bound form: it would try the password, and tell about it
            context = self.get_context_data(form=self.form_class(request), locked=True)
            return self.render_to_response(context, status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        note("user.logged_in", user)
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        lockout.note_failure(*lockout.claimed(self.request))
        return super().form_invalid(form)


class SetPassword(PasswordResetConfirmView):
    """A person who was invited chooses a password by a link that counts once, and is logged in."""

    template_name = "portal/set_password.html"
    success_url = reverse_lazy("portal:home")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"


class ChangePassword(LoginRequiredMixin, PasswordChangeView):
    """A person changes the own password; other sessions end by it. Guesses of the old one are braked like log-ins."""

    template_name = "portal/password.html"
    success_url = reverse_lazy("portal:home")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if lockout.is_locked(*self.claimed()):
            # not the bound form: it would try the old password, and tell about it
            context = self.get_context_data(form=self.form_class(self.person), locked=True)
            return self.render_to_response(context, status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        note("user.password_changed", self.person)
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        if "old_password" in form.errors:
            lockout.note_failure(*self.claimed())
        return super().form_invalid(form)

    @property
    def person(self) -> User:
        """Who is logged in; nobody else gets here."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def claimed(self) -> tuple[str, str]:
        """Who guesses: the person who is logged in, whatever the form says."""
        return self.person.email, lockout.address_of(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**menu_of(self.request), **kwargs)


def note(action: str, user: User) -> None:
    """Tell the audit log of each tenant that the user belongs to."""
    with operator_context():
        for membership in accounts.memberships_of(user):
            audit.record(action, tenant_id=membership.tenant_id, actor=f"user:{user.pk}")


class Tenants(LoginRequiredMixin, View):
    """Choose the organisation to work for."""

    def get(self, request: HttpRequest) -> HttpResponse:
        assert isinstance(request.user, User)
        choices = [(encode("tnt", one.tenant_id), one.tenant.name) for one in accounts.memberships_of(request.user)]
        return render(request, "portal/tenants.html", {"choices": choices})

    def post(self, request: HttpRequest) -> HttpResponse:
        assert isinstance(request.user, User)
        chosen = accounts.membership(request.user, find("tnt", request.POST.get("tenant", "")))
        if chosen is None:
            raise Http404
        request.session[TENANT_IN_SESSION] = str(chosen.tenant_id)
        return redirect("portal:home")
