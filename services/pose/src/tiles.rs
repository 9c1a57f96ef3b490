//! Parts of the frame that are searched one by one, and persons that were found in several of them.
use crate::person::Person;
use crate::skeleton::similarity;
use framefleet_vision::boxes;
use opencv::core::Rect;

/// Neighbouring tiles share this part of a tile's side, so that a person on a border is whole in one of them.
const OVERLAP: f32 = 0.3;
/// A box that lies in a better one by more than this share may be a part of that person, cut off by a tile's border.
const INSIDE: f32 = 0.85;
/// Boxes that overlap by more (IoU) may be of one person, whose limbs were mixed up.
const OVERLAPPING: f32 = 0.5;
/// Then keypoints need to be alike only by this share of what they need otherwise.
const LENIENT: f32 = 0.4;

/// The whole picture, then `count` × `count` tiles.
pub fn tiles(width: i32, height: i32, count: u32) -> Vec<Rect> {
    let mut all = vec![Rect::new(0, 0, width, height)];
    if count < 2 {
        return all;
    }
    let across = spans(width, count);
    for (top, tall) in spans(height, count) {
        all.extend(across.iter().map(|&(left, wide)| Rect::new(left, top, wide, tall)));
    }
    all
}

/// Start and length of `count` stretches that cover a length and overlap.
fn spans(length: i32, count: u32) -> Vec<(i32, i32)> {
    let count = count as f32;
    let side = length as f32 / (count - (count - 1.0) * OVERLAP);
    let step = (length as f32 - side) / (count - 1.0);
    let tall = (side.ceil() as i32).clamp(1, length);
    (0..count as u32).map(|at| (((at as f32 * step).round() as i32).clamp(0, length - tall), tall)).collect()
}

/// Persons without those found twice, best score first, no more than `most`. Two are one when their keypoints are alike, or
/// when their boxes say so and the keypoints do not contradict.
pub fn unique(mut persons: Vec<Person>, alike: f32, min_visibility: f32, most: usize) -> Vec<Person> {
    persons.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Person> = Vec::new();
    for person in persons {
        if kept.len() >= most {
            break;
        }
        if !kept.iter().any(|better| same(better, &person, alike, min_visibility)) {
            kept.push(person);
        }
    }
    kept
}

fn same(better: &Person, other: &Person, alike: f32, min_visibility: f32) -> bool {
    let area = boxes::area(&better.corners).max(boxes::area(&other.corners));
    let keypoints = similarity(&better.keypoints, &other.keypoints, area, min_visibility);
    if keypoints >= alike {
        return true;
    }
    let smaller = boxes::area(&better.corners).min(boxes::area(&other.corners)).max(1.0);
    let shared = boxes::intersection(&better.corners, &other.corners) / smaller;
    let boxes_agree = shared >= INSIDE || boxes::iou(&better.corners, &other.corners) >= OVERLAPPING;
    boxes_agree && keypoints >= LENIENT * alike
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::POINTS;

    fn person(left: f32, score: f32) -> Person {
        let keypoints = std::array::from_fn(|at| [left + (at % 3) as f32 * 10.0, 5.0 * at as f32, 0.9]);
        assert_eq!(keypoints.len(), POINTS);
        Person { corners: [left, 0.0, left + 30.0, 90.0], score, keypoints, axis: None }
    }

    #[test]
    fn tiles_cover_the_picture_and_overlap() {
        let all = tiles(1920, 1080, 3);
        assert_eq!((all.len(), all[0]), (10, Rect::new(0, 0, 1920, 1080)));
        for x in 0..1920 {
            assert!(all[1..4].iter().any(|tile| (tile.x..tile.x + tile.width).contains(&x)), "{x}");
        }
        assert!(all[1].x + all[1].width > all[2].x + 100);
        assert_eq!(all[9].x + all[9].width, 1920);
        assert_eq!(all[9].y + all[9].height, 1080);
        assert_eq!(tiles(100, 50, 1).len(), 1);
        assert_eq!(tiles(1, 1, 8).len(), 65);
    }

    #[test]
    fn who_is_found_twice_is_kept_once_with_the_better_score() {
        let found = unique(vec![person(0.0, 0.5), person(1.0, 0.8), person(60.0, 0.4)], 0.6, 0.2, 10);
        assert_eq!(found.iter().map(|person| person.score).collect::<Vec<_>>(), [0.8, 0.4]);
        assert_eq!(unique(vec![person(0.0, 0.5), person(60.0, 0.8)], 0.6, 0.2, 1).len(), 1);
    }
}
