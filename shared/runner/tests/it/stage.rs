//! A stage that fails, waits or works as its settings say.
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Extension, Kind, ScopedAnnotation};
use framefleet_stage::{Batch, Host, Job, Needs, Outputs, Records, Settings, SetupError, Stage, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::mpsc::UnboundedSender;

/// The kind of what lies on the frames that the stage is given.
pub const SEEN: &str = "seen";

/// The kind of what it makes of them.
pub const STOOD: &str = "stood";

/// How the stage behaves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FakeSettings {
    /// `retry`, `bad-input`, `fatal`, `panic` or `abort`.
    pub fails: String,
    /// The frames on which it fails; always when there are none.
    pub on: Vec<u64>,
    /// It cannot be loaded.
    pub unloadable: bool,
    /// It waits for the test in process.
    pub waits: bool,
    /// Kind of what finish makes.
    pub finish_kind: String,
}

impl Settings for FakeSettings {}

/// What the test hears of the stage.
pub struct Probe {
    /// Takes a call that waits; it goes on when `true` is sent.
    waiting: UnboundedSender<mpsc::Sender<bool>>,
    /// How often a stage was loaded.
    pub loads: AtomicUsize,
}

impl Probe {
    pub fn new(waiting: UnboundedSender<mpsc::Sender<bool>>) -> Arc<Self> {
        Arc::new(Self { waiting, loads: AtomicUsize::new(0) })
    }
}

pub struct Fake {
    settings: FakeSettings,
    probe: Option<Arc<Probe>>,
}

impl Stage for Fake {
    const NAME: &'static str = "fake";
    const ABOUT: &'static str = "does as its settings say";
    const VERSION: u32 = 1;
    type Settings = FakeSettings;

    fn needs(_: &FakeSettings) -> Needs {
        Needs::default()
    }

    fn load(host: &Host, settings: &FakeSettings) -> Result<Self, SetupError> {
        let probe = host.get::<Probe>();
        if let Some(probe) = &probe {
            probe.loads.fetch_add(1, Ordering::Relaxed);
        }
        match settings.unloadable {
            true => Err(SetupError("there is no such device".to_owned())),
            false => Ok(Self { settings: settings.clone(), probe }),
        }
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        if self.settings.waits {
            self.wait()?;
        }
        let seen = Kind::new(SEEN);
        let given = |frame: &u64| batch.annotations(*frame, &seen).next().is_some();
        let window: Vec<u64> = (batch.window().start..batch.window().end).filter(given).collect();
        if self.settings.on.is_empty() || self.settings.on.iter().any(|frame| window.contains(frame)) {
            self.fail()?;
        }
        for &frame in batch.frames().iter().filter(|frame| given(frame)) {
            out.annotate(frame, annotation(STOOD));
        }
        Ok(())
    }

    fn finish(&self, _: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        self.fail()?;
        let mut stood = 0;
        for record in records.read() {
            stood += record.map_err(StageError::retry)?.annotations.len();
        }
        let value = Extension { kind: self.settings.finish_kind.clone(), json: format!("{{\"stood\":{stood}}}") };
        let annotation = Annotation { instance: 0, value: Some(Value::Extension(value)) };
        out.annotate_scope(ScopedAnnotation { annotation: Some(annotation), ..ScopedAnnotation::default() });
        Ok(())
    }
}

impl Fake {
    /// Waits until the test lets it go on; without a test, as in a child process, it does not wait.
    fn wait(&self) -> Result<(), StageError> {
        let Some(probe) = &self.probe else { return Ok(()) };
        let (sender, released) = mpsc::channel();
        let _ = probe.waiting.send(sender);
        match released.recv() {
            Ok(true) => Ok(()),
            _ => Err(StageError::retry("the process ends here")),
        }
    }

    fn fail(&self) -> Result<(), StageError> {
        match self.settings.fails.as_str() {
            "retry" => Err(StageError::retry("busy")),
            "bad-input" => Err(StageError::bad_input("cannot read this")),
            "fatal" => Err(StageError::Fatal("the device is gone".to_owned())),
            "panic" => panic!("index out of bounds"),
            "abort" => std::process::abort(),
            _ => Ok(()),
        }
    }
}

/// An annotation of a kind.
pub fn annotation(kind: &str) -> Annotation {
    let extension = Extension { kind: kind.to_owned(), json: "{}".to_owned() };
    Annotation { instance: 0, value: Some(Value::Extension(extension)) }
}
