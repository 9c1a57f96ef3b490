//! Persons that were followed: when each was seen, what is known about the track, and a strip of pictures of the person.
use crate::columns;
use crate::fields::words;
use crate::model::{ItemReport, Label, Thumbnail, TrackReport};
use crate::thumbnail::{Budget, Thumbnails};
use framefleet_frames::{Item, PersonTrack, ScopedAnnotation, annotation::Value};
use framefleet_vision::VisionError;
use framefleet_vision::image_file::{Encoding, decode, encode};
use opencv::core::{Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Most tracks that one item's list has; the longest.
pub const MAX_TRACKS: usize = 200;
/// Most tracks of an item that have a strip.
const MAX_STRIPS: usize = 24;
/// Most pictures in a strip.
const STRIP: usize = 4;
/// Long side of the frames that strips are cut from, and height of the pictures in a strip, pixels.
const FRAME_SIDE: u32 = 640;
const STRIP_HEIGHT: i32 = 96;
/// How much of the surroundings a picture shows on each side, as a share of the box.
const MARGIN: f32 = 0.1;
/// JPEG quality of strips.
const QUALITY: u8 = 80;

/// Takes a track into the report of its item; anything but a track is left alone, and the answer is false.
pub fn add(item: &mut ItemReport, scoped: &ScopedAnnotation) -> bool {
    let value = scoped.annotation.as_ref().and_then(|annotation| annotation.value.as_ref());
    let (Some(Value::PersonTrack(track)), Some(range)) = (value, &scoped.range) else { return false };
    item.tracks_total += 1;
    item.tracks.push(TrackReport {
        number: track.track,
        start: range.start,
        end: range.end,
        start_seconds: item.fps.map(|_| track.start_ns as f64 / 1e9),
        end_seconds: item.fps.map(|_| track.end_ns as f64 / 1e9),
        seen: track.seen,
        labels: labels(track),
        strip: Vec::new(),
        shown: track.shown_frames.iter().copied().zip(track.shown_boxes.as_chunks::<4>().0.iter().copied()).collect(),
    });
    if item.tracks.len() > 2 * MAX_TRACKS {
        keep_longest(item);
    }
    true
}

/// Orders the tracks by their beginning, and cuts their strips out of frames.
pub fn finish(item: &mut ItemReport, source: &Item, thumbnails: &dyn Thumbnails, budget: &mut Budget) {
    keep_longest(item);
    let mut longest: Vec<usize> = (0..item.tracks.len()).collect();
    longest.sort_by_key(|&at| (std::cmp::Reverse(item.tracks[at].seen), at));
    longest.truncate(MAX_STRIPS);
    let mut wanted: BTreeMap<u64, Vec<(usize, [f32; 4])>> = BTreeMap::new();
    for &at in &longest {
        for (frame, corners) in spread(&item.tracks[at].shown) {
            wanted.entry(frame).or_default().push((at, corners));
        }
    }
    if wanted.is_empty() {
        return;
    }
    let frames: Vec<u64> = wanted.keys().copied().collect();
    for (frame, jpeg) in thumbnails.jpeg(source, &frames, FRAME_SIDE) {
        for (at, corners) in wanted.get(&frame).into_iter().flatten() {
            // Who is followed is in frames of one size: nobody is followed through stills.
            let cut = cut(&jpeg, *corners, (item.width, item.height)).ok().flatten();
            if let Some(jpeg) = cut.filter(|jpeg| budget.take(jpeg.len())) {
                let seconds = columns::of_frame(&item.axis, frame).and_then(|column| *item.axis.seconds.get(column)?);
                let pts_ns = (seconds.unwrap_or_default() * 1e9) as i64;
                item.tracks[*at].strip.push(Thumbnail { frame, file: None, pts_ns, jpeg });
            }
        }
    }
}

fn keep_longest(item: &mut ItemReport) {
    item.tracks.sort_by_key(|track| (std::cmp::Reverse(track.seen), track.start, track.number));
    item.tracks.truncate(MAX_TRACKS);
    item.tracks.sort_by_key(|track| (track.start, track.number));
}

/// Every n-th of what shows a track.
fn spread(shown: &[(u64, [f32; 4])]) -> Vec<(u64, [f32; 4])> {
    let places: BTreeSet<usize> = (0..STRIP).map(|at| at * shown.len() / STRIP).collect();
    places.into_iter().filter_map(|at| shown.get(at).copied()).collect()
}

/// The person as a JPEG file, cut out of the file of a frame; `corners` are pixels of the full frame. `None` for a box outside.
fn cut(jpeg: &[u8], corners: [f32; 4], full: (u32, u32)) -> Result<Option<Vec<u8>>, VisionError> {
    let frame = decode(jpeg)?;
    let (width, height) = (frame.cols(), frame.rows());
    let (sx, sy) = (width as f32 / full.0.max(1) as f32, height as f32 / full.1.max(1) as f32);
    let [x0, y0, x1, y1] = corners;
    let (mx, my) = (MARGIN * (x1 - x0), MARGIN * (y1 - y0));
    let within = |value: f32, most: i32| (value.round() as i32).clamp(0, most);
    let (left, right) = (within((x0 - mx) * sx, width), within((x1 + mx) * sx, width));
    let (top, bottom) = (within((y0 - my) * sy, height), within((y1 + my) * sy, height));
    if right - left < 2 || bottom - top < 2 {
        return Ok(None);
    }
    let person = Mat::roi(&frame, Rect::new(left, top, right - left, bottom - top))?;
    let scale = f64::from(STRIP_HEIGHT) / f64::from(bottom - top);
    let size = Size::new((f64::from(right - left) * scale).round().clamp(1.0, 300.0) as i32, STRIP_HEIGHT);
    let mut scaled = Mat::default();
    imgproc::resize(&person, &mut scaled, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(Some(encode(&scaled, Encoding::Jpeg(QUALITY))?))
}

/// What the list says of a track.
fn labels(track: &PersonTrack) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        labels.extend(value.map(|value| Label { name: name.to_owned(), value }));
    };
    add("Movement", word(&track.sequence_type()));
    add("View", word(&track.view()));
    add("Pose", word(&track.pose_type()));
    add("Speed", track.speed_mean.map(|speed| format!("{speed:.2} heights/s")));
    add("Seen", Some(seen(track)));
    add("Ends", word(&track.ended()));
    labels
}

fn seen(track: &PersonTrack) -> String {
    match track.interpolated {
        0 => format!("{} frames", track.seen),
        between => format!("{} frames, {between} between", track.seen),
    }
}

/// The name of a variant, as records have it; `None` for the one that says nothing.
fn word(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Json::String(name)) if name != "unspecified" => Some(words(&name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_jpeg;
    use framefleet_frames::{Annotation, FrameRange, Image, PixelFormat, SequenceType};

    /// Half red, half blue.
    struct Halves;

    impl Thumbnails for Halves {
        fn jpeg(&self, _: &Item, frames: &[u64], _: u32) -> Vec<(u64, Vec<u8>)> {
            let row: Vec<u8> = [[220u8, 20, 20].repeat(160), [20, 20, 220].repeat(160)].concat();
            let image = Image::new(PixelFormat::Rgb8, 320, 180, row.repeat(180)).unwrap();
            frames.iter().map(|frame| (*frame, encode_jpeg(&image, 640).unwrap())).collect()
        }
    }

    fn track(number: u32, range: std::ops::Range<u64>, corners: [f32; 4]) -> ScopedAnnotation {
        let value = PersonTrack {
            track: number,
            seen: range.end - range.start,
            shown_frames: vec![range.start, range.end - 1],
            shown_boxes: [corners, corners].concat(),
            sequence_type: SequenceType::Walking.into(),
            ..PersonTrack::default()
        };
        ScopedAnnotation {
            item: "a.mp4".to_owned(),
            range: Some(FrameRange { start: range.start, end: range.end }),
            annotation: Some(Annotation { instance: number, value: Some(Value::PersonTrack(value)) }),
        }
    }

    #[test]
    fn strips_show_the_person_and_not_the_frame() {
        let mut item = ItemReport { width: 640, height: 360, fps: Some(25.0), ..ItemReport::default() };
        item.axis = columns::axis(0, 100, 400);
        assert!(add(&mut item, &track(1, 50..90, [400.0, 60.0, 600.0, 300.0])));
        assert!(add(&mut item, &track(0, 10..80, [40.0, 60.0, 200.0, 300.0])));
        assert!(add(&mut item, &track(2, 20..30, [900.0, 60.0, 950.0, 300.0])));
        assert!(!add(&mut item, &ScopedAnnotation::default()));
        finish(&mut item, &Item::default(), &Halves, &mut Budget::new());
        let numbers: Vec<_> = item.tracks.iter().map(|track| (track.number, track.strip.len())).collect();
        assert_eq!(numbers, [(0, 2), (2, 0), (1, 2)], "who is outside the picture has no strip");
        for (track, red) in [(0, true), (2, false)] {
            let jpeg = &item.tracks[track].strip[0].jpeg;
            let picture = decode(jpeg).unwrap();
            let [r, _, blue] = picture.at_2d::<opencv::core::Vec3b>(48, picture.cols() / 2).unwrap().0;
            assert_eq!((picture.rows(), r > blue), (96, red));
        }
        assert_eq!(item.tracks[0].labels[0], Label { name: "Movement".to_owned(), value: "walking".to_owned() });
    }

    #[test]
    fn of_very_many_tracks_the_longest_are_listed_and_all_are_counted() {
        let mut item = ItemReport { axis: columns::axis(0, 5000, 400), ..ItemReport::default() };
        for number in 0..1000 {
            add(&mut item, &track(number, 0..u64::from(number) + 2, [0.0; 4]));
        }
        finish(&mut item, &Item::default(), &Halves, &mut Budget::new());
        assert_eq!((item.tracks_total, item.tracks.len()), (1000, MAX_TRACKS));
        assert!(item.tracks.iter().all(|track| track.seen > 800));
    }
}
