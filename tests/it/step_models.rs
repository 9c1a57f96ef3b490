//! Models of a job: chosen when it is planned, opened by digest, and reported as they really ran.
use crate::footage::{folder, moving};
use crate::processes::process::with_test_stages;
use crate::processes::{Fleet, PATIENCE, status};
use crate::program::{Ran, digest, json, records};
use framefleet_models::Sha256;
use framefleet_proto::control::JobStatus;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Frames of the clip: two batches.
const FRAMES: u64 = 40;

/// A catalogue of small models, a cache, and a clip.
pub struct Bench {
    folder: TempDir,
    cache: PathBuf,
}

impl Bench {
    /// With the models of the catalogue in the cache.
    pub fn new() -> Self {
        let folder = folder();
        let cache = folder.path().join("cache");
        Self::with_models(folder, cache)
    }

    /// The same in the cache of all tests, which keeps the libraries that variants are made with.
    fn in_shared_cache() -> Self {
        Self::with_models(folder(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/models"))
    }

    fn with_models(folder: TempDir, cache: PathBuf) -> Self {
        let bench = Self::empty(folder, cache);
        for id in ["small", "fixed", "nobody-sells"] {
            bench.done(&["models", "--catalogue", &bench.catalogue(), "pull", id, "--allow-licence", "nobody-sells"]);
        }
        bench
    }

    /// With nothing in the cache.
    fn empty(folder: TempDir, cache: PathBuf) -> Self {
        let bench = Self { folder, cache };
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/infer/tests/models");
        let entry = |id: &str, file: &str, more: &str| {
            let path = weights.join(file).canonicalize().unwrap();
            let digest = Sha256::of(&std::fs::read(&path).unwrap());
            format!(
                "[[model]]\nid = \"{id}\"\nrole = \"test-classification\"\nabout = \"a test\"\narchitecture = \"none\"\n{more}\n\
                 files = [{{ name = \"{file}\", sha256 = \"{digest}\", from = {{ path = \"{}\" }} }}]\n",
                path.display()
            )
        };
        let free = "licence = \"MIT\"\ncommercial_use = \"yes\"";
        let entries = [
            entry(
                "small",
                "classifier.onnx",
                &format!("{free}\nbatch = {{ cpu = 4 }}\nstages = {{ classify = [\"balanced\"] }}"),
            ),
            entry(
                "fixed",
                "classifier_one.onnx",
                &format!("{free}\none_by_one = \"its file takes one\"\nstages = {{ classify = [] }}"),
            ),
            entry(
                "nobody-sells",
                "classifier_fp16.onnx",
                "licence = \"CC-BY-NC-4.0\"\ncommercial_use = \"no\"\nstages = { classify = [] }",
            ),
            entry(
                "weights",
                "classifier.pt",
                &format!("{free}\nformat = \"checkpoint\"\nstages = {{ classify = [] }}"),
            ),
        ];
        std::fs::write(bench.path("own.toml"), entries.join("\n")).unwrap();
        moving(&bench.path("clip.mp4"), FRAMES);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn catalogue(&self) -> String {
        self.path("own.toml").to_str().unwrap().to_owned()
    }

    /// The program with the stages of the tests and this cache.
    pub fn ran(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(with_test_stages());
        command.args(arguments).stdin(Stdio::null()).env("FRAMEFLEET_CACHE", &self.cache);
        command.env("FRAMEFLEET_CATALOGUE", self.path("own.toml")).env("ORT_DYLIB_PATH", library());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn done(&self, arguments: &[&str]) -> String {
        let ran = self.ran(arguments);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        ran.out
    }

    /// Runs the model over the clip.
    fn run(&self, output: &str, more: &[&str]) -> Ran {
        let (clip, output) = (self.path("clip.mp4"), self.path(output));
        let job = ["run", clip.to_str().unwrap(), "--stages", "classify", "--output", output.to_str().unwrap()];
        self.ran(&[&job[..], more].concat())
    }

    /// What the processes of a fleet need to run these models.
    fn fleet_arguments(&self) -> Vec<String> {
        let library = library();
        let places =
            ["--model-cache", self.cache.to_str().unwrap(), "--catalogue", &self.catalogue()].map(str::to_owned);
        places.into_iter().chain(["--onnxruntime".to_owned(), library.to_str().unwrap().to_owned()]).collect()
    }

    /// Runs what is refused; the complaint.
    fn refused(&self, more: &[&str]) -> String {
        let ran = self.run("refused", more);
        assert_eq!(ran.code, Some(78), "{ran:#?}");
        assert!(!self.path("refused").exists(), "nothing was touched");
        ran.err
    }
}

fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    folder.join(framefleet_infer::runtime::LIBRARY_NAME).canonicalize().unwrap()
}

#[test]
fn what_really_ran_is_on_record() {
    let bench = Bench::new();
    let ran = bench.run("out", &["--measure", "0.05"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(records(&bench.path("out"), "classify").len() as u64, FRAMES);
    let job = json(&bench.path("out"), "job.json");
    let model = &job["models"][0];
    assert_eq!((model["id"].as_str(), model["step"].as_str()), (Some("small"), Some("classify")), "{model:#}");
    assert_eq!((model["licence"].as_str(), model["gated"].as_bool()), (Some("MIT"), Some(false)));
    assert_eq!(model["sha256"].as_str().unwrap().len(), 64);
    let session = &model["ran"][0];
    assert_eq!(session["provider"], "cpu", "{session:#}");
    assert!(session["nodes"]["CPUExecutionProvider"].as_u64().unwrap() > 0, "{session:#}");
    assert!(session["load_ms"].as_f64().unwrap() > 0.0 && session["speed_up"].as_f64().unwrap() > 0.0, "{session:#}");
    assert_eq!(session["cache_hit"], false);
    // The optimised graph is there the second time, and the speed-up is not made up when nobody measured it.
    assert_eq!(bench.run("again", &[]).code, Some(0));
    let again = &json(&bench.path("again"), "job.json")["models"][0]["ran"][0];
    assert_eq!((again["cache_hit"].as_bool(), again["speed_up"].is_null()), (Some(true), true), "{again:#}");
    assert_eq!(digest(&bench.path("out")), digest(&bench.path("again")));
}

#[test]
fn every_choice_changes_what_happens() {
    let bench = Bench::new();
    let plain = ["--optimisation", "off", "--compiled", "off", "--warm-up", "0"];
    assert_eq!(bench.run("plain", &plain).code, Some(0));
    let ran = json(&bench.path("plain"), "job.json")["models"][0].clone();
    assert_eq!(
        (&ran["mode"]["optimisation"], &ran["ran"][0]["optimisation"]),
        (&"off".into(), &"off".into()),
        "{ran:#}"
    );
    assert_eq!((ran["ran"][0]["warm_up_ms"].is_null(), ran["ran"][0]["compile_ms"].as_f64()), (true, Some(0.0)));
    // A rewritten graph rounds differently: what was done with the plain one is done anew.
    assert_eq!(bench.run("plain", &[]).code, Some(0));
    let job = json(&bench.path("plain"), "job.json");
    assert_eq!(job["results"]["timings"]["steps"][0]["frames"], FRAMES);
    assert_eq!(bench.run("plain", &[]).code, Some(0));
    assert_eq!(json(&bench.path("plain"), "job.json")["results"]["timings"]["steps"][0]["frames"], 0);
    // Another model is another answer, too; a batch that the model fixes is what is reported.
    assert_eq!(bench.run("plain", &["--set", "classify.model=fixed"]).code, Some(0));
    let job = json(&bench.path("plain"), "job.json");
    assert_eq!((&job["models"][0]["id"], &job["models"][0]["ran"][0]["micro_batch"]), (&"fixed".into(), &1.into()));
    assert_eq!(job["results"]["timings"]["steps"][0]["frames"], FRAMES);
}

#[test]
fn what_cannot_run_is_refused_when_the_job_is_planned() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let bench = Bench::empty(folder, cache);
    let missing = bench.refused(&[]);
    assert!(missing.contains("framefleet models pull small"), "{missing}");
    bench.done(&["models", "pull", "small"]);
    bench.done(&["models", "pull", "nobody-sells", "--allow-licence", "nobody-sells"]);
    let unknown = bench.refused(&["--set", "classify.model=smaller"]);
    assert!(unknown.contains("smaller") && unknown.contains("fixed"), "{unknown}");
    let gated = bench.refused(&["--set", "classify.model=nobody-sells"]);
    assert!(gated.contains("CC-BY-NC-4.0") && gated.contains("--allow-licence nobody-sells"), "{gated}");
    let checkpoint = bench.refused(&["--set", "classify.model=weights"]);
    assert!(checkpoint.contains("export it to ONNX"), "{checkpoint}");
    let gpu = bench.refused(&["--device", "cuda:7"]);
    assert!(gpu.contains("cuda:7"), "{gpu}");
    let precision = bench.refused(&["--precision", "int8"]);
    assert!(precision.contains("is fp32") && precision.contains("models quantise"), "{precision}");
    // Allowed by name, and that is on record.
    let ran = bench.run("allowed", &["--set", "classify.model=nobody-sells", "--allow-licence", "nobody-sells"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let model = &json(&bench.path("allowed"), "job.json")["models"][0];
    assert_eq!(model["gated"], true);
    // Its file is fp16, which its name does not say: the plan and the report do.
    assert_eq!(
        (&model["mode"]["precision"], &model["ran"][0]["precision"]),
        (&"fp16".into(), &"fp16".into()),
        "{model:#}"
    );
    // Content that changed after it was planned with is no model any more.
    let file = bench.done(&["models", "where", "small"]);
    let file = Path::new(file.trim());
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let damaged = bench.refused(&[]);
    assert!(damaged.contains(file.to_str().unwrap()), "{damaged}");
}

#[test]
fn tuning_is_a_setting_of_later_plans() {
    let bench = Bench::new();
    let planned = |bench: &Bench| -> u64 {
        let ran = bench.run("never", &["--dry-run", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let said: Value = serde_json::from_str(&ran.out).unwrap();
        said["dry_run"]["plan"]["steps"][0]["models"][0]["micro_batch"].as_u64().unwrap()
    };
    assert_eq!(planned(&bench), 4, "what the catalogue says");
    let tuned = bench.done(&["tune", "small", "fixed", "--largest", "2", "--seconds", "0.02", "--json"]);
    let tuned: Value = serde_json::from_str(&tuned).unwrap();
    let chosen = tuned[0]["micro_batch"].as_u64().unwrap();
    assert!(chosen <= 2, "{tuned:#}");
    assert_eq!(tuned[1]["stopped"], "fixed", "{tuned:#}");
    assert_eq!(planned(&bench), chosen);
    let text = bench.done(&["tune", "--stages", "classify", "--largest", "1", "--seconds", "0.02"]);
    assert!(text.contains("small") && text.contains("largest batch"), "{text}");
}

#[test]
fn a_dry_run_says_how_many_items_go_through_a_model_together() {
    let bench = Bench::new();
    let dry = |more: &[&str]| {
        let ran = bench.run("never", &[&["--dry-run"], more].concat());
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        ran.out.lines().find(|line| line.starts_with("model ")).unwrap().to_owned()
    };
    assert!(dry(&[]).ends_with("fp32, batches of 4"), "{}", dry(&[]));
    let said = dry(&["--set", "classify.micro_batch=9"]);
    assert!(said.ends_with("batches of 9"), "{said}");
    // Whatever anybody wishes.
    let fixed = dry(&["--set", "classify.model=fixed", "--set", "classify.micro_batch=9"]);
    assert!(fixed.ends_with("one item at a time (its file takes one)"), "{fixed}");
}

#[test]
fn a_fleet_runs_models_and_reports_them() {
    let bench = Bench::new();
    let mut fleet = Fleet::bus_only();
    fleet.arguments = bench.fleet_arguments();
    fleet.start_orchestrator();
    fleet.start_worker(&[]);
    let output = bench.path("fleet");
    let name = fleet.submit(&bench.path("clip.mp4"), &output, &["--stages", "classify"]);
    fleet.wait_until(&name, "the job is done", |job| status(job) == JobStatus::Done);
    assert_eq!(bench.run("alone", &[]).code, Some(0));
    assert_eq!(digest(&output), digest(&bench.path("alone")));
    let model = json(&output, "job.json")["models"][0].clone();
    assert_eq!(
        (&model["id"], &model["ran"][0]["worker"], &model["ran"][0]["provider"]),
        (&"small".into(), &"w0".into(), &"cpu".into())
    );
    let address = fleet.metrics_address();
    let ran: Value = serde_json::from_str(&get(&address, "/optimization")).unwrap();
    assert_eq!((&ran[0]["model"], &ran[0]["provider"]), (&"small".into(), &"cpu".into()), "{ran:#}");
    let metrics = get(&address, "/metrics");
    assert!(metrics.contains("ff_model_load_seconds{model=\"small\",provider=\"cpu\"}"), "{metrics}");
    // A fleet without GPUs says so when one is asked for.
    let ran = fleet.call(
        "submit",
        &[bench.path("clip.mp4").to_str().unwrap(), "--output", "/nowhere", "--stages", "classify", "--device", "cuda"],
    );
    assert!(ran.code != Some(0) && ran.err.contains("no worker of it has one"), "{ran:#?}");
}

#[test]
fn a_worker_is_ready_when_its_models_are_warm() {
    let bench = Bench::new();
    let mut fleet = Fleet::bus_only();
    fleet.arguments = bench.fleet_arguments();
    fleet.start_orchestrator();
    fleet.wait_for_api();
    fleet.start_worker(&["--stage", "classify", "--warm", "small,fixed"]);
    // Workers that are listed are ready: no job has run, and both models are open.
    let address = fleet.metrics_address();
    assert_eq!(get(&address, "/readyz"), "ok\n");
    let open: Value = serde_json::from_str(&get(&address, "/optimization")).unwrap();
    let open: Vec<(&str, bool)> = open
        .as_array()
        .unwrap()
        .iter()
        .map(|session| (session["model"].as_str().unwrap(), session["warm_up_ms"].as_f64() > Some(0.0)))
        .collect();
    assert!(open.contains(&("small", true)) && open.contains(&("fixed", true)), "{open:?}");
    // What no stage of it runs ends the worker, with what they do run.
    fleet.start_worker(&["--stage", "classify", "--warm", "nothing-runs-this"]);
    let code = fleet.workers[1].wait(PATIENCE).code();
    let log = fleet.logs();
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("--warm nothing-runs-this") && log.contains("fixed, nobody-sells, small"), "{log}");
}

#[test]
fn a_model_quantised_on_the_users_frames_runs_in_eight_bits() {
    let bench = Bench::in_shared_cache();
    assert_eq!(bench.run("plain", &[]).code, Some(0));
    let plain = bench.path("plain");
    let said =
        bench.done(&["models", "quantise", "small", "--precision", "int8", "--calibrate", plain.to_str().unwrap()]);
    assert!(
        said.contains("small in int8") && said.contains("differs by") && said.contains("times as fast as small"),
        "{said}"
    );
    let ran = bench.run("eight", &["--precision", "int8"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let model = json(&bench.path("eight"), "job.json")["models"][0].clone();
    assert_eq!((&model["id"], &model["ran"][0]["precision"]), (&"small".into(), &"int8".into()), "{model:#}");
    assert_ne!(model["sha256"], json(&plain, "job.json")["models"][0]["sha256"]);
    assert_eq!(records(&bench.path("eight"), "classify").len() as u64, FRAMES);
    // A source whose steps never ran the model calibrates nothing.
    let ran =
        bench.ran(&["models", "quantise", "fixed", "--precision", "int8", "--calibrate", plain.to_str().unwrap()]);
    assert!(ran.code != Some(0) && ran.err.contains("runs fixed"), "{ran:#?}");
}

/// The body of an answer over HTTP.
fn get(address: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}
