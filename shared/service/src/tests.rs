use super::{Exit, Program, run};
use framefleet_stage::{Batch, Halo, Host, Job, Needs, Outputs, Settings, SetupError, Stage, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Settings of the stage below.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Blur {
    /// Radius in pixels.
    radius: u32,
}

impl Default for Blur {
    fn default() -> Self {
        Self { radius: 3 }
    }
}

impl Settings for Blur {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![("fast", Self { radius: 1 })]
    }
}

struct Blurring;

impl Stage for Blurring {
    const NAME: &'static str = "blurring";
    const ABOUT: &'static str = "Blurs frames";
    const VERSION: u32 = 7;
    type Settings = Blur;

    fn needs(settings: &Blur) -> Needs {
        Needs { halo: Halo { before: u64::from(settings.radius), after: 0 }, ..Needs::default() }
    }

    fn load(_host: &Host, _settings: &Blur) -> Result<Self, SetupError> {
        Err(SetupError("not to be loaded here".to_owned()))
    }

    fn process(&self, _job: &Job, _batch: &Batch, _out: &mut Outputs) -> Result<(), StageError> {
        Ok(())
    }
}

/// Exit, standard output and standard error of the program.
fn ran(arguments: &[&str]) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = std::iter::once("blurring").chain(arguments.iter().copied()).map(Into::into);
    let exit = run(&Program::of::<Blurring>(), arguments.collect(), &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn describe_prints_one_json_document() {
    let (exit, out, err) = ran(&["--describe"]);
    assert_eq!((exit, err.as_str()), (Exit::Done, ""));
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["name"], "blurring");
    assert_eq!(document["about"], "Blurs frames");
    assert_eq!(document["version"], 7);
    assert_eq!(document["schema"]["properties"]["radius"]["description"], "Radius in pixels.");
    assert_eq!(document["profiles"], json!({"balanced": {"radius": 3}, "fast": {"radius": 1}}));
    assert_eq!(document["needs"]["halo"], json!({"before": 3, "after": 0}), "of the default settings");
    assert_eq!(document["needs"]["makes_frames"], false);
    assert_eq!(document["needs"]["renditions"].as_array().unwrap().len(), 1);
}

#[test]
fn without_a_fleet_it_says_so() {
    let (exit, out, err) = ran(&["--nats", "nats://127.0.0.1:1", "--log", "error"]);
    assert_eq!((exit, out.as_str()), (Exit::BusUnreachable, ""));
    assert!(err.contains("127.0.0.1:1"), "{err}");
}

#[test]
fn wrong_arguments_are_named() {
    for wrong in ["--no-such-thing", "stray"] {
        let (exit, out, err) = ran(&[wrong]);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
        assert!(err.contains(wrong), "{err}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let (exit, out, err) = ran(&["--help"]);
    assert_eq!((exit, err.as_str()), (Exit::Done, ""));
    assert!(out.contains("Blurs frames") && out.contains("--describe"), "{out}");
    assert_eq!(
        ran(&["--version"]),
        (Exit::Done, concat!("blurring ", env!("CARGO_PKG_VERSION"), "\n").to_owned(), String::new())
    );
}

/// A pipe whose reader is gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let arguments = ["blurring", "--describe"].map(Into::into);
    assert_eq!(run(&Program::of::<Blurring>(), arguments.into(), &mut Closed, &mut Vec::new()), Exit::Failed);
}
