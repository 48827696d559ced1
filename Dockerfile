# The server in a container: docker build -t httpsms . && docker run -p 127.0.0.1:8000:8000 -v httpsms:/var/lib/httpsms httpsms
# The base images, by exact versions; `make update-images` adds the digests that the registry has for them.
ARG SWIFT_IMAGE=swift:6.3.1-bookworm
ARG DEBIAN_IMAGE=debian:12.11-slim

FROM ${SWIFT_IMAGE} AS build
WORKDIR /src
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make release && strip --strip-unneeded .build/release/httpsms

FROM ${DEBIAN_IMAGE}
# postgresql-client: `httpsms backup` and `restore` of a store on PostgreSQL run pg_dump and pg_restore.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libc-ares2 libcmark-gfm0.29.0.gfm.6 \
        libcmark-gfm-extensions0.29.0.gfm.6 \
        libphonenumber8-protobuf32 libpq5 libqrencode4 libsqlite3-0 \
        libstdc++6 libxml2 libzip4 postgresql-client-15 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/httpsms --shell /usr/sbin/nologin httpsms
COPY --from=build /src/.build/release/httpsms /usr/bin/httpsms
USER httpsms
WORKDIR /var/lib/httpsms
VOLUME /var/lib/httpsms
# Other containers reach it by its name; publish the port only behind something that speaks HTTPS.
ENV HTTP_HOST=0.0.0.0 DATABASE_URL=sqlite:/var/lib/httpsms/httpsms.sqlite LOG_FORMAT=json
EXPOSE 8000
# There is no curl here. Ready is another question: GET /health/ready.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${HTTP_PORT:-8000} && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q OK <&3"]
# SIGTERM ends it within 9 seconds, which is less than the 10 that containers get.
ENTRYPOINT ["httpsms"]
CMD ["serve"]
