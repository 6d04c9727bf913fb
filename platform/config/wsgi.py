"""The web process. Django runs over WSGI: over ASGI its synchronous views were five to ten times slower."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
