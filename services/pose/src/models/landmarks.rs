//! BlazePose's landmarks: 33 points of a person in 3-D.
use crate::models::input::fill_f32;
use crate::models::region::region;
use crate::person::Person;
use framefleet_infer::Session;
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_vision::alignment::Similarity;
use opencv::core::{BORDER_REPLICATE, Scalar};

/// Side of the input, pixels.
const SIDE: u32 = 256;
/// Points that are used of the 39.
pub const POINTS: usize = 33;
/// x, y, z, visibility and presence before the sigmoid.
const NUMBERS: usize = 5;
/// Heat maps: side, number, cells on each side of a point that are read, and how sure one of them must be.
const HEAT_SIDE: usize = 64;
const HEAT_MAPS: usize = 39;
const HEAT_REACH: usize = 3;
const HEAT_SURE: f32 = 0.5;

/// What the model says of a person, in pixels of the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// x, y, z, visibility (0–1); z from the middle of the hips, negative towards the camera.
    pub points: [[f32; 4]; POINTS],
    /// How sure it is that there is a person.
    pub score: f32,
}

/// The model.
pub struct Landmarks {
    session: Session,
}

impl Landmarks {
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// The points of every person `(view, person)`; `None` where there is no region.
    pub fn measure(
        &self,
        views: &[FrameView<'_>],
        persons: &[(usize, &Person)],
        min_visibility: f32,
    ) -> Result<Vec<Option<Measured>>, PerceptionError> {
        let regions: Vec<Option<Similarity>> =
            persons.iter().map(|(_, person)| region(person, SIDE as f32, min_visibility)).collect();
        let items: Vec<usize> = (0..persons.len()).filter(|&at| regions[at].is_some()).collect();
        let mut measured = vec![None; persons.len()];
        self.session.run_batches::<PerceptionError>(
            items.len(),
            &[],
            |item, inputs| {
                let at = items[item];
                let Some(region) = &regions[at] else { return Ok(()) };
                let cut = region.warp(views[persons[at].0].rgb(), (SIDE, SIDE), BORDER_REPLICATE, Scalar::default())?;
                Ok(fill_f32(&cut, inputs.input::<f32>("input_1")?, |value| value / 255.0)?)
            },
            |item, outputs| {
                let at = items[item];
                let numbers: Vec<f32> = outputs.output::<f32>("Identity")?.iter().copied().collect();
                let heat: Vec<f32> = outputs.output::<f32>("Identity_3")?.iter().copied().collect();
                let score = outputs.output::<f32>("Identity_1")?.iter().next().copied().unwrap_or_default();
                let back = regions[at].as_ref().and_then(Similarity::inverse);
                measured[at] = back.and_then(|back| points(&numbers, &heat, score, &back));
                Ok(())
            },
        )?;
        Ok(measured)
    }
}

fn points(numbers: &[f32], heat: &[f32], score: f32, back: &Similarity) -> Option<Measured> {
    let rows = numbers.as_chunks::<NUMBERS>().0;
    if rows.len() < POINTS || rows.iter().flatten().any(|number| !number.is_finite()) {
        return None;
    }
    let scale = back.scale() as f32;
    let points = std::array::from_fn(|at| {
        let [x, y, z, visibility, _] = rows[at];
        let [x, y] = back.apply(refined([x, y], heat, at));
        [x, y, z * scale, sigmoid(visibility)]
    });
    Some(Measured { points, score: score.clamp(0.0, 1.0) })
}

/// A point moved to the centre of its heat map around it, where the map is sure of anything, as MediaPipe does: regression finds
/// the neighbourhood, the map the place in it.
fn refined([x, y]: [f32; 2], heat: &[f32], map: usize) -> [f32; 2] {
    let cell = |value: f32| (value * HEAT_SIDE as f32 / SIDE as f32) as usize;
    let inside = |value: f32| (0.0..SIDE as f32).contains(&value);
    if !inside(x) || !inside(y) || heat.len() != HEAT_SIDE * HEAT_SIDE * HEAT_MAPS {
        return [x, y];
    }
    let around = |at: usize| at.saturating_sub(HEAT_REACH)..(at + HEAT_REACH + 1).min(HEAT_SIDE);
    let (mut total, mut max, mut across, mut down) = (0.0, 0.0f32, 0.0, 0.0);
    for row in around(cell(y)) {
        for column in around(cell(x)) {
            let sure = sigmoid(heat[(row * HEAT_SIDE + column) * HEAT_MAPS + map]);
            total += sure;
            max = max.max(sure);
            across += sure * column as f32;
            down += sure * row as f32;
        }
    }
    let cells = SIDE as f32 / HEAT_SIDE as f32;
    if max >= HEAT_SURE && total > 0.0 { [across / total * cells, down / total * cells] } else { [x, y] }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sure_heat_map_moves_a_point_and_an_unsure_one_does_not() {
        let mut heat = vec![-20.0; HEAT_SIDE * HEAT_SIDE * HEAT_MAPS];
        assert_eq!(refined([100.0, 60.0], &heat, 7), [100.0, 60.0]);
        heat[(16 * HEAT_SIDE + 27) * HEAT_MAPS + 7] = 20.0;
        let [x, y] = refined([100.0, 60.0], &heat, 7);
        assert!((x - 108.0).abs() < 1e-3 && (y - 64.0).abs() < 1e-3, "{x} {y}");
        assert_eq!(refined([100.0, 60.0], &heat, 8), [100.0, 60.0]);
        assert_eq!(refined([-5.0, 300.0], &heat, 7), [-5.0, 300.0]);
    }
}
