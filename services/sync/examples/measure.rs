//! How accurate and how fast the stage is, on a photographed face whose mouth follows speech: the tables of docs/quality.md and
//! docs/performance.md. `cargo run --release -p sync --example measure`
use framefleet_infer::Networks;
use framefleet_media::annotation::Value;
use framefleet_media::{
    Annotation, AvOffset, Face, Frame, FrameRange, Image, Item, ItemKind, PixelFormat, Rational, Rendition,
};
use framefleet_media::{Outcome, SyncState};
use framefleet_stage::{Audio, AudioSource, Batch, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::{Picture, TalkingFace, decode_rgb8, loudness, sample, speech};
use framefleet_testkit_models::host;
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use sync::{SyncSettings, SyncStage};

const SOUND: u32 = 16_000;
const RATE: i64 = 25;
const BATCH: usize = 32;
const TEXT: &str = "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow. The rainbow is a division \
    of white light into many beautiful colours. These take the shape of a long round arch, with its path high above.";
const FACE: [f32; 4] = [78.0, 42.6, 168.4, 156.4];
const LANDMARKS: [f32; 10] = [100.1, 81.8, 147.2, 82.6, 120.3, 104.7, 98.9, 123.2, 139.8, 123.9];

type Outcomes<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcomes<()> {
    opencv::core::set_num_threads(1)?;
    let settings = SyncSettings::default();
    let host = host("sync", &SyncStage::needs(&settings))?;
    let stage = SyncStage::load(&host, &settings)?;
    let said = speech(TEXT, "en", SOUND)?;
    let noise = noise(said.len() + 2 * SOUND as usize);

    println!("| clip | offsets measured | mean error | largest error |\n|---|---|---|---|");
    let plain = Performance { movement: 1.0, jitter_ms: 0, halved: false };
    let frames = pictures(&said, plain)?;
    let full = mouths(&stage, &frames)?;
    row("face of 90 pixels", &stage, &full, &said, &noise, None)?;
    let others = [
        ("face of 45 pixels", Performance { halved: true, ..plain }),
        ("mouth moves half as much", Performance { movement: 0.5, ..plain }),
        ("mouth moves a quarter as much", Performance { movement: 0.25, ..plain }),
        ("mouth up to 40 ms early or late from frame to frame", Performance { jitter_ms: 40, ..plain }),
    ];
    for (name, performance) in others {
        row(name, &stage, &mouths(&stage, &pictures(&said, performance)?)?, &said, &noise, None)?;
    }
    for decibels in [10.0, 0.0] {
        row(&format!("noise, {decibels} dB below the speech"), &stage, &full, &said, &noise, Some(decibels))?;
    }

    let networks = host.get::<Networks>().ok_or("no networks")?;
    let session = networks.open("face-mesh")?;
    let (mut own, mut bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let began = Instant::now();
        mouths(&stage, &frames)?;
        own = own.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        session.run_batches::<framefleet_infer::InferError>(frames.len(), &[], |_, _| Ok(()), |_, _| Ok(()))?;
        bare = bare.min(began.elapsed().as_secs_f64());
    }
    let began = Instant::now();
    finish(&stage, &full, &said)?;
    let finished = began.elapsed().as_secs_f64();
    let rate = |seconds: f64| frames.len() as f64 / seconds;
    println!("\n| what | measured | bare, in the same run | ratio |\n|---|---|---|---|");
    println!(
        "| process, one face a frame | {:.0} frames/s | {:.0} faces/s | {:.2} |",
        rate(own),
        rate(bare),
        bare / own
    );
    println!(
        "| finish (voice activity, correlation) | {:.0} × real time | – | – |",
        said.len() as f64 / f64::from(SOUND) / finished
    );
    Ok(())
}

/// How a face says something.
#[derive(Clone, Copy)]
struct Performance {
    /// Of the mouth's movement.
    movement: f64,
    /// By how much the mouth is early or late, most.
    jitter_ms: i64,
    /// Whether pictures are of half the size.
    halved: bool,
}

/// Pictures of a face that says something.
fn pictures(said: &[f32], how: Performance) -> Outcomes<Vec<Picture>> {
    let photograph = decode_rgb8(&sample("astronaut.png")?)?.into_iter().next().ok_or("no picture")?;
    let picture = Picture::from_fn(240, 240, |x, y| photograph.get(100 + x, 20 + y));
    let face = TalkingFace { picture, corners: [[102.4, 118.2], [146.0, 119.5]], sag: 6.9 };
    let frames = said.len() as i64 * RATE / i64::from(SOUND);
    // A sequence that looks random and is the same everywhere.
    let off = |n: i64| ((n * 7919) % (2 * how.jitter_ms + 1) - how.jitter_ms) as f64 / 1000.0;
    let levels = loudness(said, SOUND, (0..frames).map(|n| n as f64 / RATE as f64 + off(n)));
    let painted = levels.into_iter().map(|level| face.paint(how.movement * level.powf(0.7)));
    Ok(painted.map(|picture| if how.halved { halved(&picture) } else { picture }).collect())
}

fn halved(picture: &Picture) -> Picture {
    Picture::from_fn(picture.width / 2, picture.height / 2, |x, y| {
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| picture.get(2 * x + i, 2 * y + j));
        [0, 1, 2].map(|channel| (corners.iter().map(|pixel| u32::from(pixel[channel])).sum::<u32>() / 4) as u8)
    })
}

/// White noise, −1..1.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..samples).map(|_| next()).collect()
}

/// One row of the table: every offset from −10 to +10 frames.
fn row(name: &str, stage: &SyncStage, mouths: &Kept, said: &[f32], noise: &[f32], below: Option<f64>) -> Outcomes<()> {
    let power = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let gain = below.map_or(0.0, |decibels| (power(said) / power(noise) / 10f64.powf(decibels / 10.0)).sqrt());
    let mut errors = Vec::new();
    for frames in -10..=10_i64 {
        let ahead = frames * i64::from(SOUND) / RATE;
        let at = |n: i64| usize::try_from(n + ahead).ok().and_then(|n| said.get(n)).copied().unwrap_or(0.0);
        let sound: Vec<f32> =
            (0..said.len() as i64 + i64::from(SOUND)).map(|n| at(n) + gain as f32 * noise[n as usize]).collect();
        let offset = finish(stage, mouths, &sound)?;
        if offset.state() == SyncState::Measured {
            errors.push((f64::from(offset.offset_ms.unwrap_or_default()) - 40.0 * frames as f64).abs());
        }
    }
    if errors.is_empty() {
        println!("| {name} | none of 21 | – | – |");
        return Ok(());
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let most = errors.iter().copied().fold(0.0, f64::max);
    println!("| {name} | {} of 21 | {mean:.1} ms | {most:.1} ms |", errors.len());
    Ok(())
}

fn item(picture: &Picture) -> Item {
    Item {
        name: "talk.mp4".to_owned(),
        kind: ItemKind::Video.into(),
        width: picture.width,
        height: picture.height,
        frame_rate: Some(Rational { num: RATE, den: 1 }),
        ..Item::default()
    }
}

fn job(item: &Item, sound: &[f32], scratch: &Path) -> Job {
    Job {
        step: "sync".to_owned(),
        items: vec![item.clone()],
        seed: 0,
        scoped: Vec::new(),
        edits: Vec::new(),
        audio: Arc::new(Heard(sound.to_vec())),
        scratch: scratch.to_owned(),
    }
}

/// The process half over all pictures.
fn mouths(stage: &SyncStage, pictures: &[Picture]) -> Outcomes<Kept> {
    let item = item(&pictures[0]);
    let scale = pictures[0].width as f32 / 240.0;
    let face = Face {
        r#box: FACE.map(|v| v * scale).to_vec(),
        landmarks: LANDMARKS.map(|v| v * scale).to_vec(),
        ..Face::default()
    };
    let scratch = tempfile::tempdir()?;
    let mut records = Vec::new();
    for (number, part) in pictures.chunks(BATCH).enumerate() {
        let start = (number * BATCH) as u64;
        let range = FrameRange { start, end: start + part.len() as u64 };
        let frames: Vec<u64> = (range.start..range.end).collect();
        let times = frames.iter().map(|frame| pts_ns(*frame)).collect();
        let mut batch = Batch::new(item.clone(), range, range, frames, times);
        for (number, picture) in (start..).zip(part) {
            let image = Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone())?;
            batch.insert_frame(Rendition::Proxy, Frame { number, pts_ns: pts_ns(number), image });
            batch.insert_annotation(
                "faces",
                number,
                Annotation { instance: 0, value: Some(Value::Face(face.clone())) },
            );
        }
        let mut out = Outputs::new(scratch.path());
        stage.process(&job(&item, &[], scratch.path()), &batch, &mut out)?;
        records.extend(out.into_made().annotations.frames.into_iter().map(|frame| Record {
            item: item.name.clone(),
            frame: frame.frame,
            pts_ns: pts_ns(frame.frame),
            outcome: Outcome::Result,
            annotations: frame.annotations,
        }));
    }
    Ok(Kept { item, records })
}

/// The finish half with some sound.
fn finish(stage: &SyncStage, mouths: &Kept, sound: &[f32]) -> Outcomes<AvOffset> {
    let scratch = tempfile::tempdir()?;
    let mut out = Outputs::new(scratch.path());
    stage.finish(&job(&mouths.item, sound, scratch.path()), mouths, &mut out)?;
    let offsets = out.into_made().annotations.scoped.into_iter().find_map(|scoped| match scoped.annotation?.value? {
        Value::AvOffset(offset) => Some(offset),
        _ => None,
    });
    offsets.ok_or_else(|| "no offset was published".into())
}

fn pts_ns(frame: u64) -> i64 {
    frame as i64 * 1_000_000_000 / RATE
}

/// What process made.
struct Kept {
    item: Item,
    records: Vec<Record>,
}

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, _: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(Vec::new())
    }
}

/// Sound in memory.
struct Heard(Vec<f32>);

impl AudioSource for Heard {
    fn read(&self, _: &Item, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        let sample = |ns: i64| ns * i64::from(rate) / 1_000_000_000;
        let at = |n: i64| usize::try_from(n).ok().and_then(|n| self.0.get(n)).copied().unwrap_or(0.0);
        Ok(Some(Audio { rate, samples: (sample(range_ns.start)..sample(range_ns.end)).map(at).collect() }))
    }
}
