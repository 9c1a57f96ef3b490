//! How a frame differs from the one before, as far as shots are concerned.
use crate::prepare::Prepared;
use framefleet_frames::FrameChange;
use opencv::imgproc;
use opencv::prelude::*;

/// OpenCV's 8-bit hue has 180 steps around the circle.
const HUE_STEPS: u8 = 180;

/// Differences of `current` to `previous`; without one, or when it has another size, only what the frame says alone.
pub fn change(previous: Option<&Prepared>, current: &Prepared) -> opencv::Result<FrameChange> {
    let alone = FrameChange { luma: current.luma as f32, ..FrameChange::default() };
    let Some(previous) = previous.filter(|previous| same_size(&previous.small, &current.small)) else {
        return Ok(alone);
    };
    let [hue, saturation, value] = differences(previous.small.data_bytes()?, current.small.data_bytes()?);
    let distance = imgproc::compare_hist(&previous.histogram, &current.histogram, imgproc::HISTCMP_BHATTACHARYYA)?;
    Ok(FrameChange {
        hue: Some(hue as f32),
        saturation: Some(saturation as f32),
        value: Some(value as f32),
        content: Some(((hue + saturation + value) / 3.0) as f32),
        histogram: Some(distance as f32),
        ..alone
    })
}

/// Whether two pictures can be compared pixel by pixel.
pub fn same_size(a: &Mat, b: &Mat) -> bool {
    a.rows() == b.rows() && a.cols() == b.cols()
}

/// Mean absolute difference per channel of two HSV pictures.
fn differences(a: &[u8], b: &[u8]) -> [f64; 3] {
    let mut sums = [0_u64; 3];
    for (p, q) in a.chunks_exact(3).zip(b.chunks_exact(3)) {
        let hue = p[0].abs_diff(q[0]);
        sums[0] += u64::from(hue.min(HUE_STEPS - hue.min(HUE_STEPS)));
        sums[1] += u64::from(p[1].abs_diff(q[1]));
        sums[2] += u64::from(p[2].abs_diff(q[2]));
    }
    let pixels = (a.len() / 3).max(1) as f64;
    sums.map(|sum| sum as f64 / pixels)
}
