# Two stages: the first installs into a virtual environment, the second carries nothing else.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/trackbridge
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY mappings mappings
RUN pip --python /opt/trackbridge/bin/python install --no-cache-dir -c constraints.txt .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="trackbridge" \
      org.opencontainers.image.description="Webhooks in, leads and sales out: verified, mapped by YAML, delivered durably" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin trackbridge \
 && mkdir -p /data /app \
 && chown trackbridge /data
COPY --from=build /opt/trackbridge /opt/trackbridge
ENV PATH=/opt/trackbridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACKBRIDGE_HOST=0.0.0.0 \
    TRACKBRIDGE_DATABASE_URL=sqlite:////data/trackbridge.db
# The shipped mappings are inside. Yours go over them by source name: mount a folder at /app/mappings.
WORKDIR /app
USER trackbridge
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('TRACKBRIDGE_PORT', '8000') + '/healthz', timeout=2)"]
ENTRYPOINT ["trackbridge"]
CMD ["serve"]
