//! Parts of the frame that are searched one by one, and persons that were found in several of them.
use crate::person::Person;
use crate::skeleton::similarity;
use framefleet_perception::tiles::{self, Tile};
use framefleet_vision::boxes;

/// Neighbouring tiles share this part of a tile's side, so that a person on a border is whole in one of them.
const OVERLAP: f32 = 0.3;
/// A box that lies in a better one by more than this share may be a part of that person, cut off by a tile's border.
const INSIDE: f32 = 0.85;
/// Boxes that overlap by more (IoU) may be of one person, whose limbs were mixed up.
const OVERLAPPING: f32 = 0.5;
/// Then keypoints need only this share of the similarity that they need otherwise.
const LENIENT: f32 = 0.4;

/// The whole image, then `count` × `count` tiles.
pub fn part_tiles(picture: (i32, i32), count: u32) -> Vec<Tile> {
    let mut all = vec![Tile::whole(picture)];
    if count > 1 {
        all.extend(tiles::by_count(picture, count, OVERLAP));
    }
    all
}

/// Persons without those found twice, best score first, no more than `max`. Two are one when their keypoints are similar, or
/// when their boxes say so and the keypoints do not contradict.
pub fn unique(persons: Vec<Person>, min_similarity: f32, min_visibility: f32, max: usize) -> Vec<Person> {
    tiles::unique(
        persons,
        max,
        |person| person.score,
        |better, other| same(better, other, min_similarity, min_visibility),
    )
}

fn same(better: &Person, other: &Person, min_similarity: f32, min_visibility: f32) -> bool {
    let area = boxes::area(&better.bbox).max(boxes::area(&other.bbox));
    let keypoints = similarity(&better.keypoints, &other.keypoints, area, min_visibility);
    if keypoints >= min_similarity {
        return true;
    }
    let smaller = boxes::area(&better.bbox).min(boxes::area(&other.bbox)).max(1.0);
    let shared = boxes::intersection(&better.bbox, &other.bbox) / smaller;
    let boxes_agree = shared >= INSIDE || boxes::iou(&better.bbox, &other.bbox) >= OVERLAPPING;
    boxes_agree && keypoints >= LENIENT * min_similarity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::POINTS;

    fn person(left: f32, score: f32) -> Person {
        let keypoints = std::array::from_fn(|at| [left + (at % 3) as f32 * 10.0, 5.0 * at as f32, 0.9]);
        assert_eq!(keypoints.len(), POINTS);
        Person { bbox: [left, 0.0, left + 30.0, 90.0], score, keypoints, axis: None }
    }

    #[test]
    fn the_whole_picture_is_searched_and_tiles_of_it() {
        assert_eq!(part_tiles((100, 50), 1), [Tile::whole((100, 50))]);
        assert_eq!(
            (part_tiles((1920, 1080), 3).len(), part_tiles((1920, 1080), 3)[0]),
            (10, Tile::whole((1920, 1080)))
        );
    }

    #[test]
    fn who_is_found_twice_is_kept_once_with_the_better_score() {
        let found = unique(vec![person(0.0, 0.5), person(1.0, 0.8), person(60.0, 0.4)], 0.6, 0.2, 10);
        assert_eq!(found.iter().map(|person| person.score).collect::<Vec<_>>(), [0.8, 0.4]);
        assert_eq!(unique(vec![person(0.0, 0.5), person(60.0, 0.8)], 0.6, 0.2, 1).len(), 1);
    }
}
