//! How accurate and how fast the stage is, on a photographed face whose mouth follows speech: the tables of docs/quality.md and
//! docs/performance.md. `cargo run --release -p sync --example sync-measures`
use framefleet_frames::annotation::Value;
use framefleet_frames::{AvOffset, Face, SyncState};
use framefleet_infer::StepModels;
use framefleet_stage::Stage;
use framefleet_testkit::{Picture, TalkingFace, decode_rgb8, loudness, sample, speech};
use framefleet_testkit_models::host;
use framefleet_testkit_stage::{Film, Found, Heard, Kept, RATE, Step, only, rgb8};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use sync::{SyncSettings, SyncStage};

const SOUND: u32 = 16_000;
const TEXT: &str = "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow. The rainbow is a division \
    of white light into many beautiful colours. These take the shape of a long round arch, with its path high above.";
const FACE: [f32; 4] = [78.0, 42.6, 168.4, 156.4];
const LANDMARKS: [f32; 10] = [100.1, 81.8, 147.2, 82.6, 120.3, 104.7, 98.9, 123.2, 139.8, 123.9];

type Outcomes<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcomes<()> {
    opencv::core::set_num_threads(1)?;
    let settings = SyncSettings::default();
    let host = host("sync", &SyncStage::needs(&settings))?;
    let step = Step::<SyncStage>::load(&host, &settings)?;
    let said = speech(TEXT, "en", SOUND)?;
    let noise = noise(said.len() + 2 * SOUND as usize);

    println!("| clip | offsets measured | mean error | largest error |\n|---|---|---|---|");
    let plain = Performance { movement: 1.0, jitter_ms: 0, halved: false };
    let film = film(&pictures(&said, plain)?);
    let full = mouths(&step, &film)?;
    row("face of 90 pixels", &step, (&film, &full), &said, &noise, None)?;
    let others = [
        ("face of 45 pixels", Performance { halved: true, ..plain }),
        ("mouth moves half as much", Performance { movement: 0.5, ..plain }),
        ("mouth moves a quarter as much", Performance { movement: 0.25, ..plain }),
        ("mouth up to 40 ms early or late from frame to frame", Performance { jitter_ms: 40, ..plain }),
    ];
    for (name, performance) in others {
        let film = crate::film(&pictures(&said, performance)?);
        row(name, &step, (&film, &mouths(&step, &film)?), &said, &noise, None)?;
    }
    for decibels in [10.0, 0.0] {
        row(&format!("noise, {decibels} dB below the speech"), &step, (&film, &full), &said, &noise, Some(decibels))?;
    }

    let models = host.get::<StepModels>().ok_or("no models")?;
    let session = models.open("face-mesh")?;
    let (mut own, mut bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let began = Instant::now();
        mouths(&step, &film)?;
        own = own.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        session.run_batches::<framefleet_infer::InferError>(film.images.len(), &[], |_, _| Ok(()), |_, _| Ok(()))?;
        bare = bare.min(began.elapsed().as_secs_f64());
    }
    let began = Instant::now();
    finish(&step, &film, &full, &said)?;
    let finished = began.elapsed().as_secs_f64();
    let rate = |seconds: f64| film.images.len() as f64 / seconds;
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
    /// Whether images are of half the size.
    halved: bool,
}

/// Images of a face that says something.
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
fn row(
    name: &str,
    step: &Step<SyncStage>,
    (film, mouths): (&Film, &Kept),
    said: &[f32],
    noise: &[f32],
    below: Option<f64>,
) -> Outcomes<()> {
    let power = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let gain = below.map_or(0.0, |decibels| (power(said) / power(noise) / 10f64.powf(decibels / 10.0)).sqrt());
    let mut errors = Vec::new();
    for frames in -10..=10_i64 {
        let ahead = frames * i64::from(SOUND) / RATE;
        let at = |n: i64| usize::try_from(n + ahead).ok().and_then(|n| said.get(n)).copied().unwrap_or(0.0);
        let sound: Vec<f32> =
            (0..said.len() as i64 + i64::from(SOUND)).map(|n| at(n) + gain as f32 * noise[n as usize]).collect();
        let offset = finish(step, film, mouths, &sound)?;
        if offset.state() == SyncState::Measured {
            errors.push((f64::from(offset.offset_ms.unwrap_or_default()) - 40.0 * frames as f64).abs());
        }
    }
    if errors.is_empty() {
        println!("| {name} | none of 21 | – | – |");
        return Ok(());
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let max = errors.iter().copied().fold(0.0, f64::max);
    println!("| {name} | {} of 21 | {mean:.1} ms | {max:.1} ms |", errors.len());
    Ok(())
}

/// Images of a face, and what a detector makes of it.
fn film(pictures: &[Picture]) -> Film {
    let scale = pictures[0].width as f32 / 240.0;
    let face = Face {
        r#box: FACE.map(|v| v * scale).to_vec(),
        landmarks: LANDMARKS.map(|v| v * scale).to_vec(),
        ..Face::default()
    };
    let mut film = Film::new(pictures.iter().map(rgb8).collect());
    let faces = (0..film.images.len() as u64).map(|frame| (frame, vec![Value::Face(face.clone())]));
    film.found = vec![Found::new("faces", "face", faces)];
    film
}

/// What process makes of a film.
fn mouths(step: &Step<SyncStage>, film: &Film) -> Outcomes<Kept> {
    Ok(step.process(std::slice::from_ref(film))?.records)
}

/// The finish half with some sound.
fn finish(step: &Step<SyncStage>, film: &Film, mouths: &Kept, sound: &[f32]) -> Outcomes<AvOffset> {
    let audio = Arc::new(Heard { rate: SOUND, samples: sound.to_vec() });
    let offsets = step.finish(&[Film { audio, ..film.clone() }], mouths)?.each(only!(AvOffset));
    Ok(offsets.into_iter().next().ok_or("no offset was published")?.1)
}
