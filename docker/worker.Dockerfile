# The worker image: the web image's code with TensorFlow. Build from the repository's root:
#   docker build -f docker/worker.Dockerfile --build-arg LOCK=worker-gpu -t assay-worker .
FROM python:3.12-slim-bookworm

# worker: CPU; worker-gpu: with CUDA's libraries
ARG LOCK=worker
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app/platform:/app DJANGO_SETTINGS_MODULE=config.settings \
    ASSAY_DATA_DIR=/data ASSAY_LOG_FORMAT=json
WORKDIR /app
COPY requirements/${LOCK}.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/${LOCK}.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --system --uid 10001 assay && mkdir /data && chown assay /data
USER assay
VOLUME /data
# jobs in hand are handed back within the grace period; a kill is harmless too, the lease runs out
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "worker"]
