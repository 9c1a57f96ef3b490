#!/usr/bin/env bash
# Installs what building and testing need and is missing: Debian packages and nats-server; a Rust toolchain has to be there.
# Does nothing when all is there.
set -eu

packages=(
  clang libclang-dev mold pkg-config
  libopencv-dev opencv-doc
  ffmpeg libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
  chromium chromium-driver
  espeak-ng
  python3 python3-pip python3-venv
)

# Models come out of npm's packages, too, and tests make certificates: what is there already serves.
command -v npm >/dev/null || packages+=(npm)
command -v openssl >/dev/null || packages+=(openssl)

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
# A Python from elsewhere serves as well.
if command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1; then
  kept=()
  for package in "${missing[@]}"; do [[ $package == python3* ]] || kept+=("$package"); done
  missing=("${kept[@]}")
fi

if ((${#missing[@]})); then
  echo "installing: ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null; then
  echo "a Rust toolchain (1.95 or newer) is missing: install rustup (Debian 13: apt-get install rustup; rustup default stable)" >&2
  exit 1
fi

"$(dirname "$0")"/nats-server.sh .cache/bin
# ONNX Runtime, which models are run by.
"$(dirname "$0")/onnxruntime.sh" "$(dirname "$0")/../.cache/onnxruntime"
