FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The image's gcc is all that SQLite and AWS-LC need. The caches outlive the build, the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin sogep && cp target/release/sogep /usr/local/bin/sogep

FROM debian:bookworm-slim
# The data directory exists here so that a new volume over it belongs to the service's user.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin sogep \
    && install --directory --owner=sogep --group=sogep --mode=700 /data
COPY --from=build /usr/local/bin/sogep /usr/local/bin/sogep
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV SOGEP_DATA_DIR=/data \
    SOGEP_LISTEN=0.0.0.0:8080 \
    SOGEP_PLAIN_HTTP=anywhere
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["sogep", "healthcheck"]
ENTRYPOINT ["sogep"]
CMD ["serve"]
