# Two stages: the first installs into a virtual environment, the second carries nothing else.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/trackbridge
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY mappings mappings
RUN pip --python /opt/trackbridge/bin/python install --no-cache-dir --no-compile -c constraints.txt .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="trackbridge" \
      org.opencontainers.image.description="Webhooks in, leads and sales out: verified, mapped by YAML, delivered durably" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 trackbridge \
 && useradd --uid 10001 --gid trackbridge --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin trackbridge \
 && install -d /app \
 && install -d -o trackbridge -g trackbridge /data
COPY --from=build /opt/trackbridge /opt/trackbridge
ENV PATH=/opt/trackbridge/bin:$PATH
# The shipped mappings must pass in here as well. What this imports stays compiled, the standard library included, which
# the base image has as source only: the start takes half the time. Nothing else is compiled: most of what Stripe's
# library has is never used, and would weigh as much again.
RUN trackbridge check && trackbridge test \
 && python -m compileall -q /opt/trackbridge/lib/python3.*/site-packages/bridge \
 && python -c "import bridge.assembly, bridge.assembly.looking, bridge.assembly.reconciling, bridge.store.postgres, jinja2"
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACKBRIDGE_HOST=0.0.0.0 \
    TRACKBRIDGE_DATABASE_URL=sqlite:////data/trackbridge.db
# The shipped mappings are inside. Yours go over them by source name: mount a folder at /app/mappings.
WORKDIR /app
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Not by urllib: it would ask the proxy that the environment may name.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('TRACKBRIDGE_PORT') or 8000), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["trackbridge"]
CMD ["serve"]
