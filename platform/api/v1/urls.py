"""The addresses of version 1."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from api.errors import NOT_FOUND, problem_page
from api.v1.views import (
    jobs,
    money,
    outputs,
    papers,
    plugins,
    reports,
    results,
    retention,
    reviews,
    studies,
    subscription,
    wallet,
)

app_name = "v1"


@csrf_exempt
def nothing(request: HttpRequest, rest: str = "") -> JsonResponse:
    """Whatever the method: a page about a token would tell a client nothing."""
    return problem_page(request, "not_found", NOT_FOUND)


urlpatterns = [
    path("me", money.MeView.as_view(), name="me"),
    path("studies", studies.StudiesView.as_view(), name="studies"),
    path("studies/<str:identity>", studies.StudyView.as_view(), name="study"),
    path("studies/<str:identity>/instances/<str:instance>/rendered", studies.RenderedView.as_view(), name="rendered"),
    path("studies/<str:identity>/release", studies.ReleaseView.as_view(), name="study-release"),
    path("studies/<str:identity>/certificate", retention.CertificateView.as_view(), name="study-certificate"),
    path("studies/<str:identity>/legal_hold", retention.LegalHoldView.as_view(), name="legal-hold"),
    path("erasures", retention.ErasuresView.as_view(), name="erasures"),
    path("plugins", plugins.PluginsView.as_view(), name="plugins"),
    path("plugins/<str:slug>", plugins.PluginView.as_view(), name="plugin"),
    path("plugins/<str:slug>/card", plugins.CardView.as_view(), name="plugin-card"),
    path("jobs", jobs.JobsView.as_view(), name="jobs"),
    path("jobs/estimate", jobs.EstimateView.as_view(), name="job-estimate"),
    path("jobs/<str:identity>", jobs.JobView.as_view(), name="job"),
    path("jobs/<str:identity>/cancel", jobs.CancelView.as_view(), name="job-cancel"),
    path("jobs/<str:identity>/retry", jobs.RetryView.as_view(), name="job-retry"),
    path("jobs/<str:identity>/result", results.ResultView.as_view(), name="job-result"),
    path("jobs/<str:identity>/report", reports.ReportView.as_view(), name="job-report"),
    path("jobs/<str:identity>/report.pdf", reports.ReportPdfView.as_view(), name="job-report-pdf"),
    path("jobs/<str:identity>/artifacts/<str:artifact>", outputs.ArtifactView.as_view(), name="artifact"),
    path("jobs/<str:identity>/outputs", outputs.OutputsView.as_view(), name="job-outputs"),
    path("jobs/<str:identity>/outputs/<str:kind>", outputs.OutputView.as_view(), name="job-output"),
    path("findings/<str:identity>/review", reviews.ReviewView.as_view(), name="finding-review"),
    path("results/<str:identity>/findings", reviews.FindingsView.as_view(), name="result-findings"),
    path("results/<str:identity>/reviews", reviews.ReviewsView.as_view(), name="result-reviews"),
    path("results/<str:identity>/conclusion", reviews.ConclusionView.as_view(), name="result-conclusion"),
    path("results/<str:identity>/sign", reviews.SignView.as_view(), name="result-sign"),
    path("results/<str:identity>/addenda", reviews.AddendaView.as_view(), name="result-addenda"),
    path("usage", money.UsageView.as_view(), name="usage"),
    path("usage/summary", money.UsageSummaryView.as_view(), name="usage-summary"),
    path("plans", money.PlansView.as_view(), name="plans"),
    path("subscription", subscription.SubscriptionView.as_view(), name="subscription"),
    path("subscription/preview", subscription.PreviewView.as_view(), name="subscription-preview"),
    path("subscription/change", subscription.ChangeView.as_view(), name="subscription-change"),
    path("subscription/cancel", subscription.CancelView.as_view(), name="subscription-cancel"),
    path("subscription/keep", subscription.KeepView.as_view(), name="subscription-keep"),
    path("subscription/pause", subscription.PauseView.as_view(), name="subscription-pause"),
    path("subscription/resume", subscription.ResumeView.as_view(), name="subscription-resume"),
    path("credits", wallet.CreditsView.as_view(), name="credits"),
    path("credits/purchase", wallet.PurchaseView.as_view(), name="credits-purchase"),
    path("spending_caps", wallet.CapsView.as_view(), name="spending-caps"),
    path("alerts", wallet.AlertsView.as_view(), name="alerts"),
    path("invoices", money.InvoicesView.as_view(), name="invoices"),
    path("invoices/preview", money.PreviewView.as_view(), name="invoice-preview"),
    path("invoices/<str:identity>/pdf", papers.InvoicePdfView.as_view(), name="invoice-pdf"),
    path("credit-notes/<str:identity>/pdf", papers.CreditNotePdfView.as_view(), name="credit-note-pdf"),
    path("invoices/<str:identity>", money.InvoiceView.as_view(), name="invoice"),
    # every other address below /v1/ answers with a problem, not with a page
    path("", nothing, name="root"),
    path("<path:rest>", nothing, name="nothing"),
]
