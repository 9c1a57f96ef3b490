//! MoveNet multi-pose: up to six persons of an image, with boxes.
use crate::PoseSettings;
use crate::models::input::{fill_i32, letterbox};
use crate::person::Person;
use crate::skeleton::POINTS;
use framefleet_infer::{Session, ndarray::ArrayViewD};
use framefleet_perception::PerceptionError;
use framefleet_vision::letterbox::Letterbox;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{Mat, Scalar};

/// Numbers per person: y, x, score of each keypoint; ymin, xmin, ymax, xmax; score.
const NUMBERS: usize = 3 * POINTS + 5;

/// Persons that it finds in an image at most.
pub const MOST: usize = 6;

/// The model.
pub struct Multi {
    session: Session,
    size: (u32, u32),
}

impl Multi {
    pub fn new(session: Session, settings: &PoseSettings) -> Self {
        Self { session, size: (settings.detection_width, settings.detection_height) }
    }

    /// The persons of every image, in pixels of that image; scores below `min_score` are left out.
    pub fn find(&self, pictures: &[BoxedRef<'_, Mat>], min_score: f32) -> Result<Vec<Vec<Person>>, PerceptionError> {
        let mut found = Vec::with_capacity(pictures.len());
        self.session.run_batches::<PerceptionError>(
            pictures.len(),
            &[],
            |item, inputs| {
                let boxed = letterbox(&pictures[item], self.size).apply(&pictures[item], Scalar::all(0.0))?;
                Ok(fill_i32(&boxed, inputs.input::<i32>("input_int32")?)?)
            },
            |item, outputs| {
                let letterbox = letterbox(&pictures[item], self.size);
                found.push(persons(&outputs.output::<f32>("output_0")?, &letterbox, self.size, min_score));
                Ok(())
            },
        )?;
        Ok(found)
    }
}

fn persons(rows: &ArrayViewD<'_, f32>, letterbox: &Letterbox, size: (u32, u32), min_score: f32) -> Vec<Person> {
    let numbers: Vec<f32> = rows.iter().copied().collect();
    let rows =
        numbers.chunks_exact(NUMBERS).filter(|row| row[NUMBERS - 1] >= min_score && row.iter().all(|n| n.is_finite()));
    let place = |y: f32, x: f32| letterbox.back([x * size.0 as f32, y * size.1 as f32]);
    rows.map(|row| {
        let keypoints = std::array::from_fn(|at| {
            let [x, y] = place(row[3 * at], row[3 * at + 1]);
            [x, y, row[3 * at + 2].clamp(0.0, 1.0)]
        });
        let [x0, y0] = place(row[3 * POINTS], row[3 * POINTS + 1]);
        let [x1, y1] = place(row[3 * POINTS + 2], row[3 * POINTS + 3]);
        Person { bbox: [x0, y0, x1, y1], score: row[NUMBERS - 1].clamp(0.0, 1.0), keypoints, axis: None }
    })
    .collect()
}
