//! BlazePose's landmarks: 33 points of a person in 3-D.
use crate::person::Person;
use crate::process::{View, WorkError, fill_f32};
use crate::region::{of_centres, region};
use framefleet_infer::Session;
use framefleet_vision::alignment::Similarity;
use opencv::core::{BORDER_REPLICATE, Scalar};

/// Side of the input, pixels.
const SIDE: u32 = 256;
/// Points that are used of the 39.
pub const POINTS: usize = 33;
/// x, y, z, visibility and presence before the sigmoid.
const NUMBERS: usize = 5;

/// What the network says of a person, in pixels of the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// x, y, z, visibility (0–1); z from the middle of the hips, negative towards the camera.
    pub points: [[f32; 4]; POINTS],
    /// How sure it is that there is a person.
    pub score: f32,
}

/// The network.
pub struct Landmarks {
    session: Session,
}

impl Landmarks {
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// The points of every person `(view, person)`; `None` where there is no region to look at.
    pub fn measure(
        &self,
        views: &[View<'_>],
        persons: &[(usize, &Person)],
        min_visibility: f32,
    ) -> Result<Vec<Option<Measured>>, WorkError> {
        let regions: Vec<Option<Similarity>> =
            persons.iter().map(|(_, person)| region(person, SIDE as f32, min_visibility)).collect();
        let items: Vec<usize> = (0..persons.len()).filter(|&at| regions[at].is_some()).collect();
        let mut measured = vec![None; persons.len()];
        self.session.run_batches::<WorkError>(
            items.len(),
            &[],
            |item, inputs| {
                let at = items[item];
                let Some(region) = &regions[at] else { return Ok(()) };
                let picture = &views[persons[at].0].picture;
                let cut = of_centres(region).warp(picture, (SIDE, SIDE), BORDER_REPLICATE, Scalar::default())?;
                fill_f32(&cut, inputs.input::<f32>("input_1")?, |value| value / 255.0)
            },
            |item, outputs| {
                let at = items[item];
                let numbers: Vec<f32> = outputs.output::<f32>("Identity")?.iter().copied().collect();
                let score = outputs.output::<f32>("Identity_1")?.iter().next().copied().unwrap_or_default();
                let back = regions[at].as_ref().and_then(Similarity::inverse);
                measured[at] = back.and_then(|back| points(&numbers, score, &back));
                Ok(())
            },
        )?;
        Ok(measured)
    }
}

fn points(numbers: &[f32], score: f32, back: &Similarity) -> Option<Measured> {
    let rows = numbers.as_chunks::<NUMBERS>().0;
    if rows.len() < POINTS || rows.iter().flatten().any(|number| !number.is_finite()) {
        return None;
    }
    let scale = back.scale() as f32;
    let sigmoid = |value: f32| 1.0 / (1.0 + (-value).exp());
    let points = std::array::from_fn(|at| {
        let [x, y, z, visibility, _] = rows[at];
        let [x, y] = back.apply([x, y]);
        [x, y, z * scale, sigmoid(visibility)]
    });
    Some(Measured { points, score: score.clamp(0.0, 1.0) })
}
