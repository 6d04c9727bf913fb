"""Scopes: what a key or a member may do. One table, no exceptions elsewhere."""

from __future__ import annotations

from tenants.models import Role

SCOPES = ("studies:read", "studies:write", "jobs:read", "jobs:write", "billing:read", "admin")
READ = frozenset({"studies:read", "jobs:read"})
WORK = READ | {"studies:write", "jobs:write"}

ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.ADMIN: frozenset(SCOPES),
    Role.MEMBER: frozenset(WORK),
    Role.REVIEWER: frozenset(WORK),
    Role.BILLING: frozenset({"billing:read"}),
}

REVIEWERS = frozenset({Role.OWNER, Role.ADMIN, Role.REVIEWER})
"""Who may judge findings and sign results. A member reads them; a key reviews by its scope and never signs."""

PAYERS = frozenset({Role.OWNER, Role.ADMIN, Role.BILLING})
"""Who may change what is paid at the portal: plans, credits, caps, addresses. A key needs the scope `admin`."""

RELEASERS = frozenset({Role.OWNER, Role.ADMIN, Role.REVIEWER})
"""Who may release a study that was held for names in its pixels. A key needs the scope `admin`."""
