#!/usr/bin/env bash
# Installs what building and testing Tessera needs and this machine lacks: FFmpeg and its headers, fonts, clang, a C
# compiler, Python, Rust, and the servers that tests start for themselves (Ceph's S3 gateway, RabbitMQ). It says what it
# installs, and is silent when nothing is missing. No system service is started or left enabled.
#
#   scripts/setup.sh                 what `make demo`, `make test` and `make bench` need
#   scripts/setup.sh --check-tools   also what `make check` needs: rustfmt, clippy, cargo-deny, cargo-machete
#   scripts/setup.sh --fuzz-tools    also what `make fuzz` needs: cargo-fuzz and a C++ compiler
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  ffmpeg libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
  fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji
  clang libclang-dev pkg-config gcc libc6-dev make python3 git curl ca-certificates
  radosgw ceph-mon ceph-osd ceph-common rabbitmq-server
)
# The same needs as commands and pkg-config names, for systems whose packages we do not know.
commands=(ffmpeg clang pkg-config cc make python3 git curl radosgw ceph-mon ceph-osd radosgw-admin rabbitmq-server)
libraries=(libavcodec libavfilter libavformat libavutil libswresample libswscale)

# Cargo tools that `make check` runs, with the versions that it was written for.
tools=(cargo-deny@0.20.2 cargo-machete@0.9.2)
# The same for `make fuzz`.
fuzz_tools=(cargo-fuzz@0.13.2)

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

main() {
  case "${1:-}" in
    "" | --check-tools) ;;
    --fuzz-tools)
      packages+=(g++)
      commands+=(c++)
      ;;
    *) die "unknown option '$1' (there are --check-tools and --fuzz-tools)" ;;
  esac
  system_packages
  rust
  case "${1:-}" in
    --check-tools) check_tools ;;
    --fuzz-tools) cargo_tools "${fuzz_tools[@]}" ;;
  esac
}

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

as_root=()
system_packages() {
  local missing
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    other_system
    return
  fi
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0

  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      die "these packages are missing, and installing them takes root or sudo: ${missing//$'\n'/ }"
    as_root=(sudo)
  fi
  say "installing with apt-get: ${missing//$'\n'/ }"
  "${as_root[@]}" apt-get update -qq || die "apt-get update failed (its message is above)"
  keep_services_off
  # shellcheck disable=SC2086 # one word per package is meant
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null ||
    die "apt-get could not install them (its message is above)"
  if [[ $missing == *rabbitmq-server* ]] && command -v systemctl >/dev/null; then
    # else it would start with the machine
    "${as_root[@]}" systemctl disable -q rabbitmq-server >/dev/null 2>&1 || true
  fi
}

# Packages of servers start them when installed, which we do not want, and which fails where there is no init system.
# This is Debian's way to say so (invoke-rc.d(8)); a policy that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
keep_services_off() {
  [ ! -e "$policy" ] || return 0
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}

# Those of our packages that dpkg does not list as installed, one a line.
missing_packages() {
  comm -23 <(printf '%s\n' "${packages[@]}" | LC_ALL=C sort) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | LC_ALL=C sort -u)
}

other_system() {
  local name missing=()
  for name in "${commands[@]}"; do
    command -v "$name" >/dev/null || missing+=("$name")
  done
  for name in "${libraries[@]}"; do
    pkg-config --exists "$name" 2>/dev/null || missing+=("$name (headers)")
  done
  [ ${#missing[@]} = 0 ] && return
  say "missing here:$(printf ' %s,' "${missing[@]}" | sed 's/,$//')"
  die "only Debian and its relatives are set up automatically. Install the counterparts of these Debian packages" \
    "with your package manager, then run this again: ${packages[*]}"
}

rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
  [ -n "$wanted" ] || die "Cargo.toml names no rust-version"
  found=$(rust_version)
  if at_least "$wanted" "$found"; then return; fi

  say "Rust $wanted or newer is needed, found ${found:-none}: installing the stable toolchain with rustup"
  if command -v rustup >/dev/null; then
    # rustup itself and the user's default toolchain are left as they are: the override holds for this folder only.
    rustup toolchain install stable --no-self-update --profile minimal --component rustfmt --component clippy >&2 ||
      no_rust "$wanted"
    rustup override set stable >&2 || no_rust "$wanted"
  else
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --no-modify-path --profile minimal --component rustfmt --component clippy >&2 || no_rust "$wanted"
  fi
  hash -r
  found=$(rust_version)
  at_least "$wanted" "$found" || die "Rust is ${found:-still missing} after the installation; PATH is $PATH"
}

# The version of rustc, or nothing if there is no working rustc and cargo.
rust_version() {
  if command -v cargo >/dev/null; then rustc --version 2>/dev/null | cut -d' ' -f2 || true; fi
}

# at_least WANTED FOUND: is FOUND a version no older than WANTED?
at_least() {
  [ -n "$2" ] && printf '%s\n' "$1" "$2" | sort -V -C
}

no_rust() {
  die "rustup could not install Rust (its message is above). Check this machine's network or proxy; without either," \
    "install Rust $1 or newer, cargo included, by other means, put it on PATH, and run this again." \
    "Debian 12's own rustc package is too old."
}

check_tools() {
  if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    command -v rustup >/dev/null || die "cargo fmt or cargo clippy is missing: install them for this toolchain"
    say "installing rustfmt and clippy with rustup"
    rustup component add rustfmt clippy >&2 || die "rustup could not add rustfmt and clippy (its message is above)"
  fi
  cargo_tools "${tools[@]}"
}

cargo_tools() {
  local tool
  for tool in "$@"; do
    command -v "${tool%@*}" >/dev/null && continue
    say "installing $tool with cargo (some minutes, once)"
    # Built in a folder of its own: nothing of it belongs among the project's build results.
    env -u CARGO_TARGET_DIR cargo install --quiet --locked "$tool" >&2 ||
      die "cargo could not install $tool (its message is above)"
  done
}

main "$@"
