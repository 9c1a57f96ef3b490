#!/usr/bin/env bash
# Prepares libtorch for the CPU in a folder: what the crate `tch` links against, taken out of torch's Python wheel (527 MB to download,
# 486 MB kept). Prints the environment that building and running need.
#   eval "$(tools/torch.sh .cache/torch)"
set -eu
folder=${1:?usage: torch.sh FOLDER}
version=2.13.0

ready=$folder/build-version
if [[ ! -f $ready || $(<"$ready") != "$version" ]]; then
  mkdir -p "$folder"
  work=$(mktemp -d "$folder/.fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "torch==$version" >&2
  # The CPU library of this wheel is linked against two small libraries of CUDA.
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$work/cuda" \
    'nvidia-cuda-runtime~=13.0.0' 'nvidia-cuda-cupti~=13.0.0' >&2
  python3 - "$work" "$folder" <<'PYTHON'
import pathlib, shutil, sys, zipfile
work, folder = map(pathlib.Path, sys.argv[1:])
wanted = {"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"}
with zipfile.ZipFile(next(work.glob("torch-*.whl"))) as wheel:
    for name in wheel.namelist():
        if name in wanted or (name.startswith("torch/include/") and not name.endswith("/")):
            target = folder / name.removeprefix("torch/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(name) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
for name in ("libcudart.so.13", "libcupti.so.13"):
    shutil.copy(next(work.glob(f"cuda/**/{name}")), folder / "lib" / name)
PYTHON
  # tch links libtorch.so, which in the wheel is the door to the CUDA half; here it leads to the CPU half alone.
  echo | cc -shared -x c - -o "$folder/lib/libtorch.so" -Wl,-soname,libtorch.so -L"$folder/lib" -Wl,--no-as-needed -ltorch_cpu -lc10 \
    -Wl,-rpath-link,"$folder/lib"
  echo "$version" >"$ready"
fi
folder=$(cd "$folder" && pwd)
echo "export LIBTORCH='$folder' LIBTORCH_CXX11_ABI=1 LD_LIBRARY_PATH='$folder/lib'\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
