//! Exports of checkpoints. Python here is a script that makes what it is asked for: `tests/it/models.rs` has the real one.
use crate::server::{Server, good};
use crate::{catalogue, content, empty_cache, entry, installed};
use framefleet_models::{Allowed, Cache, Catalogue, ModelError, Puller, Sha256, Silent, Tools};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// A checkpoint and what is exported of it, and a Python whose exports are the checkpoint with a line before it.
struct Workshop {
    folder: TempDir,
    cache: Cache,
    tools: Tools,
    catalogue: Catalogue,
    server: Server,
    checkpoint: Vec<u8>,
}

impl Workshop {
    /// `export` is what the shell does for an export: `$output` is what it has to make, `$input` its last input.
    fn new(export: &str) -> Self {
        let (folder, cache) = empty_cache();
        let checkpoint = content(3000);
        let served = checkpoint.clone();
        let server = Server::start(move |_, request, stream| good(request, stream, &served));
        let digest = Sha256::of(&checkpoint).to_string();
        let weights = entry("weights", Some(3000), &digest, &format!("url = \"{}\"", server.url("w")));
        let from =
            "export = \"lpips\", checkpoints = [\"weights\", \"weights\"], arguments = [\"--network\", \"alex\"]";
        let exported =
            entry("graph", None, "unknown", from).replace("\"yes\"", "\"no\"").replace("MIT", "LicenseRef-X");
        let log = folder.path().join("log");
        let python = folder.path().join("python");
        // `-m venv DIR` puts this very script there.
        let script = format!(
            "#!/bin/sh\necho \"$*\" >>'{log}'\nfor word; do\n case \"$last\" in --output) output=$word;; esac\n last=$word\ndone\ninput=$last\n\
             case \"$*\" in\n \"-c \"*) echo fake;;\n *\"-m venv\"*) mkdir -p \"$input/bin\" && cp \"$0\" \"$input/bin/python\";;\n *\"pip install\"*) ;;\n *) {export};;\nesac\n",
            log = log.display()
        );
        std::fs::write(&python, script).unwrap();
        std::fs::set_permissions(&python, Permissions::from_mode(0o755)).unwrap();
        let tools = Tools { python: python.clone(), npm: PathBuf::from("no-npm") };
        Self { folder, cache, tools, catalogue: catalogue(&(weights + &exported)), server, checkpoint }
    }

    fn puller(&self) -> Puller<'_> {
        Puller::new(&self.cache, &Silent).with_tools(self.tools.clone()).allowing(Allowed::of(["graph"]))
    }

    fn convert(&self) -> Result<framefleet_models::Installed, ModelError> {
        self.puller().convert(&self.catalogue, self.catalogue.get("graph").unwrap())
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The catalogue as any later process has it.
    fn later(&self) -> Catalogue {
        self.catalogue.clone().with_pins(&self.cache.pins().unwrap())
    }
}

const EXPORTS: &str = "{ echo exported; cat \"$input\"; } >\"$output\"";

#[test]
fn a_checkpoint_is_fetched_exported_in_an_environment_of_its_own_and_pinned() {
    let workshop = Workshop::new(EXPORTS);
    let graph = workshop.catalogue.get("graph").unwrap();
    let missing = workshop.cache.installed(graph).unwrap_err().to_string();
    assert!(missing.contains("`framefleet models convert graph --allow-licence graph`"), "{missing}");

    let made = workshop.convert().unwrap();
    let later = workshop.later();
    let expected = [b"exported\n", &workshop.checkpoint[..]].concat();
    assert_eq!(installed(&workshop.cache, later.get("graph").unwrap()), expected);
    assert_eq!(made.digest, Sha256::of(&expected));
    assert!(workshop.cache.installed(later.get("weights").unwrap()).is_ok(), "the checkpoint stays");

    let calls = workshop.calls();
    let ran = calls.iter().find(|call| call.contains("lpips.py")).unwrap();
    assert!(ran.contains("--network alex") && ran.matches("/cache/models/").count() == 2, "{ran}");
    assert_eq!(calls.iter().filter(|call| call.contains("-m venv")).count(), 1);
    assert!(calls.iter().any(|call| call.contains("pip install") && call.contains("--only-binary :all:")), "{calls:?}");
    let environments = workshop.cache.folder().join("environments");
    assert_eq!(std::fs::read_dir(environments).unwrap().count(), 1, "and nothing half made");

    let before = calls.len();
    assert_eq!(workshop.convert().unwrap(), made);
    assert_eq!(workshop.calls().len(), before, "what was exported is not exported again");
    assert_eq!(workshop.server.requests().len(), 1);
}

#[test]
fn an_export_that_was_damaged_is_refused_and_made_again() {
    let workshop = Workshop::new(EXPORTS);
    let path = workshop.convert().unwrap().path().to_owned();
    std::fs::write(&path, b"something else").unwrap();
    let damaged = workshop.cache.installed(workshop.later().get("graph").unwrap()).unwrap_err();
    assert!(matches!(damaged, ModelError::Damaged { .. }), "{damaged}");
    workshop.convert().unwrap();
    assert!(workshop.cache.installed(workshop.later().get("graph").unwrap()).is_ok());
}

#[test]
fn an_export_that_fails_leaves_nothing_and_says_why() {
    for (export, says) in
        [("echo 'no module named sam2' >&2; exit 3", "no module named sam2"), ("exit 0", "wrote no file")]
    {
        let workshop = Workshop::new(export);
        let error = workshop.convert().unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ModelError::Recipe { .. }) && text.contains("lpips") && text.contains(says), "{text}");
        assert!(workshop.later().get("graph").unwrap().digest().is_err(), "nothing was pinned");
    }
}

#[test]
fn a_licence_is_allowed_before_anything_is_fetched() {
    let workshop = Workshop::new(EXPORTS);
    let graph = workshop.catalogue.get("graph").unwrap();
    let puller = Puller::new(&workshop.cache, &Silent).with_tools(workshop.tools.clone());
    let error = puller.convert(&workshop.catalogue, graph).unwrap_err();
    assert!(matches!(error, ModelError::Licence { .. }), "{error}");
    assert!(workshop.server.requests().is_empty() && workshop.calls().is_empty());
}

#[test]
fn without_a_network_checkpoint_and_environment_have_to_be_here() {
    let workshop = Workshop::new(EXPORTS);
    let graph = workshop.catalogue.get("graph").unwrap();
    let offline = || workshop.puller().offline(true).convert(&workshop.catalogue, graph);
    let error = offline().unwrap_err();
    assert!(matches!(&error, ModelError::Offline { what } if what.contains(&workshop.server.url("w"))), "{error}");
    workshop.puller().pull(workshop.catalogue.get("weights").unwrap()).unwrap();
    let error = offline().unwrap_err();
    assert!(matches!(&error, ModelError::Offline { what } if what.contains("environment")), "{error}");
    workshop.convert().unwrap();
    offline().unwrap();
}
