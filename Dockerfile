# syntax=docker/dockerfile:1.7
# The image holds the binary, git and the libraries they need, for a user without rights, on a file system that may be
# read-only. It is put together by deploy/rootfs, which tests/deploy.rs runs and checks on every machine.
FROM rust:1.95.0-slim-bookworm AS build
# Debian keeps the newest versions only: pinned ones would be gone with the next security fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY --chown=0:0 . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin flotilla \
 && deploy/rootfs target/release/flotilla /rootfs \
 && chown -R 65532:65532 /rootfs/var/lib/flotilla

FROM scratch
# Owners are those of the stage: all is root's but the data directory.
COPY --from=build /rootfs/ /
USER 65532:65532
WORKDIR /var/lib/flotilla
ENV PATH=/usr/local/bin:/usr/bin HOME=/var/lib/flotilla FLOTILLA_LOG__FORMAT=json
VOLUME /var/lib/flotilla
EXPOSE 8080
# Drains for up to 25 s and is gone after 29.5 s (worker.drain_ms, worker.hard_stop_ms): give it 30.
STOPSIGNAL SIGTERM
# Asks the process at http.listen; for `work` add --worker. What it needs may be away for two minutes: an orchestrator
# that replaced workers sooner would throw away the results that they keep meanwhile.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=24 CMD ["flotilla", "health"]
ENTRYPOINT ["flotilla"]
CMD ["run"]
