//! Runs the stage on talking faces and sorts what comes out.
#![allow(dead_code)]
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Annotation, AvOffset, Face, FaceTrack, FrameRange, Item, Mouth, ScopedAnnotation, Shot, Speaking, SyncState,
};
use framefleet_stage::{Audio, AudioSource, FileSetting, Files, Host, Stage};
use framefleet_testkit::{Picture, TalkingFace, decode_rgb8, loudness, sample, speech};
use framefleet_testkit_models::host;
use framefleet_testkit_stage::{Film, Found, Heard, Kept, RATE, Silence, Step, on_range, only, rgb8};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};
use sync::{SyncSettings, SyncStage};

/// Samples per second of what is said.
pub const SOUND: u32 = 16_000;
/// The part of the photograph that is used: left, top, width and height.
const PART: [u32; 4] = [100, 20, 240, 240];

/// Says something that is not the same twice, in one voice.
pub fn talk(text: &str) -> Vec<f32> {
    speech(text, "en", SOUND).unwrap()
}

/// About twelve seconds of speech.
pub fn tale() -> &'static [f32] {
    static TALE: LazyLock<Vec<f32>> = LazyLock::new(|| {
        talk(
            "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow. The rainbow is a \
            division of white light into many beautiful colours. These take the shape of a long round arch, with its \
            path high above.",
        )
    });
    &TALE
}

/// Something else.
pub fn other_tale() -> &'static [f32] {
    static TALE: LazyLock<Vec<f32>> = LazyLock::new(|| {
        talk(
            "Please call Stella. Ask her to bring these things with her from the store: six spoons of fresh snow peas, \
            five thick slabs of blue cheese, and maybe a snack for her brother Bob. We also need a small plastic snake, \
            and a big toy frog for the kids.",
        )
    });
    &TALE
}

/// The face of the photograph, and where a detector (YuNet) and a mesh find its parts, pixels of the part.
pub fn face() -> &'static TalkingFace {
    static FACE: LazyLock<TalkingFace> = LazyLock::new(|| {
        let photograph = &decode_rgb8(&sample("astronaut.png").unwrap()).unwrap()[0];
        let [left, top, width, height] = PART;
        let picture = Picture::from_fn(width, height, |x, y| photograph.get(left + x, top + y));
        TalkingFace { picture, corners: [[102.4, 118.2], [146.0, 119.5]], sag: 6.9 }
    });
    &FACE
}

/// What a detector makes of it.
pub fn detected() -> Face {
    Face {
        r#box: vec![78.0, 42.6, 168.4, 156.4],
        landmarks: vec![100.1, 81.8, 147.2, 82.6, 120.3, 104.7, 98.9, 123.2, 139.8, 123.9],
        ..Face::default()
    }
}

/// How far a mouth that says `sound` is open at every frame, 0..1.
pub fn openings(sound: &[f32], frames: u64, rate: i64) -> Vec<f64> {
    let times = (0..frames).map(|n| n as f64 / rate as f64);
    // A mouth does not follow every syllable to the full.
    loudness(sound, SOUND, times).into_iter().map(|level| level.powf(0.7)).collect()
}

/// Sound moved: positive frames put it ahead of the image.
pub fn ahead(sound: &[f32], seconds: f64) -> Vec<f32> {
    let samples = (seconds * f64::from(SOUND)).round() as i64;
    let at = |n: i64| usize::try_from(n).ok().and_then(|n| sound.get(n)).copied().unwrap_or(0.0);
    (0..sound.len() as i64 + SOUND as i64).map(|n| at(n + samples)).collect()
}

/// A film of faces that talk.
pub struct Footage {
    pub film: Film,
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    pub mouths: BTreeMap<(u64, u32), Mouth>,
    pub failed: Vec<(u64, String)>,
    pub skipped: Vec<(u64, String)>,
    /// Of the item, and by shot.
    pub offsets: Vec<(Option<FrameRange>, AvOffset)>,
    pub speaking: Vec<(FrameRange, Speaking)>,
    /// Track and whether it speaks, by frame and instance.
    pub amended: BTreeMap<(u64, u32), (u64, Option<bool>)>,
    pub statistics: serde_json::Value,
    /// Everything that was published, as text: to compare runs.
    pub all: String,
}

impl Results {
    /// The item's offset.
    pub fn offset(&self) -> &AvOffset {
        &self.offsets.iter().find(|(range, _)| range.is_none()).expect("every item has an answer").1
    }

    pub fn state(&self) -> SyncState {
        self.offset().state()
    }

    /// Seconds that a label speaks.
    pub fn seconds_of(&self, label: &str) -> f64 {
        let own = self.speaking.iter().filter(|(_, speaking)| speaking.label == label);
        own.map(|(_, speaking)| (speaking.end_ns - speaking.start_ns) as f64 / 1e9).sum()
    }
}

/// The stage, with the models of default settings, which are opened once.
pub fn step(settings: &SyncSettings) -> Step<SyncStage> {
    Step::load(usual_host(), settings).unwrap()
}

/// The same with default settings, given who speaks when.
pub fn step_told(diarisation: &serde_json::Value) -> Step<SyncStage> {
    let content = diarisation.to_string();
    let settings = SyncSettings { diarisation: FileSetting::of_content(content.as_bytes()), ..SyncSettings::default() };
    Step::load(&usual_host().clone().with(Arc::new(Files::of([content]))), &settings).unwrap()
}

fn usual_host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| host("sync", &SyncStage::needs(&SyncSettings::default())).unwrap())
}

/// What is heard with every film; nothing where there is no sound.
fn heard(sound: Option<Vec<f32>>) -> Arc<dyn AudioSource> {
    match sound {
        Some(samples) => Arc::new(Heard { rate: SOUND, samples }),
        None => Arc::new(Silence),
    }
}

impl Footage {
    /// One face that says `said` while `heard` is heard, or nothing at all.
    pub fn talking(said: &[f32], heard: Option<Vec<f32>>) -> Self {
        let frames = (said.len() as u64 * RATE as u64).div_ceil(u64::from(SOUND));
        let pictures: Vec<Picture> = openings(said, frames, RATE).into_iter().map(|o| face().paint(o)).collect();
        let faces = vec![vec![detected()]; pictures.len()];
        Self::new(pictures, faces, heard)
    }

    /// Images of one size.
    pub fn new(pictures: Vec<Picture>, faces: Vec<Vec<Face>>, sound: Option<Vec<f32>>) -> Self {
        let mut film = Film::new(pictures.iter().map(rgb8).collect()).named("scenes/0042_talk.mp4");
        film.item.has_audio = sound.is_some();
        let faces = faces.into_iter().map(|faces| faces.into_iter().map(Value::Face).collect());
        film.found = vec![Found::new("faces", "face", (0..).zip(faces))];
        film.audio = heard(sound);
        Self { film }
    }

    /// The same with another sound.
    pub fn heard(&self, sound: Option<Vec<f32>>) -> Self {
        Self { film: Film { audio: heard(sound), ..self.film.clone() } }
    }

    /// A shot of these frames.
    pub fn shot(mut self, number: u32, start: u64, end: u64) -> Self {
        let value = Value::Shot(Shot { number, ..Shot::default() });
        self.film.scoped.push(on_range(&self.film.item.name, start..end, number, value));
        self
    }

    /// A face as face clustering followed it; where none is said, the faces of one number are one.
    pub fn face_track(mut self, number: u32, faces: &[(u64, u32)]) -> Self {
        self.film.scoped.push(self.followed(number, faces));
        self
    }

    fn followed(&self, number: u32, faces: &[(u64, u32)]) -> ScopedAnnotation {
        let (frames, instances): (Vec<u64>, Vec<u32>) = faces.iter().copied().unzip();
        let range = frames[0]..frames[frames.len() - 1] + 1;
        let track = FaceTrack { number, frames, instances, ..FaceTrack::default() };
        on_range(&self.film.item.name, range, number, Value::FaceTrack(track))
    }

    /// What other steps' finish halves say of what process made.
    fn scoped(&self, records: &Kept) -> Vec<ScopedAnnotation> {
        let mut scoped = self.film.scoped.clone();
        let is_track = |of: &ScopedAnnotation| {
            matches!(of.annotation.as_ref().and_then(|made| made.value.as_ref()), Some(Value::FaceTrack(_)))
        };
        if scoped.iter().any(is_track) {
            return scoped;
        }
        let mut faces: BTreeMap<u32, Vec<(u64, u32)>> = BTreeMap::new();
        for record in &records.records {
            for annotation in &record.annotations {
                faces.entry(annotation.instance).or_default().push((record.frame, annotation.instance));
            }
        }
        scoped.extend(faces.iter().map(|(number, faces)| self.followed(*number, faces)));
        scoped
    }

    /// Runs both halves.
    pub fn run(&self, settings: &SyncSettings) -> Results {
        let step = step(settings);
        self.finish(&step, &self.process(&step))
    }

    /// Runs the first half.
    pub fn process(&self, step: &Step<SyncStage>) -> Kept {
        step.process(std::slice::from_ref(&self.film)).unwrap().records
    }

    /// What process would make of mouths that are open by so much (openings 0..1 by frame, one list per face).
    pub fn with_mouths(&self, openings: &[Vec<f64>]) -> Kept {
        let mouth = |frame: usize, instance: u32, openings: &[f64]| {
            let x = 200.0 * instance as f32;
            Value::Mouth(Mouth {
                face: instance,
                face_box: vec![x, 0.0, x + 100.0, 100.0],
                // The model is off by a little, and never by the same.
                aperture: (0.13 + 0.4 * openings[frame] + 0.02 * (frame as f64 * 1.7).sin()) as f32,
                confidence: 1.0,
                ..Mouth::default()
            })
        };
        let frames = (0..openings[0].len()).map(|n| (0..).zip(openings).map(|(face, of)| mouth(n, face, of)).collect());
        Kept::of(&self.film.item.name, RATE, frames)
    }

    /// Runs the second half over what process made.
    pub fn finish(&self, step: &Step<SyncStage>, records: &Kept) -> Results {
        let film = Film { scoped: self.scoped(records), ..self.film.clone() };
        let finished = step.finish(&[film], records).unwrap();
        let mouths = records.records.iter().flat_map(|record| {
            let mouth = |of: &Annotation| match &of.value {
                Some(Value::Mouth(mouth)) => ((record.frame, of.instance), mouth.clone()),
                other => panic!("process made {other:?}"),
            };
            record.annotations.iter().map(mouth)
        });
        let amended = finished.amended().unwrap().into_iter().map(|(frame, instance, fields)| {
            ((frame, instance), (fields["track"].as_u64().unwrap(), fields["speaking"].as_bool()))
        });
        Results {
            mouths: mouths.collect(),
            failed: records.failed(),
            skipped: records.skipped(),
            offsets: finished.each(only!(AvOffset)),
            speaking: finished.on_frames(only!(Speaking)),
            amended: amended.collect(),
            all: format!("{:?}{finished:?}", records.records),
            statistics: finished.statistics,
        }
    }
}

/// Sound of the item's file.
pub struct FromFile;

impl AudioSource for FromFile {
    fn read(&self, item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        let samples =
            framefleet_decode::audio::audio(item, track, range_ns, rate).map_err(|error| error.to_string())?;
        Ok(samples.map(|samples| Audio { rate, samples }))
    }
}
