//! An import may only point down the table of layers (ARCHITECTURE.md), and a stage has no way to the network.
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};

/// Layer by package. Every other package below `services/` is a stage, layer 7.
const LAYERS: &[(&str, u8)] = &[
    ("framefleet-proto", 0),
    ("structure", 0),
    ("framefleet-frames", 1),
    ("framefleet-bottleneck", 1),
    ("framefleet-bus", 1),
    ("framefleet-classifier", 1),
    ("framefleet-hdbscan", 1),
    ("framefleet-same-picture", 1),
    ("framefleet-similarity", 1),
    ("framefleet-testkit", 1),
    ("framefleet-bus-nats", 2),
    ("framefleet-colour", 2),
    ("framefleet-demux", 2),
    ("framefleet-folders", 2),
    ("framefleet-formats", 2),
    ("framefleet-infer", 2),
    ("framefleet-ledger", 2),
    ("framefleet-models", 2),
    ("framefleet-stills", 2),
    ("framefleet-telemetry", 2),
    ("framefleet-utilisation", 2),
    ("framefleet-vision", 2),
    ("framefleet-audio-features", 3),
    ("framefleet-clip", 3),
    ("framefleet-decode", 3),
    ("framefleet-probe", 3),
    ("framefleet-masks", 3),
    ("framefleet-objects", 3),
    ("framefleet-stage", 3),
    ("framefleet-testkit-ledger", 3),
    ("framefleet-coco", 4),
    ("framefleet-encode", 4),
    ("framefleet-index", 4),
    ("framefleet-perception", 4),
    ("framefleet-pipeline", 4),
    ("framefleet-testkit-models", 4),
    ("framefleet-testkit-stage", 4),
    ("framefleet-records", 5),
    ("framefleet-runner", 5),
    ("framefleet-report", 5),
    ("framefleet-selection", 5),
    ("framefleet-service", 6),
    ("framefleet-export", 6),
    ("framefleet-orchestration", 8),
    ("registry", 8),
    ("framefleet-fleet", 9),
    ("framefleet-job", 10),
    ("framefleet-bench", 11),
    ("orchestrator", 11),
    ("framefleet", 12),
];

/// The layer of stages.
const STAGE: u8 = 7;

/// What a crate may use of ours where "anything further down" would be too much.
const ALLOWED: &[(&str, &[&str])] = &[
    ("framefleet-frames", &["framefleet-proto"]),
    ("framefleet-bottleneck", &[]),
    ("framefleet-bus", &[]),
    ("framefleet-classifier", &[]),
    ("framefleet-hdbscan", &[]),
    ("framefleet-same-picture", &[]),
    ("framefleet-similarity", &[]),
    ("framefleet-bus-nats", &["framefleet-bus"]),
    ("framefleet-colour", &["framefleet-frames"]),
    ("framefleet-demux", &["framefleet-frames"]),
    ("framefleet-folders", &["framefleet-frames"]),
    ("framefleet-formats", &["framefleet-frames"]),
    ("framefleet-infer", &[]),
    ("framefleet-ledger", &["framefleet-frames", "framefleet-proto"]),
    ("framefleet-models", &[]),
    ("framefleet-stills", &["framefleet-frames"]),
    ("framefleet-telemetry", &[]),
    ("framefleet-utilisation", &["framefleet-proto"]),
    ("framefleet-vision", &["framefleet-frames"]),
    ("framefleet-audio-features", &["framefleet-infer"]),
    ("framefleet-clip", &["framefleet-infer"]),
    ("framefleet-decode", &["framefleet-colour", "framefleet-demux", "framefleet-frames", "framefleet-stills"]),
    ("framefleet-probe", &["framefleet-colour", "framefleet-demux", "framefleet-frames", "framefleet-stills"]),
    ("framefleet-masks", &["framefleet-frames", "framefleet-vision"]),
    ("framefleet-objects", &["framefleet-frames", "framefleet-ledger"]),
    ("framefleet-coco", &["framefleet-frames", "framefleet-ledger", "framefleet-objects", "framefleet-proto"]),
    (
        "framefleet-records",
        &["framefleet-coco", "framefleet-frames", "framefleet-ledger", "framefleet-objects", "framefleet-proto"],
    ),
    ("framefleet-stage", &["framefleet-formats", "framefleet-frames"]),
    (
        "framefleet-encode",
        &[
            "framefleet-colour",
            "framefleet-decode",
            "framefleet-demux",
            "framefleet-formats",
            "framefleet-frames",
            "framefleet-stills",
        ],
    ),
    ("framefleet-index", &["framefleet-decode", "framefleet-demux", "framefleet-folders", "framefleet-frames"]),
    ("framefleet-perception", &["framefleet-frames", "framefleet-infer", "framefleet-stage", "framefleet-vision"]),
    ("framefleet-pipeline", &["framefleet-formats", "framefleet-frames", "framefleet-stage"]),
    ("framefleet-fleet", &["framefleet-bus", "framefleet-orchestration", "framefleet-proto", "framefleet-telemetry"]),
    (
        "framefleet-runner",
        &[
            "framefleet-bus",
            "framefleet-decode",
            "framefleet-folders",
            "framefleet-frames",
            "framefleet-index",
            "framefleet-ledger",
            "framefleet-proto",
            "framefleet-stage",
            "framefleet-telemetry",
            "framefleet-utilisation",
        ],
    ),
];

/// What a stage may use of ours by default; `framefleet-service` comes with the feature `service`.
const STAGE_MAY_USE: [&str; 11] = [
    "framefleet-stage",
    "framefleet-frames",
    "framefleet-formats",
    "framefleet-vision",
    "framefleet-masks",
    "framefleet-infer",
    "framefleet-perception",
    "framefleet-audio-features",
    "framefleet-classifier",
    "framefleet-clip",
    "framefleet-hdbscan",
];

/// What a stage may use beside that reads or writes files of footage: nobody else opens any.
const STAGE_MAY_ALSO_USE: &[(&str, &[&str])] = &[
    ("assemble", &["framefleet-encode"]),
    ("ingest", &["framefleet-decode", "framefleet-index", "framefleet-probe"]),
    ("inpainting", &["framefleet-encode"]),
];

/// What a stage library must not reach, even through others.
const STAGE_MUST_NOT_REACH: [&str; 8] =
    ["tokio", "async-nats", "reqwest", "hyper", "tonic", "framefleet-bus", "framefleet-runner", "object_store"];

/// What a stage's program must not link: a worker commits to the ledger and derives nothing from it.
const PROGRAM_MUST_NOT_LINK: [&str; 6] =
    ["framefleet-records", "framefleet-objects", "framefleet-coco", "arrow-array", "parquet", "serde_arrow"];

fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options =
        ["--offline".to_owned(), "--no-default-features".to_owned(), "--filter-platform".to_owned(), platform];
    MetadataCommand::new().other_options(options).exec().unwrap()
}

/// Names of what a package always links: no dev-dependencies, no optional ones.
fn links(package: &Package) -> impl Iterator<Item = &str> {
    let always = |of: &&cargo_metadata::Dependency| of.kind == DependencyKind::Normal && !of.optional;
    package.dependencies.iter().filter(always).map(|of| of.name.as_str())
}

/// The layer of one of our packages, by name; `None` for the world's.
fn layers(metadata: &Metadata) -> BTreeMap<&str, u8> {
    let layer = |package: &Package| {
        let named = LAYERS.iter().find(|(known, _)| *known == package.name.as_str()).map(|(_, layer)| *layer);
        let is_service = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.parent())
            .is_some_and(|parent| parent.ends_with("services"));
        named
            .or(is_service.then_some(STAGE))
            .unwrap_or_else(|| panic!("{} has no layer: add it to the table here and in ARCHITECTURE.md", package.name))
    };
    metadata.workspace_packages().into_iter().map(|package| (package.name.as_str(), layer(package))).collect()
}

fn stages(metadata: &Metadata) -> Vec<&str> {
    layers(metadata).into_iter().filter(|(_, layer)| *layer == STAGE).map(|(name, _)| name).collect()
}

#[test]
fn imports_point_down_only() {
    let metadata = metadata();
    let layers = layers(&metadata);
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let own = layers[name];
        for used in links(package) {
            let Some(&below) = layers.get(used) else { continue };
            assert!(below < own, "{name} (layer {own}) uses {used} (layer {below})");
            if let Some((_, allowed)) = ALLOWED.iter().find(|(of, _)| *of == name) {
                assert!(allowed.contains(&used), "{name} may use {allowed:?} of ours, not {used}");
            }
            if own == STAGE {
                let also = STAGE_MAY_ALSO_USE.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, also)| also);
                let may_use = STAGE_MAY_USE.contains(&used) || also.contains(&used);
                assert!(may_use, "stage {name} may use {STAGE_MAY_USE:?} and {also:?} of ours, not {used}");
            }
        }
    }
}

#[test]
fn a_stage_cannot_reach_the_network_or_another_stage() {
    let metadata = metadata();
    let by_name: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.name.as_str(), package)).collect();
    let stages = stages(&metadata);
    assert!(stages.len() >= 4, "{stages:?}");
    for &stage in &stages {
        let mut reached = BTreeSet::new();
        let mut open = vec![stage];
        while let Some(name) = open.pop() {
            let Some(package) = by_name.get(name) else { continue };
            for used in links(package).filter(|used| reached.insert(used.to_string())) {
                if let Some((used, _)) = by_name.get_key_value(used) {
                    open.push(used);
                }
            }
        }
        for forbidden in STAGE_MUST_NOT_REACH.iter().chain(stages.iter().filter(|other| **other != stage)) {
            assert!(!reached.contains(*forbidden), "stage {stage} reaches {forbidden}");
        }
    }
}

/// Names of all that a package links, itself included, with the features that are on.
fn linked<'m>(metadata: &'m Metadata, package: &Package) -> BTreeSet<&'m str> {
    let nodes: BTreeMap<_, _> = metadata.resolve.iter().flat_map(|of| &of.nodes).map(|node| (&node.id, node)).collect();
    let (mut reached, mut open) = (BTreeSet::new(), vec![&package.id]);
    while let Some(node) = open.pop().and_then(|id| nodes.get(id)) {
        if reached.insert(&node.id) {
            let linked = node.deps.iter().filter(|of| of.dep_kinds.iter().any(|of| of.kind == DependencyKind::Normal));
            open.extend(linked.map(|of| &of.pkg));
        }
    }
    reached.into_iter().map(|id| metadata[id].name.as_str()).collect()
}

#[test]
fn a_stages_program_links_the_ledger_and_nothing_that_records_are_made_with() {
    let programs: Vec<String> = stages(&metadata()).iter().map(|stage| format!("{stage}/service")).collect();
    let options = ["--offline", "--features", &programs.join(",")].map(str::to_owned);
    let metadata = MetadataCommand::new().other_options(options).exec().unwrap();
    for stage in stages(&metadata) {
        let package = metadata.workspace_packages().into_iter().find(|package| package.name == stage).unwrap();
        let linked = linked(&metadata, package);
        assert!(linked.contains("framefleet-service") && linked.contains("framefleet-ledger"), "{stage}: {linked:?}");
        for forbidden in PROGRAM_MUST_NOT_LINK {
            assert!(!linked.contains(forbidden), "the program of {stage} links {forbidden}");
        }
    }
    let records =
        metadata.workspace_packages().into_iter().find(|package| package.name == "framefleet-records").unwrap();
    assert!(PROGRAM_MUST_NOT_LINK.iter().all(|of| linked(&metadata, records).contains(of)), "or the test sees nothing");
}

/// What knows frames, plans and records as data, and reads no footage.
const NO_FFMPEG: [&str; 15] = [
    "framefleet-frames",
    "framefleet-formats",
    "framefleet-folders",
    "framefleet-stills",
    "framefleet-ledger",
    "framefleet-records",
    "framefleet-report",
    "framefleet-stage",
    "framefleet-pipeline",
    "framefleet-perception",
    "framefleet-orchestration",
    "framefleet-vision",
    "framefleet-masks",
    "framefleet-objects",
    "framefleet-coco",
];

#[test]
fn ffmpeg_is_linked_by_what_reads_and_writes_footage_alone() {
    let metadata = MetadataCommand::new().other_options(["--offline".to_owned()]).exec().unwrap();
    let by_name = |name: &str| metadata.workspace_packages().into_iter().find(|of| of.name == name).unwrap();
    let open_files: Vec<&str> = STAGE_MAY_ALSO_USE.iter().map(|(stage, _)| *stage).collect();
    for name in stages(&metadata).into_iter().filter(|name| !open_files.contains(name)).chain(NO_FFMPEG) {
        assert!(!linked(&metadata, by_name(name)).contains("ffmpeg-next"), "{name} links FFmpeg");
    }
    assert!(linked(&metadata, by_name("framefleet-demux")).contains("ffmpeg-next"), "or the test sees nothing");
}

#[test]
fn answers_of_every_stage_are_pinned_to_its_version() {
    let metadata = metadata();
    for stage in stages(&metadata) {
        let folder = metadata.workspace_root.join("services").join(stage).join("tests");
        let mut files = walkdir::WalkDir::new(&folder).into_iter().filter_map(Result::ok);
        let pinned = files.any(|file| {
            std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains("#[test]\nfn golden_digest() {"))
        });
        assert!(pinned, "no test `golden_digest` in {folder}: nothing tells when answers change and VERSION does not");
    }
}

#[test]
fn every_main_of_a_service_is_five_lines() {
    let metadata = metadata();
    for service in stages(&metadata).into_iter().chain(["orchestrator"]) {
        let path = metadata.workspace_root.join("services").join(service).join("src/main.rs");
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//")).count();
        assert!(lines <= 5, "main.rs of {service} has {lines} lines of code");
    }
}
