"""All addresses but those of the probes, which `ops.health` answers before anything else."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from api.webhooks import receive

urlpatterns = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("portal.urls")),
    path("webhooks/<str:provider>/", receive, name="webhook"),
    path("v1/", include("api.v1.urls")),
    path(
        "openapi.json",
        SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[]),
        name="openapi",
    ),
    path(
        "docs/",
        SpectacularSwaggerView.as_view(url_name="openapi", authentication_classes=[], permission_classes=[]),
        name="docs",
    ),
]

handler400 = "config.failures.bad_request"
handler403 = "config.failures.denied"
handler404 = "config.failures.not_found"
handler500 = "config.failures.broken"
