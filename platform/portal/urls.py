"""The addresses of the portal."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from portal.views import jobs, keys, money, pay, session

app_name = "portal"
urlpatterns = [
    path("", jobs.Home.as_view(), name="home"),
    path("login", session.LogIn.as_view(), name="login"),
    path("set-password/<uidb64>/<token>", session.SetPassword.as_view(), name="set-password"),
    path("password", session.ChangePassword.as_view(), name="password"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("organisations", session.Tenants.as_view(), name="tenants"),
    path("jobs", jobs.Jobs.as_view(), name="jobs"),
    path("jobs/<str:identity>", jobs.JobPage.as_view(), name="job"),
    path("usage", money.Usage.as_view(), name="usage"),
    path("plans", money.Plans.as_view(), name="plans"),
    path("invoices", money.Invoices.as_view(), name="invoices"),
    path("invoices/<str:identity>", money.InvoicePage.as_view(), name="invoice"),
    path("pay/<str:identity>", pay.Pay.as_view(), name="pay"),
    path("keys", keys.Keys.as_view(), name="keys"),
    path("keys/<str:identity>/revoke", keys.RevokeKey.as_view(), name="key-revoke"),
]
