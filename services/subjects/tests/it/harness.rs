//! Persons of known geometry, and what other steps would say of them.
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, ScopedAnnotation, Subject, SubjectTrack};
use framefleet_frames::{Face, FaceTrack, Identity, Image, Mask, MaskTrack, PersonTrack, PixelFormat, Pose};
use framefleet_masks::Rle;
use framefleet_stage::Host;
use framefleet_testkit_stage::{Film, Finished, Found, Processed, Step, on_range, only};
use opencv::core::{self, Mat, Rect, Scalar};
use opencv::imgproc;
use subjects::{SubjectsSettings, SubjectsStage};

/// Size of the frames.
pub const SIZE: (u32, u32) = (320, 180);

/// A standing person, seen from the front.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Middle of the body.
    pub x: f32,
    /// Top of the head.
    pub y: f32,
    /// Height.
    pub height: f32,
}

impl Person {
    pub fn at(x: f32) -> Self {
        Self { x, y: 30.0, height: 140.0 }
    }

    pub fn pose(self) -> Value {
        let Self { x, y, height } = self;
        let points = [
            (0.0, 0.10),
            (0.02, 0.08),
            (-0.02, 0.08),
            (0.04, 0.09),
            (-0.04, 0.09),
            (0.10, 0.20),
            (-0.10, 0.20),
            (0.12, 0.36),
            (-0.12, 0.36),
            (0.12, 0.50),
            (-0.12, 0.50),
            (0.07, 0.52),
            (-0.07, 0.52),
            (0.07, 0.74),
            (-0.07, 0.74),
            (0.06, 0.96),
            (-0.06, 0.96),
        ];
        let keypoints = points.iter().flat_map(|(dx, dy)| [x + dx * height, y + dy * height, 0.9]).collect();
        let bounds = vec![x - 0.14 * height, y, x + 0.14 * height, y + height];
        Value::Pose(Pose { r#box: bounds, score: 0.8, keypoints, ..Pose::default() })
    }

    /// The pose of somebody who looks away: no point of the head is visible.
    pub fn pose_from_behind(self) -> Value {
        let Value::Pose(mut pose) = self.pose() else { unreachable!("it is a pose") };
        pose.keypoints.chunks_mut(3).take(5).for_each(|point| point[2] = 0.05);
        Value::Pose(pose)
    }

    pub fn face(self) -> Value {
        let Self { x, y, height } = self;
        let bounds = vec![x - 0.06 * height, y + 0.01 * height, x + 0.06 * height, y + 0.17 * height];
        let points = [(-0.02, 0.08), (0.02, 0.08), (0.0, 0.10), (-0.02, 0.13), (0.02, 0.13)];
        let landmarks = points.iter().flat_map(|(dx, dy)| [x + dx * height, y + dy * height]).collect();
        Value::Face(Face { r#box: bounds, score: 0.9, landmarks, ..Face::default() })
    }

    pub fn mask(self, pose: Option<u32>) -> Value {
        let Self { x, y, height } = self;
        mask([x - 0.13 * height, y, x + 0.13 * height, y + height], "person", pose)
    }
}

/// A rectangle as a mask.
pub fn mask([x0, y0, x1, y1]: [f32; 4], label: &str, pose: Option<u32>) -> Value {
    let (columns, rows) = (SIZE.0 as i32, SIZE.1 as i32);
    let mut picture = Mat::new_rows_cols_with_default(rows, columns, core::CV_8UC1, Scalar::default()).unwrap();
    let place = Rect::new(x0 as i32, y0 as i32, (x1 - x0) as i32, (y1 - y0) as i32);
    imgproc::rectangle(&mut picture, place, Scalar::all(255.0), -1, 8, 0).unwrap();
    let runs = Rle::of(&picture).unwrap();
    let bounds = runs.bounds().unwrap().map(|side| side as f32).to_vec();
    Value::Mask(Mask {
        r#box: bounds,
        area: runs.area(),
        score: 0.7,
        label: label.to_owned(),
        run_lengths: Some(runs.text()),
        pose,
        ..Mask::default()
    })
}

/// A film of so many frames, in each of which other steps found this.
pub fn film(count: u64, found: impl Fn(u64) -> [Vec<Value>; 3]) -> Film {
    let (width, height) = SIZE;
    let image = || Image::new(PixelFormat::Rgb8, width, height, vec![0; (3 * width * height) as usize]).unwrap();
    let mut film = Film::new((0..count).map(|_| image()).collect());
    for (at, (step, kind)) in [("faces", "face"), ("poses", "pose"), ("masks", "mask")].into_iter().enumerate() {
        film.found.push(Found::new(step, kind, (0..count).map(|frame| (frame, found(frame)[at].clone()))));
    }
    film
}

pub fn step(settings: &SubjectsSettings) -> Step<SubjectsStage> {
    Step::load(&Host::default(), settings).unwrap()
}

/// The subjects of the frames of a film.
pub fn subjects(film: &Film) -> Vec<Vec<Subject>> {
    let processed = step(&SubjectsSettings::default()).process(std::slice::from_ref(film)).unwrap();
    let mut frames = vec![Vec::new(); film.images.len()];
    for (record, subjects) in processed.records.each(only!(Subject)) {
        frames[record.frame as usize] = subjects;
    }
    frames
}

/// Both halves over a film.
pub fn run(film: &Film, settings: &SubjectsSettings) -> (Processed, Finished) {
    step(settings).run(std::slice::from_ref(film)).unwrap()
}

/// The subjects that finish made of a film.
pub fn tracks(film: &Film, settings: &SubjectsSettings) -> Vec<SubjectTrack> {
    run(film, settings).1.on_frames(only!(SubjectTrack)).into_iter().map(|(_, track)| track).collect()
}

/// A part that is followed: (frame, instance).
pub type Places<'a> = &'a [(u64, u32)];

fn frames(places: Places<'_>) -> Vec<u64> {
    places.iter().map(|(frame, _)| *frame).collect()
}

fn instances(places: Places<'_>) -> Vec<u32> {
    places.iter().map(|(_, instance)| *instance).collect()
}

fn on(item: &str, places: Places<'_>, number: u32, value: Value) -> ScopedAnnotation {
    on_range(item, places[0].0..places[places.len() - 1].0 + 1, number, value)
}

pub fn person_track(item: &str, track: u32, places: Places<'_>) -> ScopedAnnotation {
    let value = PersonTrack { track, frames: frames(places), instances: instances(places), ..PersonTrack::default() };
    on(item, places, track, Value::PersonTrack(value))
}

pub fn mask_track(item: &str, track: u32, places: Places<'_>) -> ScopedAnnotation {
    let value = MaskTrack { track, frame: frames(places), instance: instances(places), ..MaskTrack::default() };
    on(item, places, track, Value::MaskTrack(value))
}

pub fn face_track(item: &str, number: u32, identity: Option<u32>, places: Places<'_>) -> ScopedAnnotation {
    let value =
        FaceTrack { number, identity, frames: frames(places), instances: instances(places), ..FaceTrack::default() };
    on(item, places, number, Value::FaceTrack(value))
}

pub fn identity(number: u32, name: &str) -> ScopedAnnotation {
    let value = Value::Identity(Identity { number, name: name.to_owned(), ..Identity::default() });
    ScopedAnnotation {
        annotation: Some(Annotation { instance: number, value: Some(value) }),
        ..ScopedAnnotation::default()
    }
}
