//! MoveNet multi-pose: up to six persons of a picture, with boxes.
use crate::PoseSettings;
use crate::person::Person;
use crate::process::{View, WorkError, fill_i32};
use crate::skeleton::POINTS;
use framefleet_infer::{Session, ndarray::ArrayViewD};
use framefleet_vision::letterbox::Letterbox;
use opencv::core::Scalar;

/// Numbers per person: y, x, score of each keypoint; ymin, xmin, ymax, xmax; score.
const NUMBERS: usize = 3 * POINTS + 5;

/// The network.
pub struct Multi {
    session: Session,
    size: (u32, u32),
}

impl Multi {
    pub fn new(session: Session, settings: &PoseSettings) -> Self {
        Self { session, size: (settings.detection_width, settings.detection_height) }
    }

    /// The persons of every picture, in pixels of that picture; scores below `min_score` are left out.
    pub fn find(&self, views: &[View<'_>], min_score: f32) -> Result<Vec<Vec<Person>>, WorkError> {
        let mut found = Vec::with_capacity(views.len());
        self.session.run_batches::<WorkError>(
            views.len(),
            &[],
            |item, inputs| {
                let boxed = views[item].letterbox(self.size).apply(&views[item].picture, Scalar::all(0.0))?;
                fill_i32(&boxed, inputs.input::<i32>("input_int32")?)
            },
            |item, outputs| {
                let letterbox = views[item].letterbox(self.size);
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
        Person { corners: [x0, y0, x1, y1], score: row[NUMBERS - 1].clamp(0.0, 1.0), keypoints, axis: None }
    })
    .collect()
}
