//! Runs the stage on talking faces the way the runner does: batches with their halo, then finish over all of it.
#![allow(dead_code)]
use framefleet_media::annotation::Value;
use framefleet_media::{
    Annotation, AvOffset, Face, FaceTrack, Frame, FrameRange, Image, Item, ItemKind, Mouth, Outcome, PixelFormat,
    Rational, Rendition, ScopedAnnotation, Shot, Speaking, SyncState,
};
use framefleet_stage::{Audio, AudioSource, Batch, Host, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::{Picture, TalkingFace, decode_rgb8, loudness, sample, speech};
use framefleet_testkit_models::host;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};
use sync::{SyncSettings, SyncStage};
use tempfile::TempDir;

/// Samples per second of what is said.
pub const SOUND: u32 = 16_000;
/// Frames per second of what is seen.
pub const RATE: i64 = 25;
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

/// Sound moved: positive frames put it ahead of the picture.
pub fn ahead(sound: &[f32], seconds: f64) -> Vec<f32> {
    let samples = (seconds * f64::from(SOUND)).round() as i64;
    let at = |n: i64| usize::try_from(n).ok().and_then(|n| sound.get(n)).copied().unwrap_or(0.0);
    (0..sound.len() as i64 + SOUND as i64).map(|n| at(n + samples)).collect()
}

/// Footage and how it is handed to the stage.
pub struct Footage {
    pub item: Item,
    pub pictures: Vec<Picture>,
    /// Faces of every frame.
    pub faces: Vec<Vec<Face>>,
    pub sound: Option<Vec<f32>>,
    /// A file whose sound is heard instead.
    pub file: Option<PathBuf>,
    pub scoped: Vec<ScopedAnnotation>,
    pub batch: u64,
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

/// What process made, to be finished with one sound or another.
pub struct Processed {
    records: Kept,
    mouths: BTreeMap<(u64, u32), Mouth>,
    failed: Vec<(u64, String)>,
    skipped: Vec<(u64, String)>,
    text: String,
    _scratch: TempDir,
}

/// The stage, with the networks of default settings, which are opened once.
pub fn stage(settings: &SyncSettings) -> SyncStage {
    static HOST: OnceLock<Host> = OnceLock::new();
    let host = HOST.get_or_init(|| host("sync", &SyncStage::needs(&SyncSettings::default())).unwrap());
    SyncStage::load(host, settings).unwrap()
}

impl Footage {
    /// One face that says `said` while `heard` is heard, or nothing at all.
    pub fn talking(said: &[f32], heard: Option<Vec<f32>>) -> Self {
        let frames = (said.len() as u64 * RATE as u64).div_ceil(u64::from(SOUND));
        let pictures: Vec<Picture> = openings(said, frames, RATE).into_iter().map(|o| face().paint(o)).collect();
        let faces = vec![vec![detected()]; pictures.len()];
        Self::new(pictures, faces, heard)
    }

    /// Pictures of one size.
    pub fn new(pictures: Vec<Picture>, faces: Vec<Vec<Face>>, sound: Option<Vec<f32>>) -> Self {
        let item = Item {
            name: "scenes/0042_talk.mp4".to_owned(),
            kind: ItemKind::Video.into(),
            width: pictures[0].width,
            height: pictures[0].height,
            frame_rate: Some(Rational { num: RATE, den: 1 }),
            has_audio: sound.is_some(),
            ..Item::default()
        };
        Self { item, pictures, faces, sound, file: None, scoped: Vec::new(), batch: 32 }
    }

    /// The same with another sound.
    pub fn heard(&self, sound: Option<Vec<f32>>) -> Self {
        Self {
            item: self.item.clone(),
            pictures: Vec::new(),
            faces: Vec::new(),
            sound,
            file: None,
            scoped: self.scoped.clone(),
            batch: self.batch,
        }
    }

    /// A shot of these frames.
    pub fn shot(mut self, number: u32, start: u64, end: u64) -> Self {
        let value = Value::Shot(Shot { number, ..Shot::default() });
        self.scoped.push(self.on_range(FrameRange { start, end }, number, value));
        self
    }

    /// A face as face clustering followed it; where none is said, the faces of one number are one.
    pub fn face_track(mut self, number: u32, faces: &[(u64, u32)]) -> Self {
        self.scoped.push(self.followed(number, faces));
        self
    }

    fn followed(&self, number: u32, faces: &[(u64, u32)]) -> ScopedAnnotation {
        let (frames, instances): (Vec<u64>, Vec<u32>) = faces.iter().copied().unzip();
        let range = FrameRange { start: frames[0], end: frames[frames.len() - 1] + 1 };
        self.on_range(range, number, Value::FaceTrack(FaceTrack { number, frames, instances, ..FaceTrack::default() }))
    }

    /// What other steps' finish halves tell of what process made.
    fn told(&self, records: &Kept) -> Vec<ScopedAnnotation> {
        let mut told = self.scoped.clone();
        let is_track = |of: &ScopedAnnotation| {
            matches!(of.annotation.as_ref().and_then(|made| made.value.as_ref()), Some(Value::FaceTrack(_)))
        };
        if told.iter().any(is_track) {
            return told;
        }
        let mut faces: BTreeMap<u32, Vec<(u64, u32)>> = BTreeMap::new();
        for record in &records.records {
            for annotation in &record.annotations {
                faces.entry(annotation.instance).or_default().push((record.frame, annotation.instance));
            }
        }
        told.extend(faces.iter().map(|(number, faces)| self.followed(*number, faces)));
        told
    }

    fn on_range(&self, range: FrameRange, instance: u32, value: Value) -> ScopedAnnotation {
        ScopedAnnotation {
            item: self.item.name.clone(),
            range: Some(range),
            annotation: Some(Annotation { instance, value: Some(value) }),
        }
    }

    /// Runs both halves.
    pub fn run(&self, settings: &SyncSettings) -> Results {
        let stage = stage(settings);
        self.finish(&stage, &self.process(&stage))
    }

    /// Runs the first half.
    pub fn process(&self, stage: &SyncStage) -> Processed {
        let scratch = tempfile::tempdir().unwrap();
        let mut made = Processed {
            records: Kept::default(),
            mouths: BTreeMap::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            text: String::new(),
            _scratch: scratch,
        };
        let job = self.job(made._scratch.path());
        for start in (0..self.pictures.len() as u64).step_by(self.batch as usize) {
            let folder = made._scratch.path().join(start.to_string());
            std::fs::create_dir(&folder).unwrap();
            let mut out = Outputs::new(&folder);
            stage.process(&job, &self.batch_at(start), &mut out).unwrap();
            self.collect(start, out, &mut made);
        }
        made
    }

    /// What process would make of mouths that are open by so much (openings 0..1 by frame, one list per face).
    pub fn with_mouths(&self, openings: &[Vec<f64>]) -> Processed {
        let mut made = Processed {
            records: Kept::default(),
            mouths: BTreeMap::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            text: String::new(),
            _scratch: tempfile::tempdir().unwrap(),
        };
        for frame in 0..openings[0].len() as u64 {
            let mouth = |(instance, openings): (u32, &Vec<f64>)| {
                let x = 200.0 * instance as f32;
                let mouth = Mouth {
                    face: instance,
                    face_box: vec![x, 0.0, x + 100.0, 100.0],
                    // The network is off by a little, and never by the same.
                    aperture: (0.13 + 0.4 * openings[frame as usize] + 0.02 * (frame as f64 * 1.7).sin()) as f32,
                    confidence: 1.0,
                    ..Mouth::default()
                };
                Annotation { instance, value: Some(Value::Mouth(mouth)) }
            };
            let annotations = (0..).zip(openings).map(mouth).collect();
            let item = self.item.name.clone();
            let record = Record { item, frame, pts_ns: pts_ns(frame), outcome: Outcome::Result, annotations };
            made.records.records.push(record);
        }
        made
    }

    /// Runs the second half.
    pub fn finish(&self, stage: &SyncStage, processed: &Processed) -> Results {
        let scratch = tempfile::tempdir().unwrap();
        let mut out = Outputs::new(scratch.path());
        let job = Job { scoped: self.told(&processed.records), ..self.job(scratch.path()) };
        stage.finish(&job, &processed.records, &mut out).unwrap();
        let made = out.into_made();
        let mut results = Results {
            mouths: processed.mouths.clone(),
            failed: processed.failed.clone(),
            skipped: processed.skipped.clone(),
            statistics: serde_json::from_str(&made.annotations.statistics).unwrap(),
            all: format!("{}{:?}{}", processed.text, made.annotations.scoped, made.annotations.statistics),
            ..Results::default()
        };
        for scoped in made.annotations.scoped {
            match scoped.annotation.unwrap().value.unwrap() {
                Value::AvOffset(offset) => results.offsets.push((scoped.range, offset)),
                Value::Speaking(speaking) => results.speaking.push((scoped.range.unwrap(), speaking)),
                other => panic!("finish made {other:?}"),
            }
        }
        for amendment in made.annotations.amendments {
            let fields: serde_json::Value = serde_json::from_str(&amendment.json).unwrap();
            let told = (fields["track"].as_u64().unwrap(), fields["speaking"].as_bool());
            results.amended.insert((amendment.frame, amendment.instance), told);
        }
        results
    }

    /// The batch that begins at a frame, with the halo that a network wants.
    fn batch_at(&self, start: u64) -> Batch {
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let window = FrameRange { start: start.saturating_sub(6), end: (end + 6).min(self.pictures.len() as u64) };
        let times = (window.start..window.end).map(pts_ns).collect();
        let mut batch = Batch::new(self.item.clone(), FrameRange { start, end }, window, (start..end).collect(), times);
        for number in window.start..window.end {
            batch.insert_frame(Rendition::Proxy, self.frame(number));
            for (instance, face) in (0..).zip(&self.faces[number as usize]) {
                batch.insert_annotation(
                    "faces",
                    number,
                    Annotation { instance, value: Some(Value::Face(face.clone())) },
                );
            }
        }
        batch
    }

    /// A frame as a proxy.
    fn frame(&self, number: u64) -> Frame {
        let picture = &self.pictures[number as usize];
        let image = Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap();
        Frame { number, pts_ns: pts_ns(number), image }
    }

    fn job(&self, scratch: &std::path::Path) -> Job {
        let location = self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        Job {
            step: "sync".to_owned(),
            items: vec![Item { location, ..self.item.clone() }],
            seed: 7,
            scoped: self.scoped.clone(),
            edits: Vec::new(),
            audio: match self.file {
                Some(_) => Arc::new(FromFile),
                None => Arc::new(Heard(self.sound.clone())),
            },
            scratch: scratch.to_owned(),
        }
    }

    /// Takes over what one task made.
    fn collect(&self, start: u64, out: Outputs, processed: &mut Processed) {
        let made = out.into_made();
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let mut by_frame: BTreeMap<u64, (Outcome, Vec<Annotation>)> =
            (start..end).map(|frame| (frame, (Outcome::Result, Vec::new()))).collect();
        for frame in made.annotations.frames {
            for annotation in &frame.annotations {
                let Some(Value::Mouth(mouth)) = &annotation.value else { panic!("process made {annotation:?}") };
                processed.mouths.insert((frame.frame, annotation.instance), mouth.clone());
                processed.text += &format!("{} {annotation:?}\n", frame.frame);
            }
            by_frame.get_mut(&frame.frame).unwrap().1 = frame.annotations;
        }
        for failure in made.outcomes.failed {
            processed.failed.push((failure.frame, failure.code.clone()));
            let outcome = Outcome::Failed { code: failure.code, reason: failure.reason };
            by_frame.get_mut(&failure.frame).unwrap().0 = outcome;
        }
        for skip in made.outcomes.skipped {
            let frame = skip.range.unwrap().start;
            processed.skipped.push((frame, skip.rule.clone()));
            by_frame.get_mut(&frame).unwrap().0 = Outcome::Skipped { rule: skip.rule };
        }
        for (frame, (outcome, annotations)) in by_frame {
            let item = self.item.name.clone();
            processed.records.records.push(Record { item, frame, pts_ns: pts_ns(frame), outcome, annotations });
        }
        for attachment in made.attachments {
            let (name, path) = (attachment.name().to_owned(), attachment.path().to_owned());
            processed.records.attachments.push((self.item.name.clone(), name, path));
        }
    }
}

/// Presentation time of a frame.
pub fn pts_ns(number: u64) -> i64 {
    number as i64 * 1_000_000_000 / RATE
}

/// Records in memory.
#[derive(Default)]
struct Kept {
    records: Vec<Record>,
    attachments: Vec<(String, String, PathBuf)>,
}

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(self.attachments.iter().filter(|(_, name, _)| name.starts_with(prefix)).cloned().collect())
    }
}

/// Sound of the item's file.
struct FromFile;

impl AudioSource for FromFile {
    fn read(&self, item: &Item, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        let samples = framefleet_media::audio::audio(item, range_ns, rate).map_err(|error| error.to_string())?;
        Ok(samples.map(|samples| Audio { rate, samples }))
    }
}

/// Sound in memory, which begins with the first frame.
struct Heard(Option<Vec<f32>>);

impl AudioSource for Heard {
    fn read(&self, _: &Item, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        assert_eq!(rate, SOUND);
        let Some(sound) = &self.0 else { return Ok(None) };
        let sample = |ns: i64| (i128::from(ns) * i128::from(rate)).div_euclid(1_000_000_000) as i64;
        let at = |n: i64| usize::try_from(n).ok().and_then(|n| sound.get(n)).copied().unwrap_or(0.0);
        let samples = (sample(range_ns.start)..sample(range_ns.end)).map(at).collect();
        Ok(Some(Audio { rate, samples }))
    }
}
