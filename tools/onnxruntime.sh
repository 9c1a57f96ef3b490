#!/usr/bin/env bash
# Fetches ONNX Runtime's shared library out of its Python wheel into a folder, and checks it.
#   onnxruntime.sh FOLDER          the CPU build
#   onnxruntime.sh FOLDER --gpu    the build with the CUDA and TensorRT providers (256 MB), and the CUDA 13 libraries that they need
# The folder then holds capi/libonnxruntime.so.<version> and, for --gpu, nvidia/ and tensorrt_libs/ where the library looks for them.
set -eu
folder=${1:?usage: onnxruntime.sh FOLDER [--gpu]}
version=1.31.1
library=$folder/capi/libonnxruntime.so.$version

package=onnxruntime
digest=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3
extras=()
if [[ ${2:-} == --gpu ]]; then
  package=onnxruntime-gpu
  digest= # recorded by whoever first runs it on a machine with such a card
  extras=(nvidia-cuda-runtime~=13.0 nvidia-cublas~=13.0 nvidia-curand nvidia-cufft~=12.0 nvidia-cuda-nvrtc~=13.0 nvidia-cudnn-cu13~=9.0 'tensorrt-cu13-libs<11')
fi

fits() { [[ -z $digest ]] || sha256sum --status --check <<<"$digest  $library"; }

if [[ -f $library ]] && fits; then exit 0; fi
mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$work" "$package==$version" "${extras[@]}"
for part in "$work"/nvidia "$work"/tensorrt_libs; do
  if [[ -d $part ]]; then rm -rf "$folder/${part##*/}"; mv "$part" "$folder/"; fi
done
mkdir -p "$folder/capi"
cp "$work"/onnxruntime/LICENSE "$work"/onnxruntime/ThirdPartyNotices.txt "$folder/"
for part in "$work"/onnxruntime/capi/libonnxruntime*.so*; do mv "$part" "$folder/capi/"; done
if ! fits; then
  echo "$library is not the file that was expected (sha256 $digest): not used" >&2
  rm -f "$library"
  exit 1
fi
