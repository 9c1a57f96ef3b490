//! Stages that exercise what a pipeline can ask for.
use framefleet_frames::annotation::kind_name;
use framefleet_frames::{
    Annotation, Extension, Frame, FrameRange, Image, Kind, MadeFrames, PixelFormat, Rendition, ScopedAnnotation,
    annotation::to_json,
};
use framefleet_proto::v1::annotation::Value;
use framefleet_stage::{
    Batch, HalfNeeds, Halo, Host, Input, Job, ModelNeed, Needs, Outputs, Records, Settings, SetupError, Stage,
    StageError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Frames that stages were asked for, by stage, halo not counted. Stages of these tests count in the one that their host has, if it has one.
#[derive(Default)]
pub struct Asked(Mutex<BTreeMap<&'static str, u64>>);

impl Asked {
    /// Frames that a stage was asked for since this was called before.
    pub fn take(&self, stage: &str) -> u64 {
        self.0.lock().unwrap().remove(stage).unwrap_or_default()
    }

    /// Frames that all of them were asked for since then.
    pub fn take_all(&self) -> u64 {
        std::mem::take(&mut *self.0.lock().unwrap()).values().sum()
    }
}

/// Settings of a stage, and where the frames are counted that it is asked for.
pub struct Counted<S> {
    settings: S,
    asked: Arc<Asked>,
}

impl<S: Clone> Counted<S> {
    fn new(host: &Host, settings: &S) -> Self {
        Self { settings: settings.clone(), asked: host.get().unwrap_or_default() }
    }

    fn count(&self, stage: &'static str, batch: &Batch) {
        *self.asked.0.lock().unwrap().entry(stage).or_default() += batch.frames().len() as u64;
    }
}

pub fn extension(kind: &str, value: serde_json::Value) -> Annotation {
    let extension = Extension { kind: kind.to_owned(), json: value.to_string() };
    Annotation { instance: 0, value: Some(Value::Extension(extension)) }
}

/// A number out of an annotation.
pub fn number(annotation: &Annotation, field: &str) -> f64 {
    to_json(annotation).unwrap()[field].as_f64().unwrap()
}

fn mean(image: &Image) -> f64 {
    image.data().iter().map(|byte| f64::from(*byte)).sum::<f64>() / image.data().len() as f64
}

/// Settings of a stage with defaults.
macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind),* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }
        impl Settings for $name {}
    };
}
pub(super) use settings;

settings!(LevelSettings {
    /// Added to every level.
    offset: f64 = 0.0
});

/// Makes kind `level` (mean of the proxy) per frame, and kind `span` (least and greatest level) per item in finish.
pub struct Level(Counted<LevelSettings>);

impl Stage for Level {
    const NAME: &'static str = "level";
    const ABOUT: &'static str = "mean level of frames";
    const VERSION: u32 = 1;
    type Settings = LevelSettings;

    fn needs(_: &LevelSettings) -> Needs {
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("level")], ..HalfNeeds::default() },
            finish: HalfNeeds { makes: vec![Kind::new("span")], ..HalfNeeds::default() },
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &LevelSettings) -> Result<Self, SetupError> {
        Ok(Self(Counted::new(host, settings)))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        self.0.count(Self::NAME, batch);
        for &frame in batch.frames() {
            match batch.frame(Rendition::Proxy, frame) {
                Some(pixels) => out.annotate(
                    frame,
                    extension("level", json!({ "mean": mean(&pixels.image) + self.0.settings.offset })),
                ),
                None => out.fail(frame, "no-pixels", "the proxy is absent"),
            }
        }
        Ok(())
    }

    fn finish(&self, _: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let mut spans: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for record in records.read() {
            let record = record.map_err(StageError::retry)?;
            for annotation in record.annotations.iter().filter(|annotation| kind_name(annotation) == "level") {
                let level = number(annotation, "mean");
                let span = spans.entry(record.item.clone()).or_insert((level, level));
                *span = (span.0.min(level), span.1.max(level));
            }
        }
        for (item, (least, greatest)) in spans {
            let annotation = Some(extension("span", json!({ "least": least, "greatest": greatest })));
            out.annotate_scope(ScopedAnnotation { item, range: None, annotation });
        }
        Ok(())
    }
}

settings!(BrightenSettings {
    /// Added to every channel.
    by: u8 = 3
});

/// Makes full frames, brighter by a constant.
pub struct Brighten(Counted<BrightenSettings>);

impl Stage for Brighten {
    const NAME: &'static str = "brighten";
    const ABOUT: &'static str = "brighter frames";
    const VERSION: u32 = 1;
    type Settings = BrightenSettings;

    fn needs(_: &BrightenSettings) -> Needs {
        Needs {
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            made: Some(MadeFrames::default()),
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &BrightenSettings) -> Result<Self, SetupError> {
        Ok(Self(Counted::new(host, settings)))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        self.0.count(Self::NAME, batch);
        for &number in batch.frames() {
            let Some(frame) = batch.frame(Rendition::Full, number) else { continue };
            let brighter: Vec<u8> =
                frame.image.data().iter().map(|byte| byte.saturating_add(self.0.settings.by)).collect();
            let image = Image::new(PixelFormat::Rgb8, frame.image.width(), frame.image.height(), brighter)
                .map_err(StageError::bad_input)?;
            out.frame(Frame { number, pts_ns: frame.pts_ns, image });
        }
        Ok(())
    }
}

settings!(SurroundSettings {
    /// Frames before and after.
    radius: u64 = 3
});

/// Sums levels of the frames around (its halo needs annotations), and looks at the frames that the latest maker made.
pub struct Surround(Counted<SurroundSettings>);

impl Stage for Surround {
    const NAME: &'static str = "surround";
    const ABOUT: &'static str = "levels around a frame, and the latest frames";
    const VERSION: u32 = 1;
    type Settings = SurroundSettings;

    fn needs(settings: &SurroundSettings) -> Needs {
        Needs {
            process: HalfNeeds {
                required: vec![Kind::new("level")],
                makes: vec![Kind::new("surround")],
                ..HalfNeeds::default()
            },
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            halo: Halo { before: settings.radius, after: settings.radius },
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &SurroundSettings) -> Result<Self, SetupError> {
        Ok(Self(Counted::new(host, settings)))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        self.0.count(Self::NAME, batch);
        let level = Kind::new("level");
        for &frame in batch.frames() {
            let around = frame.saturating_sub(self.0.settings.radius)..frame + self.0.settings.radius + 1;
            // Every result of a level has one: whatever else were reported would be seen in every test that runs this stage.
            let reported =
                |near: u64| batch.has_result(near, &level) == batch.annotations(near, &level).next().is_some();
            if !around.clone().all(reported) {
                return Err(StageError::Fatal("a level without a result, or a result without a level".to_owned()));
            }
            let levels: Vec<f64> =
                around.clone().flat_map(|near| batch.annotations(near, &level)).map(|of| number(of, "mean")).collect();
            let pixels: f64 =
                around.filter_map(|near| batch.frame(Rendition::Full, near)).map(|near| mean(&near.image)).sum();
            out.annotate(
                frame,
                extension(
                    "surround",
                    json!({ "count": levels.len(), "levels": levels.iter().sum::<f64>(), "pixels": pixels }),
                ),
            );
        }
        Ok(())
    }
}

settings!(NormaliseSettings {});

/// Places a frame's level within the span of its item, which only finish of `level` knows: a second pass.
pub struct Normalise(Counted<NormaliseSettings>);

impl Stage for Normalise {
    const NAME: &'static str = "normalise";
    const ABOUT: &'static str = "a frame's level within its item's span";
    const VERSION: u32 = 1;
    type Settings = NormaliseSettings;

    fn needs(_: &NormaliseSettings) -> Needs {
        Needs {
            process: HalfNeeds {
                required: vec![Kind::new("span")],
                makes: vec![Kind::new("place")],
                ..HalfNeeds::default()
            },
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &NormaliseSettings) -> Result<Self, SetupError> {
        Ok(Self(Counted::new(host, settings)))
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        self.0.count(Self::NAME, batch);
        let span = Kind::new("span");
        let (_, span) = job.scoped_of(&span).next().ok_or_else(|| StageError::bad_input("no span was delivered"))?;
        let (least, greatest) = (number(span, "least"), number(span, "greatest"));
        for &frame in batch.frames() {
            let Some(pixels) = batch.frame(Rendition::Proxy, frame) else { continue };
            let place = (mean(&pixels.image) - least) / (greatest - least).max(1.0);
            out.annotate(frame, extension("place", json!({ "place": place })));
        }
        Ok(())
    }
}

settings!(FragileSettings { /// Frames that it cannot stand, by number.
    breaks_on: Vec<u64> = vec![],
    /// Panics instead of returning an error.
    panics: bool = false,
    /// Kill the process instead of failing.
    aborts: bool = false,
    /// Knows which frame is to blame.
    knows: bool = false,
    /// Frames before and after that it looks at.
    radius: u64 = 0 });

/// Breaks on frames of its choice, in the batch or in its halo.
pub struct Fragile(Counted<FragileSettings>);

impl Stage for Fragile {
    const NAME: &'static str = "fragile";
    const ABOUT: &'static str = "breaks on purpose";
    const VERSION: u32 = 1;
    type Settings = FragileSettings;

    fn needs(settings: &FragileSettings) -> Needs {
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("stood")], ..HalfNeeds::default() },
            halo: Halo { before: settings.radius, after: settings.radius },
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &FragileSettings) -> Result<Self, SetupError> {
        Ok(Self(Counted::new(host, settings)))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        self.0.count(Self::NAME, batch);
        let FrameRange { start, end } = *batch.window();
        for frame in (start..end).filter(|frame| batch.frame(Rendition::Proxy, *frame).is_some()) {
            if !self.0.settings.breaks_on.contains(&frame) {
                continue;
            }
            if self.0.settings.knows {
                if batch.frames().contains(&frame) {
                    out.fail(frame, "fragile", "does not like it");
                }
            } else {
                assert!(!self.0.settings.panics, "cannot stand frame {frame}");
                if self.0.settings.aborts {
                    std::process::abort();
                }
                return Err(StageError::bad_input(format!("cannot stand frame {frame}")));
            }
        }
        for &frame in batch.frames().iter().filter(|frame| !self.0.settings.breaks_on.contains(frame)) {
            out.annotate(frame, extension("stood", json!({ "frame": frame })));
        }
        Ok(())
    }
}

settings!(ClassifySettings {
    /// Model that is asked, of role `test-classification`; empty for the default.
    model: String = String::new(),
    /// Frames a run; 0 for what the plan finds.
    micro_batch: usize = 0
});

/// Shows the top left corner of frames to a model; kind `class` has the best class and the score.
pub struct Classify(framefleet_infer::Session);

impl Stage for Classify {
    const NAME: &'static str = "classify";
    const ABOUT: &'static str = "asks a small model";
    const VERSION: u32 = 1;
    type Settings = ClassifySettings;

    fn needs(settings: &ClassifySettings) -> Needs {
        let choice = Some(settings.model.as_str()).filter(|id| !id.is_empty());
        let need = ModelNeed::new("test-classification", choice);
        let model = if settings.micro_batch > 0 { need.with_micro_batch(settings.micro_batch) } else { need };
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("class")], ..HalfNeeds::default() },
            models: vec![model],
            ..Needs::default()
        }
    }

    fn load(host: &Host, _: &ClassifySettings) -> Result<Self, SetupError> {
        let failed = |error: framefleet_infer::InferError| SetupError(error.to_string());
        let models = host.get::<framefleet_infer::StepModels>().ok_or_else(|| SetupError("no models".to_owned()))?;
        models.open("test-classification").map(Self).map_err(failed)
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        let frames: Vec<&Frame> = batch.frames().iter().filter_map(|n| batch.frame(Rendition::Proxy, *n)).collect();
        let mut scores = Vec::new();
        let ran = self.0.run_batches::<framefleet_infer::InferError>(
            frames.len(),
            &[],
            |item, inputs| {
                let image = &frames[item].image;
                let width = image.width() as usize;
                let pixel = |c: usize, y: usize, x: usize| f32::from(image.data()[(y * width + x) * 3 + c]) / 255.0;
                inputs
                    .input::<f32>("pixels")?
                    .indexed_iter_mut()
                    .for_each(|(at, value)| *value = pixel(at[0], at[1], at[2]));
                Ok(())
            },
            |_, outputs| {
                scores.push(outputs.output::<f32>("scores")?.iter().copied().collect::<Vec<f32>>());
                Ok(())
            },
        );
        ran.map_err(StageError::retry)?;
        for (frame, scores) in frames.iter().zip(scores) {
            let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or_default();
            out.annotate(frame.number, extension("class", json!({ "class": best, "score": scores[best] })));
        }
        Ok(())
    }
}
