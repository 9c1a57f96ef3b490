//! Persons that other steps found: where to look, and whom a pixel belongs to.
use crate::input::view::View;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Face, Kind, Pose};
use framefleet_perception::PerceptionError;
use framefleet_stage::Batch;
use framefleet_vision::boxes::{self, BBox};
use opencv::core::{self, Mat, Point, Rect, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Maximum number of persons in one image; owners are bytes, and 0 is nobody.
const MAX_PERSONS: usize = 250;
/// Points of a pose below this visibility are guesses.
const VISIBLE: f32 = 0.3;
/// The bones of COCO's 17 points; the head hangs from both shoulders.
const BONES: [(usize, usize); 14] = [
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
    (0, 5),
    (0, 6),
];

/// A person in an image. Pixels of the full view.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The box.
    pub bounds: BBox,
    /// Lines that lie on the body: x0, y0, x1, y1.
    pub lines: Vec<[f32; 4]>,
    /// The pose that it is known by: its instance; `None` where only the face is known.
    pub pose: Option<u32>,
}

/// The persons of a frame whose middle lies in a view: those with a pose, then those of whom only the face is known.
pub fn persons(batch: &Batch, number: u64, view: &View) -> Vec<Person> {
    let (poses, faces) = (Kind::new("pose"), Kind::new("face"));
    let mut found: Vec<Person> = Vec::new();
    for annotation in batch.annotations(number, &poses) {
        if let Some(Value::Pose(pose)) = &annotation.value {
            let person = of_pose(pose).and_then(|person| inside(person, view));
            found.extend(person.map(|person| Person { pose: Some(annotation.instance), ..person }));
        }
    }
    for annotation in batch.annotations(number, &faces) {
        if let Some(Value::Face(face)) = &annotation.value {
            let person = of_face(face).and_then(|(head, person)| Some((head, inside(person, view)?)));
            let (x, y) = (view.place.x as f32, view.place.y as f32);
            let known = |head: &BBox| {
                let head = [head[0] - x, head[1] - y, head[2] - x, head[3] - y];
                found.iter().any(|person| boxes::intersection(&head, &person.bounds) > 0.5 * boxes::area(&head))
            };
            match person {
                Some((head, person)) if !known(&head) => found.push(person),
                _ => {}
            }
        }
    }
    found.truncate(MAX_PERSONS);
    found
}

fn bbox(of: &[f32]) -> Option<BBox> {
    let found: BBox = of.try_into().ok()?;
    (found.iter().all(|value| value.is_finite()) && boxes::area(&found) >= 1.0).then_some(found)
}

fn of_pose(pose: &Pose) -> Option<Person> {
    let bounds = bbox(&pose.r#box)?;
    let point = |at: usize| match pose.keypoints.get(3 * at..3 * at + 3) {
        Some(&[x, y, visibility]) if visibility >= VISIBLE && x.is_finite() && y.is_finite() => Some((x, y)),
        _ => None,
    };
    let bone = |(from, to): (usize, usize)| {
        let ((x0, y0), (x1, y1)) = point(from).zip(point(to))?;
        Some([x0, y0, x1, y1])
    };
    let mut lines: Vec<[f32; 4]> = BONES.into_iter().filter_map(bone).collect();
    if lines.is_empty() {
        lines.push(middle(&bounds));
    }
    Some(Person { bounds, lines, pose: None })
}

/// The body below a face, by the proportions of a standing adult: about seven and a half heads high, three wide.
fn of_face(face: &Face) -> Option<(BBox, Person)> {
    let head = bbox(&face.r#box)?;
    let [x0, y0, x1, y1] = head;
    let (width, height) = (x1 - x0, y1 - y0);
    let bounds = [x0 - width, y0 - 0.6 * height, x1 + width, y1 + 7.0 * height];
    let line = [(x0 + x1) / 2.0, (y0 + y1) / 2.0, (x0 + x1) / 2.0, bounds[3] - 0.5 * height];
    Some((head, Person { bounds, lines: vec![line], pose: None }))
}

/// The upright line in the middle of a box.
fn middle(of: &BBox) -> [f32; 4] {
    let (x, inset) = ((of[0] + of[2]) / 2.0, (of[3] - of[1]) / 10.0);
    [x, of[1] + inset, x, of[3] - inset]
}

/// A person of the frame in pixels of a view, if the middle of what is inside the frame lies in it.
fn inside(person: Person, view: &View) -> Option<Person> {
    let (x, y) = (view.place.x as f32, view.place.y as f32);
    let (width, height) = (view.place.width as f32, view.place.height as f32);
    let moved = |[x0, y0, x1, y1]: [f32; 4]| [x0 - x, y0 - y, x1 - x, y1 - y];
    let [x0, y0, x1, y1] = moved(person.bounds);
    let middle = ((x0 + x1) / 2.0, (y0 + y1.min(height)) / 2.0);
    if !(0.0..=width).contains(&middle.0) || !(0.0..=height).contains(&middle.1) {
        return None;
    }
    let bounds = [x0.max(0.0), y0.max(0.0), x1.min(width), y1.min(height)];
    (boxes::area(&bounds) >= 1.0).then(|| Person {
        bounds,
        lines: person.lines.into_iter().map(moved).collect(),
        pose: person.pose,
    })
}

/// The part of a view that a model is shown for a person: the box with `margin` times its sides, widened or heightened to the
/// model's own aspect ratio where the image has room.
pub fn region(person: &Person, margin: f64, aspect: f64, size: (i32, i32)) -> Rect {
    let [x0, y0, x1, y1] = person.bounds.map(f64::from);
    let (mut width, mut height) = ((x1 - x0) * margin, (y1 - y0) * margin);
    if width < height * aspect {
        width = height * aspect
    } else {
        height = width / aspect
    };
    let span = |middle: f64, length: f64, max: i32| {
        let start = (middle - length / 2.0).floor().clamp(0.0, f64::from(max - 1)) as i32;
        let end = (middle + length / 2.0).ceil().clamp(f64::from(start + 1), f64::from(max)) as i32;
        (start, end - start)
    };
    let ((x, width), (y, height)) = (span((x0 + x1) / 2.0, width, size.0), span((y0 + y1) / 2.0, height, size.1));
    Rect::new(x, y, width, height)
}

/// Whom every pixel of an image of `size` that shows the whole view would belong to, as `CV_8UC1`: the number of the person (from 1)
/// whose body lines are nearest in parts of their box's height; 0 outside all `regions` (pixels of the full view).
pub fn owners(persons: &[Person], regions: &[Rect], view: &View, size: Size) -> Result<Mat, PerceptionError> {
    let (rows, columns) = (size.height, size.width);
    let scale = view.scale(size);
    let mut owner = Mat::new_rows_cols_with_default(rows, columns, core::CV_8UC1, Scalar::default())?;
    let parts: Vec<Rect> = regions.iter().map(|region| scaled(*region, scale, rows, columns)).collect();
    let mut nearest: Vec<f32> = Vec::new();
    for (number, (person, part)) in persons.iter().zip(&parts).enumerate().take(MAX_PERSONS) {
        let meets = |(other, place): (usize, &Rect)| other != number && (*place & *part).area() > 0;
        if !parts.iter().enumerate().any(meets) {
            Mat::roi_mut(&mut owner, *part)?.set_to(&Scalar::all((number + 1) as f64), &core::no_array())?;
            continue;
        }
        nearest.resize(rows as usize * columns as usize, f32::INFINITY);
        let distance = distance(person, scale, rows, columns)?;
        let height = ((person.bounds[3] - person.bounds[1]) * scale[1]).max(1.0);
        let distances = distance.data_typed::<f32>()?;
        let owners = owner.data_bytes_mut()?;
        for y in part.y..part.y + part.height {
            let row = (y * columns + part.x) as usize..(y * columns + part.x + part.width) as usize;
            for at in row {
                let away = distances[at] / height;
                if away < nearest[at] {
                    nearest[at] = away;
                    owners[at] = number as u8 + 1;
                }
            }
        }
    }
    Ok(owner)
}

/// Distance of every pixel of the small image from a person's lines.
fn distance(person: &Person, scale: [f32; 2], rows: i32, columns: i32) -> opencv::Result<Mat> {
    let mut canvas = Mat::new_rows_cols_with_default(rows, columns, core::CV_8UC1, Scalar::all(255.0))?;
    let limit = 1e5_f32;
    let point = |x: f32, y: f32| {
        Point::new((x * scale[0]).clamp(-limit, limit) as i32, (y * scale[1]).clamp(-limit, limit) as i32)
    };
    for [x0, y0, x1, y1] in
        person.lines.iter().copied().chain([middle(&person.bounds)].into_iter().filter(|_| person.lines.is_empty()))
    {
        imgproc::line(&mut canvas, point(x0, y0), point(x1, y1), Scalar::default(), 1, imgproc::LINE_8, 0)?;
    }
    let mut distance = Mat::default();
    imgproc::distance_transform_def(&canvas, &mut distance, imgproc::DIST_L2, 3)?;
    Ok(distance)
}

/// A part of the full view in pixels of an image of it.
pub fn scaled(part: Rect, scale: [f32; 2], rows: i32, columns: i32) -> Rect {
    let span = |start: i32, length: i32, scale: f32, max: i32| {
        let from = ((start as f32 * scale).round() as i32).clamp(0, max - 1);
        let to = (((start + length) as f32 * scale).round() as i32).clamp(from + 1, max);
        (from, to - from)
    };
    let ((x, width), (y, height)) =
        (span(part.x, part.width, scale[0], columns), span(part.y, part.height, scale[1], rows));
    Rect::new(x, y, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::view::tests::{batch, of};
    use framefleet_frames::{Image, PixelFormat};

    fn person(bounds: BBox) -> Person {
        Person { bounds, lines: vec![middle(&bounds)], pose: None }
    }

    #[test]
    fn the_model_sees_its_own_aspect_ratio_where_there_is_room() {
        let standing = person([100.0, 50.0, 150.0, 250.0]);
        assert_eq!(region(&standing, 1.0, 1.0, (640, 360)), Rect::new(25, 50, 200, 200));
        assert_eq!(region(&standing, 1.5, 1.0, (640, 360)), Rect::new(0, 0, 275, 300));
        assert_eq!(region(&standing, 1.0, 1.0, (120, 360)), Rect::new(25, 50, 95, 200));
    }

    #[test]
    fn a_pixel_belongs_to_the_nearest_body_in_parts_of_its_height() {
        let image = Image::new(PixelFormat::Grey8, 200, 100, vec![0; 20_000]).unwrap();
        let batch = batch(image, (200, 100));
        let view = &of(&batch, crate::Stereo::Mono)[0];
        let pair = [person([0.0, 0.0, 100.0, 100.0]), person([100.0, 50.0, 200.0, 100.0])];
        let whole = Rect::new(0, 0, 200, 100);
        let found = owners(&pair, &[whole, Rect::new(90, 0, 110, 100)], view, Size::new(200, 100)).unwrap();
        let at = |x, y| *found.at_2d::<u8>(y, x).unwrap();
        assert_eq!((at(50, 75), at(150, 75), at(80, 75)), (1, 2, 1));
        // 58 pixels from the tall one (0.6 of it), 42 from the small one (0.8 of it).
        assert_eq!(at(108, 75), 1);
        assert_eq!(at(125, 75), 2);
    }

    #[test]
    fn a_body_hangs_below_its_face() {
        let face = Face { r#box: vec![100.0, 100.0, 120.0, 130.0], ..Face::default() };
        let (_, person) = of_face(&face).unwrap();
        assert_eq!(person.bounds, [80.0, 82.0, 140.0, 340.0]);
        assert_eq!(of_face(&Face { r#box: vec![1.0, f32::NAN, 2.0, 3.0], ..Face::default() }), None);
        assert_eq!(of_pose(&Pose { r#box: vec![1.0, 2.0], ..Pose::default() }), None);
    }
}
