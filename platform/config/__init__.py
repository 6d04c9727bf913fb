"""The assembly: settings, URLs, Celery, WSGI, checks."""
