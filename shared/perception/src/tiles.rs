//! Parts of an image that are searched one by one, for things that are too small in the whole of it, and things that were found in
//! several parts.
use framefleet_vision::boxes::BBox;
use opencv::core::Rect;

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Where it lies, pixels of the image.
    pub place: Rect,
    /// Width and height of the image.
    picture: (i32, i32),
}

impl Tile {
    /// All of an image.
    pub fn whole(picture: (i32, i32)) -> Self {
        Self { place: Rect::new(0, 0, picture.0, picture.1), picture }
    }

    /// Whether it is all of the image.
    pub fn is_whole(&self) -> bool {
        self.place == Rect::new(0, 0, self.picture.0, self.picture.1)
    }

    /// A point of the tile, in pixels of the image.
    pub fn back(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x + self.place.x as f32, y + self.place.y as f32]
    }

    /// Whether a box in the tile comes within so many pixels of a border that lies inside the image: the thing may be cut off there.
    pub fn cuts(&self, [x0, y0, x1, y1]: &BBox, within: f32) -> bool {
        let Rect { x, y, width, height } = self.place;
        let (right, bottom) = (width as f32, height as f32);
        (x > 0 && *x0 < within)
            || (y > 0 && *y0 < within)
            || (x + width < self.picture.0 && *x1 > right - within)
            || (y + height < self.picture.1 && *y1 > bottom - within)
    }
}

/// `count` × `count` equal tiles that cover an image, row by row; neighbours share the part `overlap` of a tile's side.
pub fn by_count(picture: (i32, i32), count: u32, overlap: f32) -> Vec<Tile> {
    let spans = |length: i32| {
        let count = count.max(1) as f32;
        let side = length as f32 / (count - (count - 1.0) * overlap);
        let step = (length as f32 - side) / (count - 1.0).max(1.0);
        let wide = (side.ceil() as i32).clamp(1, length.max(1));
        (0..count as u32).map(move |at| (((at as f32 * step).round() as i32).min(length - wide).max(0), wide)).collect()
    };
    grid(picture, spans)
}

/// Squares of `side` pixels (less where the image is smaller) that cover an image, row by row; neighbours share `overlap` pixels or more,
/// so that what is no larger is whole in one of them. None when the image fits into one.
pub fn by_side(picture: (i32, i32), side: i32, overlap: i32) -> Vec<Tile> {
    if picture.0.max(picture.1) <= side {
        return Vec::new();
    }
    let spans = |length: i32| {
        let last = (length - side).max(0);
        let mut starts: Vec<i32> = (0..=last).step_by((side - overlap).max(1) as usize).chain([last]).collect();
        starts.dedup();
        starts.into_iter().map(|start| (start, side.min(length))).collect()
    };
    grid(picture, spans)
}

/// The tiles of a grid; `spans` gives starts and lengths along a side.
fn grid(picture: (i32, i32), spans: impl Fn(i32) -> Vec<(i32, i32)>) -> Vec<Tile> {
    let across = spans(picture.0);
    let row = |(y, height): (i32, i32)| {
        across.iter().map(move |&(x, width)| Tile { place: Rect::new(x, y, width, height), picture })
    };
    spans(picture.1).into_iter().flat_map(row).collect()
}

/// Things found in several tiles, each once: the best first (of equal scores the first), no more than `max`, without those that are the
/// `same` as a better one. With overlap of boxes for `same`, this is non-maximum suppression.
pub fn unique<D>(mut found: Vec<D>, max: usize, score: impl Fn(&D) -> f32, same: impl Fn(&D, &D) -> bool) -> Vec<D> {
    found.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let mut kept: Vec<D> = Vec::new();
    for one in found {
        if kept.len() >= max {
            break;
        }
        if !kept.iter().any(|better| same(better, &one)) {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_vision::boxes::iou;
    use opencv::core::Point;

    #[test]
    fn tiles_by_count_cover_the_picture_and_overlap() {
        let all = by_count((1920, 1080), 3, 0.3);
        assert_eq!(all.len(), 9);
        assert!((0..1920).all(|x| all[..3].iter().any(|tile| tile.place.contains(Point::new(x, 0)))));
        assert!(all[0].place.x + all[0].place.width > all[1].place.x + 100);
        assert_eq!(all[8].place.br(), Point::new(1920, 1080));
        assert_eq!(by_count((100, 50), 1, 0.3), [Tile::whole((100, 50))]);
        assert_eq!(by_count((1, 1), 8, 0.3).len(), 64);
    }

    #[test]
    fn what_is_as_small_as_the_overlap_is_whole_in_a_tile() {
        assert!(by_side((640, 360), 640, 160).is_empty());
        for (width, height) in [(1920, 1080), (641, 10), (700, 2000), (1120, 640)] {
            let tiles = by_side((width, height), 640, 160);
            assert!(tiles.iter().all(|tile| tile.place.br().x <= width && tile.place.br().y <= height));
            for (x, y) in [(0, 0), (width - 1, 0), (width / 2, height / 2), (width - 1, height - 1)] {
                assert!(tiles.iter().any(|tile| tile.place.contains(Point::new(x, y))), "{width}×{height}");
            }
            for x in (0..(width - 160).max(1)).step_by(7) {
                let whole = |tile: &Tile| tile.place.x <= x && x + 160.min(width) <= tile.place.br().x;
                assert!(tiles.iter().any(whole), "{width}: {x}");
            }
        }
    }

    #[test]
    fn a_border_cuts_only_inside_the_picture() {
        let [left, right] = by_side((1000, 500), 640, 160)[..] else { panic!("two tiles") };
        let (at_left, at_right) = ([0.0, 0.0, 50.0, 50.0], [600.0, 450.0, 640.0, 500.0]);
        assert_eq!((left.cuts(&at_left, 2.0), left.cuts(&at_right, 2.0)), (false, true));
        assert_eq!((right.cuts(&at_left, 2.0), right.cuts(&at_right, 2.0)), (true, false));
        assert_eq!((left.back([5.0, 6.0]), right.back([5.0, 6.0])), ([5.0, 6.0], [365.0, 6.0]));
    }

    #[test]
    fn what_is_found_twice_is_kept_once_with_the_better_score() {
        let at = |x: f32, score: f32| ([x, 0.0, x + 30.0, 90.0], score);
        let once = |max| {
            let found = vec![at(0.0, 0.5), at(1.0, 0.8), at(60.0, 0.4)];
            unique(found, max, |one| one.1, |a, b| iou(&a.0, &b.0) > 0.5)
        };
        assert_eq!(once(10), [at(1.0, 0.8), at(60.0, 0.4)]);
        assert_eq!(once(1).len(), 1);
    }
}
