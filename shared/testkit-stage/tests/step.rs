//! What a stage is shown and what it may make are what its needs say, as in a fleet.
#![cfg(test)]

use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Extension, Kind, Outcome, Rendition};
use framefleet_stage::{
    Batch, HalfNeeds, Halo, Host, Job, Needs, Outputs, Records, SetupError, SideInputs, Stage, StageError, only_finish,
};
use framefleet_testkit::Picture;
use framefleet_testkit_stage::{Film, Found, Heard, Step, StepError, on_range, only, shot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tells what it is shown.
struct Witness;

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct WitnessSettings {
    /// The kind that it says it makes.
    makes: String,
    /// Whether it needs the kind `mask`.
    masks: bool,
}

impl framefleet_stage::Settings for WitnessSettings {}

fn reported(text: String) -> Value {
    Value::Extension(Extension { kind: "seen".to_owned(), json: serde_json::json!({ "text": text }).to_string() })
}

impl Stage for Witness {
    const NAME: &'static str = "witness";
    const ABOUT: &'static str = "what it is shown";
    const VERSION: u32 = 1;
    type Settings = WitnessSettings;

    fn needs(settings: &WitnessSettings) -> Needs {
        let required = if settings.masks { vec![Kind::new("mask")] } else { Vec::new() };
        Needs {
            process: HalfNeeds {
                required,
                optional: vec![Kind::new("shot")],
                makes: vec![Kind::new(&settings.makes)],
                ..HalfNeeds::default()
            },
            finish: HalfNeeds {
                makes: vec![Kind::new("seen")],
                side_inputs: SideInputs { audio: true, ..SideInputs::default() },
                ..HalfNeeds::default()
            },
            halo: Halo { before: 2, after: 1 },
            ..Needs::default()
        }
    }

    fn load(_: &Host, _: &WitnessSettings) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &frame in batch.frames() {
            let shown =
                (batch.window().start..batch.window().end).filter(|n| batch.frame(Rendition::Proxy, *n).is_some());
            assert!(job.audio.read(batch.item(), None, 0..1, 4).is_err(), "process did not ask for sound");
            let masks = batch.annotations(frame, &Kind::new("mask")).count();
            let text = format!("{:?} {masks} {}", shown.collect::<Vec<_>>(), job.scoped.len());
            match frame {
                3 => out.fail(frame, "third", "the third is never seen"),
                _ => out.annotate(frame, Annotation { instance: 0, value: Some(reported(text)) }),
            }
        }
        out.attach("note").map_err(StageError::retry)?;
        Ok(())
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let heard = job.audio.read(&job.items[0], None, 0..1_000_000_000, 4).map_err(StageError::Fatal)?;
        let notes = records.attachments("no").map_err(StageError::bad_input)?.len();
        let text = format!("{} {notes} {} {heard:?}", records.read().count(), job.scoped.len());
        out.annotate_scope(on_range("clip.mp4", 0..1, 0, reported(text)));
        Ok(())
    }
}

fn step(masks: bool) -> Step<Witness> {
    Step::load(&Host::default(), &WitnessSettings { makes: "seen".to_owned(), masks }).unwrap()
}

/// Eight frames that are larger than proxies.
fn film(batch: u64) -> Film {
    Film { batch, ..Film::painted(8, |_| Picture::filled(800, 400, [9; 3])) }
}

/// What the stage was shown around the frames with a result.
fn shown(step: &Step<Witness>, film: &Film) -> Vec<(u64, String)> {
    let records = step.process(std::slice::from_ref(film)).unwrap().records;
    let text =
        |reported: &Extension| serde_json::from_str::<serde_json::Value>(&reported.json).unwrap()["text"].clone();
    records
        .each(only!(Extension))
        .map(|(record, reported)| (record.frame, text(&reported[0]).as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn batches_come_with_their_halo() {
    let found = shown(&step(false), &film(4));
    assert_eq!(found.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6, 7]);
    assert_eq!((found[0].1.as_str(), found[4].1.as_str()), ("[0, 1, 2, 3, 4] 0 0", "[2, 3, 4, 5, 6, 7] 0 0"));
    assert_eq!(shown(&step(false), &film(4).stills())[0].1, "[0, 1, 2, 3] 0 0");
    let proxy = film(8).batch_at(0, &step(false).needs).unwrap().frame(Rendition::Proxy, 0).unwrap().image.clone();
    assert_eq!((proxy.width(), proxy.height(), proxy.data()[0]), (640, 320, 9));
}

#[test]
fn frames_that_are_not_asked_for_have_the_records_that_they_have_in_an_output() {
    let film = Film { absent: vec![4], every: 2, ..film(8) };
    let records = step(false).process(&[film]).unwrap().records.records;
    let outcomes: Vec<(u64, bool)> = records.iter().map(|of| (of.frame, of.outcome == Outcome::Result)).collect();
    assert_eq!(outcomes, [(0, true), (2, true), (4, false), (6, true)]);
    assert_eq!(records[2].outcome, Outcome::Skipped { rule: "upstream".to_owned() });
    assert_eq!(records[3].pts_ns, 240_000_000);
}

#[test]
fn only_what_is_needed_is_told() {
    let mut film = film(8);
    let masks = (0..6).map(|frame| (frame, vec![Value::Mask(framefleet_frames::Mask::default()); frame as usize]));
    film.found = vec![Found::new("segmentation", "mask", masks)];
    film.scoped = vec![shot("clip.mp4", 0..4), shot("other.mp4", 0..4)];
    let (blind, seeing) = (shown(&step(false), &film), shown(&step(true), &film));
    assert_eq!((blind.len(), blind[5].1.as_str()), (7, "[0, 1, 2, 3, 4, 5, 6, 7] 0 1"));
    // Frames 6 and 7 have no result of a step that makes masks.
    assert_eq!((seeing.len(), seeing[4].1.as_str()), (5, "[0, 1, 2, 3, 4, 5, 6, 7] 5 1"));
}

#[test]
fn finish_has_all_records_and_the_sound_of_the_film() {
    let film = Film { audio: Arc::new(Heard { rate: 4, samples: vec![0.5; 3] }), ..film(4) };
    let (processed, finished) = step(false).run(&[film]).unwrap();
    assert_eq!(processed.records.failed(), [(3, "third".to_owned())]);
    let reported = &finished.on_frames(only!(Extension))[0].1.json;
    assert!(reported.contains("8 2 0 Some(Audio { rate: 4, samples: [0.5, 0.5, 0.5, 0.0] })"), "{reported}");
}

#[test]
fn what_is_not_declared_may_not_be_made() {
    let settings = WitnessSettings { makes: "pose".to_owned(), masks: false };
    let problem = Step::<Witness>::load(&Host::default(), &settings).unwrap().process(&[film(8)]).unwrap_err();
    assert!(matches!(&problem, StepError::Undeclared { half: "process", kind } if kind == "seen"), "{problem}");
}

/// Says in process what is marked as finish's alone.
struct Careless(CarelessSettings);

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct CarelessSettings {
    /// What it says.
    #[schemars(transform = only_finish)]
    word: u32,
    /// What nobody reads.
    #[schemars(transform = only_finish)]
    silence: bool,
}

impl framefleet_stage::Settings for CarelessSettings {}

impl Stage for Careless {
    const NAME: &'static str = "careless";
    const ABOUT: &'static str = "says too much";
    const VERSION: u32 = 1;
    type Settings = CarelessSettings;

    fn needs(_: &CarelessSettings) -> Needs {
        Needs { process: HalfNeeds { makes: vec![Kind::new("seen")], ..HalfNeeds::default() }, ..Needs::default() }
    }

    fn load(_: &Host, settings: &CarelessSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &frame in batch.frames() {
            out.annotate(frame, Annotation { instance: 0, value: Some(reported(self.0.word.to_string())) });
        }
        Ok(())
    }
}

#[test]
fn process_is_given_the_defaults_of_what_finish_alone_reads() {
    let settings = CarelessSettings { word: 7, silence: true };
    let step = Step::<Careless>::load(&Host::default(), &settings).unwrap();
    let records = step.process(&[film(8)]).unwrap().records;
    assert!(records.each(only!(Extension)).all(|(_, said)| said[0].json.contains("\"0\"")));
}

#[test]
#[should_panic(expected = "word")]
fn a_setting_that_process_reads_all_the_same_is_found() {
    let (host, settings) = (Host::default(), CarelessSettings::default());
    framefleet_testkit_stage::process_reads_no_finish_setting::<Careless>(&host, &settings, &[film(8)]);
}
