"""Privacy: the rule by which files come in, and studies that wait until a person has looked at their pixels."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.deidentification import holds, rules
from inference.deidentification.profile import METHODS
from inference.models import BurnedInPolicy, DeidentificationMode, Study
from inference.retention import rules as retention_rules
from portal.base import TenantView, find, own
from portal.views.jobs import sentence
from tenants.errors import UserError
from tenants.ids import encode

FEW_PICTURES = 12
SIGNS = {
    "annotation": gettext_lazy("The header says that text is burned in."),
    "modality": gettext_lazy("Images of this kind often carry a line with the patient's name."),
    "capture": gettext_lazy("The image is a captured screen."),
    "image_type": gettext_lazy("The image was derived from others, and may have been annotated."),
    "picture": gettext_lazy("A PNG or JPEG file has no header that tells what its pixels show."),
}
"""Why a study is held, by the sign."""


class Privacy(TenantView):
    """The tenant's rule."""

    scope = "admin"

    def get(self, request: HttpRequest) -> HttpResponse:
        rule = rules.of(self.tenant.id)
        kept = retention_rules.of(self.tenant.id)
        return self.page(
            request,
            "privacy.html",
            rule=rule,
            modes=DeidentificationMode.choices,
            policies=BurnedInPolicy.choices,
            methods=[method.meaning for method in METHODS],
            kinds=[(kind.value, kind.label, days) for kind, days in kept.items()],
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            mode = DeidentificationMode(request.POST.get("mode", ""))
            burned_in = BurnedInPolicy(request.POST.get("burned_in", ""))
        except ValueError:
            raise BadRequest from None
        rules.change(self.tenant.id, mode=mode, burned_in=burned_in, actor=self.actor)
        messages.success(request, _("Saved. It holds for files that come from now on."))
        return redirect("portal:privacy")


class ReleaserView(TenantView):
    """What is for those who may release studies."""

    scope = "studies:read"

    def refuse_unless_allowed(self, request: HttpRequest) -> None:
        super().refuse_unless_allowed(request)
        if not self.releases:
            raise PermissionDenied


class Held(ReleaserView):
    """Studies that wait, each with its first pictures."""

    def get(self, request: HttpRequest) -> HttpResponse:
        open_holds = holds.open_holds(self.tenant.id).select_related("study")
        return self.page(request, "held.html", listed=[shown(hold.study, hold.signs) for hold in open_holds])


class ReleaseStudy(ReleaserView):
    """A person has looked."""

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        study = own(Study.objects.for_tenant(self.tenant).filter(pk=find("std", identity)).first())
        try:
            holds.release(study, actor=self.actor)
        except UserError as error:
            messages.error(request, sentence(error))
        else:
            messages.success(request, _("Released: analyses may run on the study."))
        return redirect("portal:held")


def shown(study: Study, signs: list[str]) -> dict[str, object]:
    """A held study for the page."""
    instances = list(study.instances.order_by("id").values_list("id", flat=True))
    return {
        "identity": encode("std", study.id),
        "study": study,
        "signs": [SIGNS[sign] for sign in signs if sign in SIGNS],
        "pictures": [encode("ins", one) for one in instances[:FEW_PICTURES]],
        "count": len(instances),
    }
