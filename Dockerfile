# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin flotilla && install -D target/release/flotilla /out/flotilla

# git is what code-review reads work trees with.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/flotilla flotilla
COPY --from=build /out/flotilla /usr/local/bin/flotilla
USER 10001
WORKDIR /var/lib/flotilla
ENV FLOTILLA_LOG__FORMAT=json
# SIGTERM drains: 25 s by default, so give it 30.
STOPSIGNAL SIGTERM
ENTRYPOINT ["flotilla"]
CMD ["run"]
