"""The addresses of the portal."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from portal.views import billing_settings, credits, invoices, jobs, keys, learning, pay, plans, reviews, session, usage

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
    path("jobs/<str:identity>/findings", reviews.AddFinding.as_view(), name="finding-add"),
    path("jobs/<str:identity>/findings/<str:finding>", reviews.ReviewFinding.as_view(), name="finding-review"),
    path("jobs/<str:identity>/conclusion", reviews.Conclude.as_view(), name="conclusion"),
    path("jobs/<str:identity>/sign", reviews.Sign.as_view(), name="sign"),
    path("jobs/<str:identity>/addenda", reviews.Append.as_view(), name="addendum"),
    path("learning", learning.Learning.as_view(), name="learning"),
    path("usage", usage.Usage.as_view(), name="usage"),
    path("usage/live", usage.LiveUsage.as_view(), name="usage-live"),
    path("usage.csv", usage.UsageExport.as_view(), name="usage-export"),
    path("plans", plans.Plans.as_view(), name="plans"),
    path("plans/change", plans.ChangePlan.as_view(), name="plan-change"),
    path("plans/subscribe", plans.Subscribe.as_view(), name="plan-subscribe"),
    path("plans/subscription", plans.SubscriptionAction.as_view(), name="subscription"),
    path("plans/add-on", plans.AddOn.as_view(), name="add-on"),
    path("plans/coupon", plans.Coupon.as_view(), name="coupon"),
    path("invoices", invoices.Invoices.as_view(), name="invoices"),
    path("invoices.csv", invoices.InvoicesExport.as_view(), name="invoices-export"),
    path("invoices/<str:identity>", invoices.InvoicePage.as_view(), name="invoice"),
    path("invoices/<str:identity>/lines/<int:position>", invoices.LinePage.as_view(), name="invoice-line"),
    path("invoices/<str:identity>/lines.csv", invoices.LinesExport.as_view(), name="invoice-lines-export"),
    path("invoices/<str:identity>/usage.csv", invoices.InvoiceUsageExport.as_view(), name="invoice-usage-export"),
    path("invoices/<str:identity>/<str:language>.pdf", invoices.InvoicePdf.as_view(), name="invoice-pdf"),
    path("invoices/<str:identity>/pay", invoices.PayInvoice.as_view(), name="invoice-pay"),
    path("credit-notes/<str:identity>/<str:language>.pdf", invoices.CreditNotePdf.as_view(), name="credit-note-pdf"),
    path("credits", credits.Credits.as_view(), name="credits"),
    path("credits.csv", credits.GrantsExport.as_view(), name="credits-export"),
    path("credits-used.csv", credits.BurnedExport.as_view(), name="credits-used-export"),
    path("credits/buy", credits.BuyCredits.as_view(), name="credits-buy"),
    path("credits/pay", credits.PayCredits.as_view(), name="credits-pay"),
    path("billing", billing_settings.Billing.as_view(), name="billing"),
    path("billing/caps", billing_settings.Caps.as_view(), name="caps"),
    path("billing/payment-method", billing_settings.PaymentMethod.as_view(), name="payment-method"),
    path("billing/provider", billing_settings.ProviderPortal.as_view(), name="provider-portal"),
    path("billing/alerts/<str:identity>/dismiss", billing_settings.DismissAlert.as_view(), name="alert-dismiss"),
    path("pay/<str:identity>", pay.Pay.as_view(), name="pay"),
    path("keys", keys.Keys.as_view(), name="keys"),
    path("keys/<str:identity>/revoke", keys.RevokeKey.as_view(), name="key-revoke"),
]
