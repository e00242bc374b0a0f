# The service in a container: built in one stage, run in another that holds no compiler.
#
#   docker build -t tessera .
#   docker run --read-only --tmpfs /tmp -v spool:/var/lib/tessera -e TESSERA_AMQP_URL=… tessera

FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      build-essential ca-certificates clang curl libclang-dev pkg-config \
      libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev \
 && rm -rf /var/lib/apt/lists/*
RUN curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
ENV PATH=/root/.cargo/bin:$PATH
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY layouts layouts
COPY src src
RUN cargo build --release --locked --bin tessera && strip target/release/tessera

FROM debian:12-slim
# Fonts for names in any script; FFmpeg's libraries, without its commands.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
      libavcodec59 libavfilter8 libavformat59 libavutil57 libswresample4 libswscale6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/tessera --shell /usr/sbin/nologin tessera \
 && install -d -o tessera -g tessera /var/lib/tessera
COPY --from=build /build/target/release/tessera /usr/local/bin/tessera
USER tessera
WORKDIR /var/lib/tessera
# All that is written goes here: the root file system may be read-only.
VOLUME /var/lib/tessera
ENV TESSERA_SPOOL=/var/lib/tessera/spool \
    TESSERA_LISTEN=0.0.0.0:9090 \
    TESSERA_LOG_FORMAT=json
EXPOSE 9090
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["tessera", "status", "--listen", "127.0.0.1:9090"]
# SIGTERM is Docker's own; give it longer than TESSERA_GRACE with --stop-timeout.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tessera"]
CMD ["worker"]
