//! A second look at faces that the detector is not sure of.
//!
//! Hands, blurs and backs of heads are found once in a while at some place and size; what is a face is found again when it is cut
//! out, turned upright and mirrored. And of a face that lies on its side or upside down the detector gives the landmarks of
//! an upright one: the turn in which it is found best has the right ones (docs/quality.md has the numbers).
use super::{Detection, Detector, SIDE};
use framefleet_perception::PerceptionError;
use framefleet_vision::VisionError;
use framefleet_vision::alignment::Similarity;
use opencv::core::{self, BORDER_REPLICATE, CV_8UC3, Mat, Rect, Scalar};
use opencv::prelude::*;

/// Faces of this score or more are sure at once.
const SURE: f32 = 0.9;
/// Turns that are tried, each also mirrored: with 8 and cells of 160 pixels all of them fill the model's square.
const TURNS: usize = 8;
/// Cells along each side of the square.
const CELLS: i32 = 4;
/// Side of a cell, pixels.
const CELL: i32 = SIDE as i32 / CELLS;
/// Side of what a cell shows, in longer sides of the face's box.
const SHOWN: f32 = 2.0;
/// What is found in a cell counts from this score on.
const MIN_SCORE: f32 = 0.2;
/// How far from its cell's middle a face may lie, in sides of the cell.
const OFF_CENTRE: f32 = 0.25;
/// A turn has to be better than upright by this much.
const BETTER: f32 = 0.02;

impl Detector {
    /// Looks again at the faces of images that are not sure: cut out, in eight turns, and each mirrored. Such a face gets the lower
    /// score of both in the turn in which that is highest, and the landmarks of that turn; 0 where it is not found again.
    pub(super) fn looks_twice(
        &self,
        images: &[&impl MatTraitConst],
        found: &mut [Vec<Detection>],
    ) -> Result<(), PerceptionError> {
        let faces = found.iter_mut().enumerate();
        let faces = faces.flat_map(|(image, faces)| faces.iter_mut().map(move |face| (image, face)));
        let mut unsure: Vec<(usize, &mut Detection)> = faces.filter(|(_, face)| face.score < SURE).collect();
        let seen = self.run(unsure.len(), MIN_SCORE, |item| Ok(square(images[unsure[item].0], unsure[item].1)?))?;
        for ((_, face), seen) in unsure.iter_mut().zip(&seen) {
            confirm(face, seen);
        }
        Ok(())
    }
}

/// A face in eight turns, each also mirrored.
fn square(image: &impl MatTraitConst, face: &Detection) -> Result<Mat, VisionError> {
    let picture = Mat::roi(image, Rect::new(0, 0, image.cols(), image.rows()))?;
    let mut square = Mat::new_rows_cols_with_default(SIDE as i32, SIDE as i32, CV_8UC3, Scalar::default())?;
    for turn in 0..TURNS {
        let size = (CELL as u32, CELL as u32);
        let upright = cell(face, turn).warp(&picture, size, BORDER_REPLICATE, Scalar::default())?;
        let mut mirrored = Mat::default();
        core::flip(&upright, &mut mirrored, 1)?;
        upright.copy_to(&mut square.roi_mut(place(2 * turn))?)?;
        mirrored.copy_to(&mut square.roi_mut(place(2 * turn + 1))?)?;
    }
    Ok(square)
}

/// What became of a face in its square.
fn confirm(face: &mut Detection, seen: &[Detection]) {
    let both: Vec<Option<(f32, &Detection)>> = (0..TURNS)
        .map(|turn| {
            let (upright, mirrored) = (best_in(seen, 2 * turn)?, best_in(seen, 2 * turn + 1)?);
            Some((upright.score.min(mirrored.score), upright))
        })
        .collect();
    let upright = both[0].map_or(0.0, |(score, _)| score);
    let candidates = both.iter().enumerate().filter_map(|(turn, found)| found.map(|(score, of)| (turn, score, of)));
    let best = candidates.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    face.confirmed = best.map_or(0.0, |(_, score, _)| score);
    if let Some((turn, score, of)) = best.filter(|(turn, score, _)| *turn == 0 || *score > upright + BETTER)
        && let Some(back) = cell(face, turn).inverse()
    {
        let corner = place(2 * turn).tl();
        face.landmarks = of.landmarks.map(|[x, y]| back.apply([x - corner.x as f32, y - corner.y as f32]));
        face.confirmed = score;
    }
}

/// Brings a face into a cell, turned back by so many eighths.
fn cell(face: &Detection, turn: usize) -> Similarity {
    let [x0, y0, x1, y1] = face.bbox.map(f64::from);
    let (cx, cy) = ((x0 + x1) / 2.0, (y0 + y1) / 2.0);
    let scale = f64::from(CELL) / ((x1 - x0).max(y1 - y0).max(1.0) * f64::from(SHOWN));
    let angle = -(turn as f64) * std::f64::consts::TAU / TURNS as f64;
    let (a, b) = (scale * angle.cos(), scale * angle.sin());
    let middle = f64::from(CELL) / 2.0;
    Similarity { a, b, tx: middle - a * cx + b * cy, ty: middle - b * cx - a * cy }
}

/// Where a cell lies in the square.
fn place(cell: usize) -> Rect {
    let cell = cell as i32;
    Rect::new(cell % CELLS * CELL, cell / CELLS * CELL, CELL, CELL)
}

/// The best face in the middle of a cell.
fn best_in(found: &[Detection], cell: usize) -> Option<&Detection> {
    let place = place(cell);
    let middle = |face: &&Detection| {
        let [x0, y0, x1, y1] = face.bbox;
        let (x, y) = ((x0 + x1) / 2.0 - place.x as f32, (y0 + y1) / 2.0 - place.y as f32);
        let half = CELL as f32 / 2.0;
        (x - half).hypot(y - half) <= OFF_CENTRE * CELL as f32
    };
    found.iter().filter(middle).max_by(|a, b| a.score.total_cmp(&b.score))
}
