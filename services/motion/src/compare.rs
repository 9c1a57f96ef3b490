//! What a frame's comparison with its predecessor says, as it is published.
use crate::camera::{self, Fit};
use crate::direction::{Directions, compass};
use crate::field::{self, DenseFlow, Sample, Scale};
use crate::magnitude::{GRID, grid, hotspots, magnitudes, motion_type, share_above};
use crate::prepare::Prepared;
use crate::settings::MotionSettings;
use crate::tracking::{self, Tracks};
use framefleet_frames::{Motion, MotionObjects, MotionType};
use opencv::core::Mat;

/// The full frame and the time since the previous one.
#[derive(Clone, Copy, Debug)]
pub struct Footage {
    /// Width of the full frame, pixels.
    pub width: f64,
    /// Height of the full frame, pixels.
    pub height: f64,
    /// From the previous frame to this one, seconds; above 0.
    pub seconds: f64,
}

/// A comparison.
pub struct Comparison {
    /// What is published, but for `change`.
    pub motion: Motion,
    /// Dense flow in pixels of the analysed frame, when the method makes one.
    pub flow: Option<Mat>,
    /// Corners of the previous frame found in this one, pixels of the full frame.
    pub links: Vec<Sample>,
}

/// Compares two frames of one size by dense flow and by tracked corners.
pub fn compare(
    dense: &mut DenseFlow,
    previous: &Prepared,
    current: &Prepared,
    footage: Footage,
    scale: Scale,
    settings: &MotionSettings,
) -> opencv::Result<Comparison> {
    let flow = dense.measure(previous, current)?;
    let tracks = tracking::track(previous, current, settings.corners, scale)?;
    let samples = match &flow {
        Some(flow) => field::samples(flow, scale)?,
        None => tracks.links.clone(),
    };
    let tolerance = settings.ransac_pixels * scale.x;
    let fit = camera::fit(&tracks.links, (footage.width, footage.height), tolerance)?;
    let motion = describe(&samples, &tracks, fit.as_ref(), footage, settings);
    Ok(Comparison { motion, flow, links: tracks.links })
}

/// What is published of a comparison.
fn describe(
    samples: &[Sample],
    tracks: &Tracks,
    fit: Option<&Fit>,
    footage: Footage,
    settings: &MotionSettings,
) -> Motion {
    let lengths: Vec<f64> = samples.iter().map(Sample::length).collect();
    let all = magnitudes(&lengths);
    let percent = 100.0 / footage.width;
    let density = share_above(&lengths, settings.moving_percent / percent);
    let directions = directions(samples);
    let concentration = directions.concentration().unwrap_or_default();
    let kind = motion_type(all.mean * percent, all.std * percent, density, concentration);
    let cells = grid(samples, &lengths, footage.width, footage.height);
    let mut motion = Motion {
        compared: true,
        motion_type: kind.into(),
        magnitude_mean: some(all.mean),
        magnitude_median: some(all.median),
        magnitude_p95: some(all.p95),
        magnitude_std: some(all.std),
        magnitude_max: some(all.max),
        magnitude_percent: some(all.mean * percent),
        magnitude_px_per_second: some(all.mean / footage.seconds),
        magnitude_percent_per_second: some(all.mean * percent / footage.seconds),
        density: some(density),
        grid: floats(&cells),
        hotspots: hotspots(&cells, 0.0),
        confidence: tracks.confidence().map(|share| share as f32),
        camera: fit.map(|fit| camera::published(fit, footage.width, footage.seconds, settings)),
        objects: fit.map(|fit| objects(samples, fit, footage, settings)),
        ..Motion::default()
    };
    // The direction of next to nothing is noise.
    if kind != MotionType::Static {
        add_directions(&mut motion, &directions);
    }
    motion
}

/// Directions of the vectors.
fn directions(samples: &[Sample]) -> Directions {
    let mut directions = Directions::default();
    for sample in samples {
        directions.add_vector(sample.dx, sample.dy);
    }
    directions
}

/// Fills in what the directions of the vectors say.
fn add_directions(motion: &mut Motion, directions: &Directions) {
    let mean = directions.mean();
    motion.direction = mean.map(|degrees| degrees as f32);
    motion.compass = mean.map(compass).unwrap_or_default().into();
    motion.direction_concentration = directions.concentration().map(|r| r as f32);
    motion.direction_std = directions.deviation().map(|degrees| degrees as f32);
    motion.direction_histogram = floats(&directions.histogram());
}

/// What is left of the flow when the camera's share is taken away.
fn objects(samples: &[Sample], fit: &Fit, footage: Footage, settings: &MotionSettings) -> MotionObjects {
    let residual = |sample: &Sample| {
        let (dx, dy) = fit.camera.displacement(sample.x, sample.y);
        Sample { dx: sample.dx - dx, dy: sample.dy - dy, ..*sample }.length()
    };
    let lengths: Vec<f64> = samples.iter().map(residual).collect();
    let all = magnitudes(&lengths);
    let moving = settings.moving_percent / 100.0 * footage.width;
    let cells: [f64; GRID * GRID] = grid(samples, &lengths, footage.width, footage.height);
    MotionObjects {
        magnitude_mean: all.mean as f32,
        magnitude_p95: all.p95 as f32,
        density: share_above(&lengths, moving) as f32,
        grid: floats(&cells),
        hotspots: hotspots(&cells, moving),
    }
}

/// A number as the wire has it.
fn some(value: f64) -> Option<f32> {
    Some(value as f32)
}

/// Numbers as the wire has them.
fn floats(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
