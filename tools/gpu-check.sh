#!/usr/bin/env bash
# Measures what models do on this machine's NVIDIA GPU, in at most 8 minutes, into one JSON file: versions and self-checks, 16 against 32
# bits, batch ladders by CUDA and by TensorRT, the cache of engines, the rate of every stage, and the benches' tables.
#
#   tools/gpu-check.sh [-o FILE] [-s SOURCE] [-c]
#
# -o FILE    where the result goes [gpu-check.json]
# -s SOURCE  footage [.cache/samples/vtest.avi, by tools/samples.sh]
# -c         on the CPU instead, shorter: to try this script where there is no GPU. Its result says so.
#
# The program is $FRAMEFLEET [framefleet]. Models have to be here (framefleet models pull --stages …); ones that are not are named in the result.
# Exit codes: 0 measured, 1 something that should work does not (the result says what), 77 no GPU: nothing was measured.
set -u -o pipefail
out=gpu-check.json
source=$(dirname "$0")/../.cache/samples/vtest.avi
device=gpu
while getopts o:s:c option; do
  case $option in
    o) out=$OPTARG ;;
    s) source=$OPTARG ;;
    c) device=cpu ;;
    *) sed -n '2,14p' "$0" >&2; exit 64 ;;
  esac
done
framefleet=${FRAMEFLEET:-framefleet}
limit=$([[ $device == gpu ]] && echo 460 || echo 150)
for program in "$framefleet" jq; do
  command -v "$program" >/dev/null || { echo "gpu-check: $program is not there" >&2; exit 64; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=$work/parts
mkdir "$parts"

left() { echo $((limit - SECONDS)); }

# row NAME SECONDS COMMAND…: runs a command that prints JSON, and keeps that, or why there is none. One that has no time left is said so.
row() {
  local name=$1 most=$2 began=$SECONDS code=0
  shift 2
  if (($(left) < 5)); then
    jq -n '{ran: false, reason: "no time left"}' >"$parts/$name.json"
    return
  fi
  ((most < $(left))) || most=$(left)
  echo "gpu-check: $name" >&2
  timeout --kill-after=5 "$most" "$@" >"$work/said" 2>"$work/errors" || code=$?
  if jq -e . "$work/said" >"$work/json" 2>/dev/null && [[ -s $work/json ]]; then
    jq -c --argjson code "$code" --argjson seconds $((SECONDS - began)) '{ran: true, exit: $code, seconds: $seconds, result: .}' "$work/json"
  else
    tail -c 600 "$work/errors" | jq -R -s -c --argjson code "$code" '{ran: false, exit: $code, reason: .}'
  fi >"$parts/$name.json"
}

# What job.json says of a run, as far as it is a measurement.
job() {
  local folder=$work/job-$RANDOM$RANDOM
  "$framefleet" run "$source" --yes --json -o "$folder" "$@" >"$work/run.log" || [[ $? == 3 ]] || { tail -n 3 "$work/run.log" >&2; return 1; }
  jq '{outcome: .results.outcome, timings: .results.timings, efficiency: .results.efficiency,
       models: [.models[] | {step, role, id, mode, micro_batch, ran}]}' \
    "$folder/job.json"
  rm -rf "$folder"
}
tune() { "$framefleet" tune --stages "$1" --json --seconds 0.3 --largest "$2" "${@:3}"; }

row doctor 60 "$framefleet" doctor --json
gpus=$(jq '[.result.driver.gpus[]?] | length' "$parts/doctor.json" 2>/dev/null || echo 0)
if [[ $device == gpu && ${gpus:-0} == 0 ]]; then
  echo "gpu-check: not run: there is no NVIDIA GPU here that this process may use" >&2
  exit 77
fi
export -f job tune
export framefleet source work

# The stages that run models, of those that this program has: the catalogue knows more.
stages=()
for stage in $("$framefleet" models list --json | jq -r '[.[].stages | keys[]] | unique[]' 2>/dev/null); do
  "$framefleet" stages show "$stage" >/dev/null 2>&1 && stages+=("$stage")
done
((${#stages[@]})) || stages=(face-clustering pose segmentation)
if [[ $device == gpu ]]; then
  places=("cuda fp32" "tensorrt fp32" "tensorrt fp16")
  largest=64 batches=1,4,8,16,32 precisions=fp32,fp16
else
  places=("cpu fp32")
  largest=4 batches=1,4 precisions=fp32
fi

# The ladder of every stage's models, by provider and precision.
for place in "${places[@]}"; do
  read -r provider precision <<<"$place"
  where=(--device cpu)
  [[ $device == cpu ]] || where=(--device cuda:0 --providers "$provider")
  for stage in "${stages[@]}"; do
    # shellcheck disable=SC2016
    row "tune.$stage.$provider.$precision" 40 bash -c 'tune "$@"' _ "$stage" "$largest" --precision "$precision" "${where[@]}"
  done
done

# Rates: each stage alone, by the first provider and, on a GPU, by CUDA; the second run of one finds its engines compiled.
for place in "${places[@]}"; do
  read -r provider precision <<<"$place"
  where=(--device cpu)
  [[ $device == cpu ]] || where=(--device cuda:0 --providers "$provider")
  for stage in "${stages[@]}"; do
    # shellcheck disable=SC2016
    row "run.$stage.$provider.$precision" 60 bash -c 'job "$@"' _ --stages "$stage" --precision "$precision" --preview 4 "${where[@]}"
  done
  # shellcheck disable=SC2016
  row "again.${stages[0]}.$provider.$precision" 60 bash -c 'job "$@"' _ --stages "${stages[0]}" --precision "$precision" --preview 4 "${where[@]}"
done

# The tables: sizes, batches and precisions.
if "$framefleet" bench --help >/dev/null 2>&1; then
  # shellcheck disable=SC2016
  row bench 120 bash -c '"$framefleet" bench "$source" --stages "$1" --batches "$2" --precision "$3" -o "$work/bench" >&2 && cat "$work"/bench/*.json' \
    _ "$(IFS=,; echo "${stages[*]}")" "$batches" "$precisions"
fi

jq -n --arg device "$device" --arg when "$(date -u +%FT%TZ)" --arg source "$source" --argjson seconds "$SECONDS" \
  '{device: $device, when: $when, source: $source, seconds: $seconds,
    rows: ([inputs | {key: (input_filename | split("/") | last | rtrimstr(".json")), value: .}] | from_entries)}' "$parts"/*.json >"$out"
# A provider that fails its self-check, or a row that ran into an error other than a model that is not installed.
failed=$(jq '[.rows.doctor.result.self_checks[]? | select(.passed | not)] +
             [.rows[] | select(.ran | not) | select(.reason | test("no time left|not installed|models quantise") | not)] | length' "$out")
echo "gpu-check: $(jq '[.rows[] | select(.ran)] | length' "$out") rows in $SECONDS s, $failed failed; result in $out" >&2
((failed == 0)) || exit 1
