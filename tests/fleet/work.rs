//! Stages that take time or memory.
use super::stages::settings;
use framefleet_stage::{Batch, Host, Job, Needs, Outputs, Settings, SetupError, Stage, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::sync::Mutex;
use std::time::{Duration, Instant};

settings!(WorkSettings {
    /// Milliseconds per frame.
    milliseconds: f64 = 1.0
});

/// Keeps a core busy.
pub struct Spin(WorkSettings);

impl Stage for Spin {
    const NAME: &'static str = "spin";
    const ABOUT: &'static str = "keeps a core busy";
    const VERSION: u32 = 1;
    type Settings = WorkSettings;

    fn needs(_: &WorkSettings) -> Needs {
        Needs::default()
    }

    fn load(_: &Host, settings: &WorkSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, _: &mut Outputs) -> Result<(), StageError> {
        batch.frames().iter().for_each(|_| spin(self.0.milliseconds));
        Ok(())
    }
}

/// Waits, as for a device.
pub struct Sleep(WorkSettings);

impl Stage for Sleep {
    const NAME: &'static str = "sleep";
    const ABOUT: &'static str = "waits, as for a device";
    const VERSION: u32 = 1;
    type Settings = WorkSettings;

    fn needs(_: &WorkSettings) -> Needs {
        Needs::default()
    }

    fn load(_: &Host, settings: &WorkSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, _: &mut Outputs) -> Result<(), StageError> {
        std::thread::sleep(Duration::from_secs_f64(self.0.milliseconds * batch.frames().len() as f64 / 1e3));
        Ok(())
    }
}

settings!(LeakSettings {
    /// KiB kept of every frame.
    kibibytes: u64 = 0,
    /// Files kept open of every batch.
    files: u64 = 0
});

/// Keeps memory and open files for ever.
pub struct Leak(LeakSettings);

/// What was never given back.
static KEPT: Mutex<(Vec<Vec<u8>>, Vec<File>)> = Mutex::new((Vec::new(), Vec::new()));

impl Stage for Leak {
    const NAME: &'static str = "leak";
    const ABOUT: &'static str = "keeps memory and open files";
    const VERSION: u32 = 1;
    type Settings = LeakSettings;

    fn needs(_: &LeakSettings) -> Needs {
        Needs::default()
    }

    fn load(_: &Host, settings: &LeakSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, _: &mut Outputs) -> Result<(), StageError> {
        let mut kept = KEPT.lock().unwrap();
        let bytes = self.0.kibibytes as usize * 1024;
        kept.0.extend(batch.frames().iter().map(|frame| vec![*frame as u8 | 1; bytes]));
        for _ in 0..self.0.files {
            kept.1.push(File::open("/dev/null").map_err(StageError::retry)?);
        }
        Ok(())
    }
}

/// Keeps the core busy for so long.
pub fn spin(milliseconds: f64) {
    let until = Instant::now() + Duration::from_secs_f64(milliseconds / 1e3);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}
