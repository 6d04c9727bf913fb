# The web image: REST, portal, admin, sweeper. No TensorFlow. Build from the repository's root:
#   docker build -f docker/web.Dockerfile -t assay-web .
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app/platform:/app DJANGO_SETTINGS_MODULE=config.settings \
    ASSAY_DATA_DIR=/data ASSAY_LOG_FORMAT=json
# invoices and reports as PDF: WeasyPrint draws with Pango
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements/web.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/web.txt
COPY . .
# the entry points of the plugins live in the package's metadata
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --system --uid 10001 assay && mkdir /data && chown assay /data
USER assay
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "16", "config.wsgi:application"]
