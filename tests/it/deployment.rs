//! Files for compose, Docker and Kubernetes are those that the registry makes, and say nothing that the programs do not know.
#[path = "../../services/framefleet/examples/generate/facts.rs"]
mod facts;
#[path = "../../services/framefleet/examples/generate/render.rs"]
mod render;

use crate::fleet::stages::Level;
use crate::program::framefleet;
use bytesize::ByteSize;
use facts::Facts;
use framefleet_telemetry::metric;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const METRICS: [&str; 13] = [
    metric::TASKS,
    metric::FRAMES,
    metric::TASK_SECONDS,
    metric::QUEUE_SECONDS,
    metric::IN_FLIGHT,
    metric::BLOB_BYTES,
    metric::BLOB_CAPACITY_BYTES,
    metric::REDELIVERIES,
    metric::STAGE_SECONDS,
    metric::STAGE_CPU_SECONDS,
    metric::BACKLOG_SECONDS,
    metric::JOBS,
    metric::LEADER,
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All words of a text that begin with a prefix.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with(prefix)).map(str::to_owned).collect()
}

#[test]
fn files_are_those_that_the_registry_makes() {
    let files = render::files(&registry::stages().unwrap()).unwrap();
    assert!(files.len() >= 8);
    for file in files {
        assert!(read(&file.path) == file.text, "{} is not up to date: run `make generate`", file.path.display());
    }
}

#[test]
fn one_line_in_the_registry_deploys_a_stage() {
    let files = render::files(&registry::stages().unwrap().with::<Level>().unwrap()).unwrap();
    for (path, expected) in [
        ("compose.yaml", "\n  level:\n"),
        ("Dockerfile", "\nFROM runtime AS level\nCOPY --from=build /programs/level "),
        ("Dockerfile", " -p level --features level/service \\\n"),
        ("docs/stages.md", "\n## level\n"),
        ("k8s/base/kustomization.yaml", "\n  - name: framefleet/level\n"),
        ("k8s/base/programs.yaml", "\nkind: Deployment\nmetadata:\n  name: level\n"),
        ("k8s/overlays/autoscaling/autoscalers.yaml", "\n    kind: Deployment\n    name: level\n"),
    ] {
        let file = files.iter().find(|file| file.path == Path::new(path)).unwrap();
        assert!(file.text.contains(expected), "{path} lacks {expected:?}:\n{}", file.text);
    }
}

#[test]
fn the_orchestrators_image_carries_its_program_alone() {
    let docker = read("Dockerfile");
    let stage = docker.split("\nFROM ").find(|stage| stage.starts_with("runtime AS orchestrator\n")).unwrap();
    let copied: Vec<&str> = stage.lines().filter(|line| line.starts_with("COPY ")).collect();
    assert_eq!(copied, ["COPY --from=build /programs/orchestrator /usr/local/bin/"]);
    let compose = read("compose.yaml");
    let service = compose.split("\n  orchestrator:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    assert!(service.contains("framefleet/orchestrator:") && service.contains("target: orchestrator"), "{service}");
    assert!(
        read("k8s/base/programs.yaml")
            .contains("\n        - name: orchestrator\n          image: framefleet/orchestrator\n")
    );
}

#[test]
fn every_variable_is_one_that_programs_read() {
    let mut known = BTreeSet::from(["FRAMEFLEET_SERVER".to_owned()]);
    for verb in ["worker", "orchestrator"] {
        known.extend(words(&framefleet([verb, "--help"]).out, "FRAMEFLEET_"));
    }
    assert!(known.contains("FRAMEFLEET_BLOBS"), "{known:?}");
    let files = render::files(&registry::stages().unwrap()).unwrap();
    let texts = files.into_iter().map(|file| file.text).chain([read("docs/deployment.md")]);
    let used: BTreeSet<String> = texts.flat_map(|text| words(&text, "FRAMEFLEET_")).collect();
    assert!(used.len() >= 6, "{used:?}");
    assert_eq!(used.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn alerts_and_dashboard_show_all_metrics_and_no_others() {
    let known: BTreeSet<String> = METRICS.map(str::to_owned).into();
    let mut used = BTreeSet::new();
    for file in ["alerts.yml", "alerts_test.yml"].map(|name| format!("deploy/prometheus/{name}")) {
        used.extend(words(&read(file), "ff_"));
    }
    used.extend(words(&read("deploy/grafana/dashboards/fleet.json"), "ff_"));
    used.extend(words(&read("k8s/overlays/autoscaling/autoscalers.yaml"), "ff_"));
    // A histogram's buckets go by a name of their own.
    let used = used.iter().map(|name| name.trim_end_matches("_bucket").to_owned()).collect();
    assert_eq!(known, used);
}

#[test]
fn frames_fit_into_the_memory_that_compose_gives_them() {
    let facts = Facts::of(&registry::stages().unwrap()).unwrap();
    let asked: ByteSize = facts.blob_memory.parse().unwrap();
    // As the kernel reads the size of a tmpfs.
    let given: u64 = facts.blob_memory.strip_suffix('g').unwrap().parse::<u64>().unwrap() << 30;
    assert!(asked.as_u64() > 1 << 30 && asked.as_u64() + 4096 <= given, "{asked} of {given}");
}
