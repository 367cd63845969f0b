#!/bin/sh
# Installs what building, testing and the quickstart need, on Debian 12: the one list of packages. Does nothing where all
# are there already. Needs root or sudo only when something is missing.
set -eu

packages="
  build-essential g++ cmake ninja-build ccache
  llvm-19-dev llvm-19 liblld-19-dev lld-19 clang-19 libclang-rt-19-dev
  libfmt-dev libcli11-dev zlib1g-dev libzstd-dev libflatbuffers-dev libstb-dev libonnx-dev libprotobuf-dev libgtest-dev libgmock-dev
  qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross python3-pip chromium xz-utils"
# Node may well have come from somewhere else than Debian.
command -v node >/dev/null || packages="$packages nodejs"
command -v npm >/dev/null || packages="$packages npm"

is_installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed'; }

command -v dpkg-query >/dev/null || { echo "this is no Debian system; install yourself:" $packages >&2; exit 1; }
missing=
for package in $packages; do is_installed "$package" || missing="$missing $package"; done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "not root and no sudo; install as root:$missing" >&2; exit 1; }
  as_root=sudo
fi
echo "installing$missing"
apt() { timeout --foreground 1800 $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
apt update >/dev/null || { echo "apt-get update failed" >&2; exit 1; }
apt install --no-install-recommends $missing >/dev/null || { echo "apt-get cannot install$missing" >&2; exit 1; }
