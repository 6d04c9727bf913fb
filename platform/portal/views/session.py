"""Log in, choose the organisation, choose the language."""

from __future__ import annotations

import hashlib

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views import View

from portal.base import find
from tenants import accounts, audit, rates
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context
from tenants.ids import encode
from tenants.models import User

FAILURES_ALLOWED = 10
WINDOW_SECONDS = 300


class LogIn(LoginView):
    """E-mail and password. After ten failures for one e-mail the next ones wait, whatever the password."""

    template_name = "portal/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        email = request.POST.get("username", "").strip().lower()
        if failures(email, 0) >= FAILURES_ALLOWED:
            form = self.get_form()
            form.add_error(None, _("Too many attempts: try again in a few minutes."))
            return self.form_invalid(form)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        note("user.logged_in", user)
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        failures(form.data.get("username", "").strip().lower(), 1)
        return super().form_invalid(form)


class SetPassword(PasswordResetConfirmView):
    """A person who was invited chooses a password by a link that counts once, and is logged in."""

    template_name = "portal/set_password.html"
    success_url = reverse_lazy("portal:home")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"


def failures(email: str, more: int) -> int:
    """How often the log-in failed for an e-mail in the present window; the e-mail itself is not written anywhere."""
    digest = hashlib.sha256(email.encode()).hexdigest()[:32]
    return rates.count(f"login:{digest}", WINDOW_SECONDS, more)


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
