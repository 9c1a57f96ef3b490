//! A photographed face whose mouth opens and shuts.
use crate::Picture;

/// Height of what is dragged down with the lower lip, in widths of the mouth.
const CHIN: f64 = 0.9;
/// Gap of the widest open mouth, in widths of the mouth.
const WIDEST: f64 = 0.45;
/// What is seen between the lips.
const INSIDE: [u8; 3] = [52, 18, 20];

/// A picture of a face, and where its mouth is.
#[derive(Clone, Debug)]
pub struct TalkingFace {
    /// The face, from the front, eyes level.
    pub picture: Picture,
    /// Corners of the mouth: left and right as the viewer sees them, x and y.
    pub corners: [[f64; 2]; 2],
    /// How far the middle of the line between the lips lies below the corners, pixels.
    pub sag: f64,
}

impl TalkingFace {
    /// The face with its mouth open: 0 leaves the photograph as it is, 1 opens the lips by 0.45 times the mouth's width.
    pub fn paint(&self, opening: f64) -> Picture {
        let [[x0, y0], [x1, y1]] = self.corners;
        let half = (x1 - x0) / 2.0;
        let reach = CHIN * 2.0 * half;
        let source = &self.picture;
        Picture::from_fn(source.width, source.height, |x, y| {
            let across = (f64::from(x) - x0 - half) / half;
            let arch = 1.0 - across * across;
            if arch <= 0.0 {
                return source.get(x, y);
            }
            let line = y0 + (y1 - y0) * (across + 1.0) / 2.0 + self.sag * arch;
            let gap = WIDEST * 2.0 * half * opening.clamp(0.0, 1.0) * arch;
            let below = f64::from(y) - line;
            if below <= 0.0 || below >= reach {
                source.get(x, y)
            } else if below < gap {
                INSIDE
            } else {
                between_rows(source, x, line + (below - gap) * reach / (reach - gap))
            }
        })
    }

    /// The face seen in a mirror.
    pub fn mirrored(&self) -> Self {
        let source = &self.picture;
        let last = source.width - 1;
        let [left, right] = self.corners.map(|[x, y]| [f64::from(last) - x, y]);
        Self {
            picture: Picture::from_fn(source.width, source.height, |x, y| source.get(last - x, y)),
            corners: [right, left],
            sag: self.sag,
        }
    }
}

/// A pixel between two rows.
fn between_rows(picture: &Picture, x: u32, y: f64) -> [u8; 3] {
    let row = (y.floor() as u32).min(picture.height - 1);
    let (upper, lower) = (picture.get(x, row), picture.get(x, (row + 1).min(picture.height - 1)));
    let weight = y - y.floor();
    [0, 1, 2]
        .map(|channel| (f64::from(upper[channel]) * (1.0 - weight) + f64::from(lower[channel]) * weight).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face() -> TalkingFace {
        let picture = Picture::from_fn(80, 80, |_, y| [200, y as u8, 100]);
        TalkingFace { picture, corners: [[20.0, 40.0], [60.0, 40.0]], sag: 0.0 }
    }

    #[test]
    fn the_gap_is_as_wide_as_asked_for() {
        let face = face();
        assert_eq!(face.paint(0.0), face.picture);
        let open = face.paint(0.5);
        let dark = (0..80).filter(|y| open.get(40, *y) == INSIDE).count();
        assert!((8..=10).contains(&dark), "{dark}");
        assert_eq!(open.get(10, 45), face.picture.get(10, 45), "beside the mouth nothing moves");
        assert_eq!(open.get(40, 78), face.picture.get(40, 78), "below the chin nothing moves");
    }

    #[test]
    fn a_mirrored_face_opens_its_mouth_too() {
        let mut face = face();
        face.corners = [[10.0, 30.0], [30.0, 40.0]];
        let mirrored = face.mirrored();
        assert_eq!(mirrored.corners, [[49.0, 40.0], [69.0, 30.0]]);
        assert_eq!(mirrored.paint(1.0), TalkingFace { picture: face.paint(1.0), ..face }.mirrored().picture);
    }
}
