//! Finding faces: one picture in, boxes, five landmarks and scores out, in its own pixels.
mod anchors;
mod centerface;

use crate::settings::FaceClusteringSettings;
use crate::tensor::{Order, Planes};
use framefleet_infer::{InferError, OutputViews, Session, TensorView};
use framefleet_stage::{SetupError, StageError};
use framefleet_vision::boxes::{self, Corners};
use framefleet_vision::letterbox::Letterbox;
use ndarray::{Array4, Axis};
use opencv::core::{Mat, Rect, Scalar};
use opencv::prelude::*;

/// Networks see squares of so many pixels.
pub const SIDE: u32 = 640;
/// Pixels by which neighbouring tiles overlap: no face up to this size is cut in all of them.
const TILE_OVERLAP: i32 = 160;
/// A box this close to a tile's inner border may be cut, pixels.
const BORDER: f32 = 2.0;

/// A face in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Left, top, right, bottom.
    pub corners: Corners,
    /// Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them.
    pub landmarks: [[f32; 2]; 5],
    /// 0–1.
    pub score: f32,
}

impl Found {
    /// Its shorter side.
    pub fn size(&self) -> f32 {
        (self.corners[2] - self.corners[0]).min(self.corners[3] - self.corners[1])
    }

    /// Whether all of it are numbers.
    fn is_finite(&self) -> bool {
        let points = self.landmarks.as_flattened().iter().chain(&self.corners);
        points.chain([&self.score]).all(|number| number.is_finite())
    }

    /// The same with every point moved.
    fn mapped(self, to: impl Fn([f32; 2]) -> [f32; 2]) -> Self {
        let [x0, y0, x1, y1] = self.corners;
        let ([x0, y0], [x1, y1]) = (to([x0, y0]), to([x1, y1]));
        Self { corners: [x0, y0, x1, y1], landmarks: self.landmarks.map(to), score: self.score }
    }
}

/// Networks whose numbers are understood. They are told apart by the names of their outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Architecture {
    /// Wu et al. 2023, as OpenCV's zoo has it (2023mar).
    YuNet,
    /// Guo et al. 2021, two anchors per cell.
    Scrfd,
    /// Xu et al. 2019.
    CenterFace,
}

impl Architecture {
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::YuNet, "YuNet", "obj_8"), (Self::Scrfd, "SCRFD", "score_8"), (Self::CenterFace, "CenterFace", "537")];

    fn planes(self) -> (&'static str, Planes) {
        match self {
            Self::YuNet => ("input", Planes { order: Order::Bgr, shift: 0.0, scale: 1.0 }),
            Self::Scrfd => ("input.1", Planes { order: Order::Rgb, shift: 127.5, scale: 1.0 / 128.0 }),
            Self::CenterFace => ("input.1", Planes { order: Order::Rgb, shift: 0.0, scale: 1.0 }),
        }
    }

    /// All faces of a score of at least `least`, in pixels of the square.
    fn decode(self, outputs: &OutputViews<'_, '_>, least: f32) -> Result<Vec<Found>, InferError> {
        match self {
            Self::YuNet => anchors::yunet(outputs, SIDE as usize, least),
            Self::Scrfd => anchors::scrfd(outputs, SIDE as usize, least),
            Self::CenterFace => centerface::centerface(outputs, least),
        }
    }
}

/// A detector, ready to run.
pub struct Detector {
    session: Session,
    architecture: Architecture,
}

impl Detector {
    /// The detector that a model is.
    ///
    /// # Errors
    /// An architecture that the stage does not know.
    pub fn new((id, session): (String, Session)) -> Result<Self, SetupError> {
        let outputs = session.outputs().map_err(|error| SetupError(error.to_string()))?;
        let known = Architecture::ALL.iter().find(|(.., sign)| outputs.iter().any(|spec| spec.name == *sign));
        let Some((architecture, ..)) = known else {
            let names = Architecture::ALL.map(|(_, name, _)| name).join(", ");
            return Err(SetupError(format!(
                "{id} is no face detector of an architecture that this stage knows ({names}): set face-clustering.detector \
                 to one that is"
            )));
        };
        Ok(Self { session, architecture: *architecture })
    }

    /// The faces of a picture (RGB, CV_8UC3), in its pixels, the best first. With `tiles`, pictures larger than the network's
    /// square are also searched piece by piece.
    pub fn detect(&self, rgb: &Mat, tiles: bool, settings: &FaceClusteringSettings) -> Result<Vec<Found>, StageError> {
        let whole = Rect::new(0, 0, rgb.cols(), rgb.rows());
        let mut views = vec![whole];
        if tiles {
            views.extend(tiles_of(rgb.cols(), rgb.rows()));
        }
        let mut found: Vec<Found> = Vec::new();
        let letterbox =
            |view: &Rect| Letterbox::top_left((view.width.max(1) as u32, view.height.max(1) as u32), (SIDE, SIDE));
        let (input, planes) = self.architecture.planes();
        let least = settings.min_score as f32;
        let mut pixels = Array4::<f32>::zeros((1, 3, SIDE as usize, SIDE as usize));
        for (number, view) in views.iter().enumerate() {
            let letterbox = letterbox(view);
            let part = rgb.roi(*view).and_then(|part| part.try_clone()).map_err(Problem::from)?;
            let square = letterbox.apply(&part, Scalar::all(0.0)).map_err(Problem::from)?;
            planes.write(&square, pixels.index_axis_mut(Axis(0), 0).into_dyn()).map_err(Problem::from)?;
            let inputs = [(input, TensorView::from(pixels.view().into_dyn()))];
            let faces = self.session.run_with(&inputs, |outputs| self.architecture.decode(outputs, least));
            let faces = faces.map_err(Problem::from)?.map_err(Problem::from)?.into_iter();
            let faces = faces.map(|face| face.mapped(|point| letterbox.back(point)));
            let faces = faces.filter(|face| face.size() >= settings.min_size as f32 && face.is_finite());
            let faces = faces.filter(|face| number == 0 || is_whole(face, view, &whole));
            found.extend(faces.map(|face| face.mapped(|[x, y]| [x + view.x as f32, y + view.y as f32])));
        }
        let (corners, scores): (Vec<Corners>, Vec<f32>) = found.iter().map(|face| (face.corners, face.score)).unzip();
        let kept = boxes::suppress(&corners, &scores, settings.max_overlap as f32);
        Ok(kept.into_iter().take(settings.max_faces as usize).map(|index| found[index].clone()).collect())
    }
}

/// Squares of the network's size that cover a picture, overlapping; none when it fits into one.
fn tiles_of(width: i32, height: i32) -> Vec<Rect> {
    let side = SIDE as i32;
    if width.max(height) <= side {
        return Vec::new();
    }
    let starts = |length: i32| {
        let last = (length - side).max(0);
        (0..=last).step_by((side - TILE_OVERLAP) as usize).chain(std::iter::once(last)).collect::<Vec<i32>>()
    };
    let mut tiles = Vec::new();
    for y in starts(height) {
        for x in starts(width) {
            let tile = Rect::new(x, y, side.min(width), side.min(height));
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
    }
    tiles
}

/// Whether a face found in a tile is small enough to be whole in one, and does not touch a border inside the picture.
fn is_whole(face: &Found, tile: &Rect, picture: &Rect) -> bool {
    let [x0, y0, x1, y1] = face.corners;
    let (width, height) = (tile.width as f32, tile.height as f32);
    let inner = [
        (tile.x > 0, x0 < BORDER),
        (tile.y > 0, y0 < BORDER),
        (tile.x + tile.width < picture.width, x1 > width - BORDER),
        (tile.y + tile.height < picture.height, y1 > height - BORDER),
    ];
    let touches = inner.into_iter().any(|(inside, near)| inside && near);
    !touches && (x1 - x0).max(y1 - y0) <= TILE_OVERLAP as f32
}

/// What can go wrong while a network runs.
pub enum Problem {
    /// The network.
    Infer(InferError),
    /// The picture.
    Picture(String),
}

impl From<InferError> for Problem {
    fn from(error: InferError) -> Self {
        Self::Infer(error)
    }
}

impl From<opencv::Error> for Problem {
    fn from(error: opencv::Error) -> Self {
        Self::Picture(error.to_string())
    }
}

impl From<framefleet_vision::VisionError> for Problem {
    fn from(error: framefleet_vision::VisionError) -> Self {
        Self::Picture(error.to_string())
    }
}

impl From<Problem> for StageError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Infer(error) => Self::retry(error),
            Problem::Picture(reason) => Self::BadInput(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_picture_and_overlap() {
        assert!(tiles_of(640, 360).is_empty());
        for (width, height) in [(1920, 1080), (641, 10), (700, 2000), (1120, 640)] {
            let tiles = tiles_of(width, height);
            for (x, y) in [(0, 0), (width - 1, 0), (width / 2, height / 2), (width - 1, height - 1)] {
                assert!(tiles.iter().any(|tile| tile.contains(opencv::core::Point::new(x, y))), "{width}×{height}");
            }
            assert!(tiles.iter().all(|tile| tile.x + tile.width <= width && tile.y + tile.height <= height));
            // A face of the overlap's size is whole somewhere, wherever it lies.
            for x in (0..(width - TILE_OVERLAP).max(1)).step_by(7) {
                let inside = |tile: &Rect| tile.x <= x && x + TILE_OVERLAP.min(width) <= tile.x + tile.width;
                assert!(tiles.iter().any(inside), "{width}: {x}");
            }
        }
    }
}
