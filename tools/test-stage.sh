#!/usr/bin/env bash
# The tests that a change of one stage can make fail, as a filter of cargo-nextest (https://nexte.st/docs/filtersets):
#   its own; those that look at every stage; and tests of the whole program in files that name it, or a pipeline that has it.
# Left out: tests of the fleet's machinery, for which a stage is a load like any other, and of the models' catalogue, which see no footage. Of the fleet, two files compare answers: same_answer and films.
set -eu
cd "$(dirname "$0")/.."
stage=$1
[[ -d services/$stage && $stage != framefleet && $stage != orchestrator && $stage != registry ]] || { echo "there is no stage \"$stage\"" >&2; exit 1; }

# A name as a word of its own, which `std::sync` and `face-clustering-2` do not have.
word() { printf '(?<![\\w:-])%s(?![\\w:-])' "$1"; }
names=$(word "$stage")
for pipeline in $(grep -lP -- "$names" pipelines/*.toml); do
  names+="|$(word "$(basename "$pipeline" .toml)")"
done

machinery='^(services(::(faults|kills|refusals|sharing|soak|stills|up))?|adding_a_stage|interruption|memory|restart|computation|scheduling|models(::.*)?|doctor)$'
modules=(layers presentation deployment halves documents)
while read -r file; do
  module=${file#tests/it/} module=${module%.rs} module=${module%/mod} module=${module//\//::}
  [[ $module =~ $machinery ]] || modules+=("$module")
done < <(if [[ $stage == ingest ]]; then find tests/it -name '*.rs'; else grep -rlP --include='*.rs' -- "$names" tests/it; fi)

printf 'package(=%s) + (binary(whole) & test(/^(%s)::/))\n' "$stage" "$(printf '%s\n' "${modules[@]}" | sort -u | paste -sd '|')"
