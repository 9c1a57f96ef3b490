//! Corners followed from one frame to the next.
use crate::field::{Sample, Scale};
use crate::prepare::{Prepared, TRACKER};
use opencv::core::{self, Mat, Point2f, Vector};
use opencv::{imgproc, prelude::*};

/// Corners weaker than this share of the strongest are none.
const QUALITY: f64 = 0.01;
/// Corners are this far apart, in heights of the analysed frame: they spread over the picture.
const SPACING: f64 = 1.0 / 60.0;
/// Neighbourhood of the structure tensor, pixels.
const BLOCK: i32 = 7;

/// Corners of the previous frame that were found in the current one.
pub struct Tracks {
    /// Where each was and how far it moved, pixels of the full frame, strongest corner first.
    pub links: Vec<Sample>,
    /// Corners looked for.
    pub corners: usize,
}

impl Tracks {
    /// Share of the corners that come back to where they were; `None` without corners.
    pub fn confidence(&self) -> Option<f64> {
        (self.corners > 0).then(|| self.links.len() as f64 / self.corners as f64)
    }
}

/// Follows Shi–Tomasi corners (1994) by pyramidal Lucas–Kanade (Bouguet 2000), forwards and back: what does not come back
/// was covered, left the picture, or cannot be told from its surroundings.
pub fn track(previous: &Prepared, current: &Prepared, count: u32, scale: Scale) -> opencv::Result<Tracks> {
    let corners = corners(&previous.grey, count)?;
    if corners.is_empty() {
        return Ok(Tracks { links: Vec::new(), corners: 0 });
    }
    let (there, found) = TRACKER.follow(&previous.pyramid, &current.pyramid, &corners, None)?;
    let (back, returned) = TRACKER.follow(&current.pyramid, &previous.pyramid, &there, None)?;
    let mut links = Vec::with_capacity(corners.len());
    for index in 0..corners.len() {
        let (from, to, home) = (corners.get(index)?, there.get(index)?, back.get(index)?);
        if found.get(index)? != 0 && returned.get(index)? != 0 && consistent(from, to, home) {
            links.push(scale.sample(from.x, from.y, to.x - from.x, to.y - from.y));
        }
    }
    Ok(Tracks { links, corners: corners.len() })
}

/// Up to `count` corners, strongest first.
fn corners(grey: &Mat, count: u32) -> opencv::Result<Vector<Point2f>> {
    let mut corners = Vector::new();
    let spacing = (f64::from(grey.rows()) * SPACING).max(2.0);
    imgproc::good_features_to_track(
        grey,
        &mut corners,
        count as i32,
        QUALITY,
        spacing,
        &core::no_array(),
        BLOCK,
        false,
        0.04,
    )?;
    Ok(corners)
}

/// Forward–backward check (Sundaram et al. 2010): |f + b|² < 0.01 (|f|² + |b|²) + 0.5.
fn consistent(from: Point2f, to: Point2f, home: Point2f) -> bool {
    let square = |a: Point2f, b: Point2f| (a.x - b.x).powi(2) + (a.y - b.y).powi(2);
    square(home, from) < 0.01 * (square(to, from) + square(home, to)) + 0.5
}
