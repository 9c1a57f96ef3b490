//! Colours continued from the edge of what is known.
use crate::patch::Patch;
use opencv::core::{Mat, Vec3b};
use opencv::photo;
use opencv::prelude::*;

/// How far each pixel looks, pixels.
const RADIUS: f64 = 3.0;

/// Fills what is unknown by fast marching (Telea 2004). Nothing happens when nothing is known.
pub fn fill(patch: &mut Patch) -> opencv::Result<()> {
    if !patch.has_unknown() || patch.unknown.iter().all(|unknown| *unknown) {
        return Ok(());
    }
    let mask = patch.unknown_mask()?;
    if patch.channels == 3 && patch.white == 255.0 {
        fill_colours(patch, &mask)?;
    } else {
        for channel in 0..patch.channels {
            fill_plane(patch, channel, &mask)?;
        }
    }
    patch.unknown.fill(false);
    Ok(())
}

/// Three channels of 8 bits together.
fn fill_colours(patch: &mut Patch, mask: &Mat) -> opencv::Result<()> {
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let bytes: Vec<Vec3b> =
        patch.values.chunks_exact(3).map(|rgb| Vec3b::from([byte(rgb[0]), byte(rgb[1]), byte(rgb[2])])).collect();
    let picture = Mat::new_rows_cols_with_data(patch.area.height, patch.area.width, &bytes)?;
    let mut filled = Mat::default();
    photo::inpaint(&picture, mask, &mut filled, RADIUS, photo::INPAINT_TELEA)?;
    let filled = filled.data_typed::<Vec3b>()?;
    for at in (0..filled.len()).filter(|at| patch.unknown[*at]).collect::<Vec<_>>() {
        patch.set(at, &[f32::from(filled[at][0]), f32::from(filled[at][1]), f32::from(filled[at][2])]);
    }
    Ok(())
}

/// One channel of any depth.
fn fill_plane(patch: &mut Patch, channel: usize, mask: &Mat) -> opencv::Result<()> {
    let mut filled = Mat::default();
    photo::inpaint(&patch.plane(channel)?, mask, &mut filled, RADIUS, photo::INPAINT_TELEA)?;
    for (at, value) in filled.data_typed::<f32>()?.iter().enumerate() {
        if patch.unknown[at] {
            patch.values[at * patch.channels + channel] = value.clamp(0.0, patch.white);
        }
    }
    Ok(())
}
