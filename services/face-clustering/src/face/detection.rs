//! Finding faces: one image in, boxes, five landmarks and scores out, in its own pixels.
mod anchors;
mod centerface;
mod second;
mod turned;

use crate::face::tensor::{Order, Planes};
use crate::settings::FaceClusteringSettings;
use framefleet_infer::{InferError, ItemOutputs, Session};
use framefleet_perception::PerceptionError;
use framefleet_perception::tiles::{self, Tile};
use framefleet_stage::SetupError;
use framefleet_vision::boxes::{self, BBox};
use framefleet_vision::letterbox::Letterbox;
use opencv::core::{Mat, Scalar};
use opencv::prelude::*;
pub use turned::Turn;

/// Models see squares of so many pixels.
pub const SIDE: u32 = 640;
/// Pixels by which neighbouring tiles overlap: no face up to this size is cut in all of them.
const TILE_OVERLAP: i32 = 160;
/// A box this close to a tile's inner border may be cut, pixels.
const BORDER: f32 = 2.0;

/// A face in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Left, top, right, bottom.
    pub bbox: BBox,
    /// Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them.
    pub landmarks: [[f32; 2]; 5],
    /// 0–1.
    pub score: f32,
    /// How sure a second look is, 0–1: see [`Detector::looks_twice`].
    pub confirmed: f32,
}

impl Detection {
    /// Its shorter side.
    pub fn size(&self) -> f32 {
        (self.bbox[2] - self.bbox[0]).min(self.bbox[3] - self.bbox[1])
    }

    /// Whether all of it are numbers.
    fn is_finite(&self) -> bool {
        let points = self.landmarks.as_flattened().iter().chain(&self.bbox);
        points.chain([&self.score]).all(|number| number.is_finite())
    }

    /// The same with every point moved.
    fn mapped(self, to: impl Fn([f32; 2]) -> [f32; 2]) -> Self {
        let [x0, y0, x1, y1] = self.bbox;
        let ([x0, y0], [x1, y1]) = (to([x0, y0]), to([x1, y1]));
        Self { bbox: [x0, y0, x1, y1], landmarks: self.landmarks.map(to), ..self }
    }
}

/// Models whose numbers are understood. The names of their outputs distinguish them.
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

    /// All faces of a score of at least `min`, in pixels of the square.
    fn decode(self, outputs: &ItemOutputs<'_, '_>, min: f32) -> Result<Vec<Detection>, InferError> {
        match self {
            Self::YuNet => anchors::yunet(outputs, SIDE as usize, min),
            Self::Scrfd => anchors::scrfd(outputs, SIDE as usize, min),
            Self::CenterFace => centerface::centerface(outputs, min),
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
    pub fn new(session: Session) -> Result<Self, SetupError> {
        let outputs = session.outputs().map_err(|error| SetupError(error.to_string()))?;
        let known = Architecture::ALL.iter().find(|(.., sign)| outputs.iter().any(|spec| spec.name == *sign));
        let Some((architecture, ..)) = known else {
            let names = Architecture::ALL.map(|(_, name, _)| name).join(", ");
            return Err(SetupError(format!(
                "{} is no face detector of an architecture that this stage knows ({names}): set face-clustering.detector \
                 to one that is",
                session.name()
            )));
        };
        Ok(Self { session, architecture: *architecture })
    }

    /// The faces of every image (RGB, CV_8UC3), in its pixels, the best first. With `small`, images larger than the model's
    /// square are also searched piece by piece.
    pub fn detect(
        &self,
        images: &[&impl MatTraitConst],
        small: bool,
        settings: &FaceClusteringSettings,
    ) -> Result<Vec<Vec<Detection>>, PerceptionError> {
        let searched: Vec<(usize, Tile)> = images
            .iter()
            .enumerate()
            .flat_map(|(at, image)| parts(*image, small).into_iter().map(move |tile| (at, tile)))
            .collect();
        let letterbox =
            |tile: &Tile| Letterbox::top_left((tile.place.width as u32, tile.place.height as u32), (SIDE, SIDE));
        let in_parts = self.run(searched.len(), settings.min_score as f32, |item| {
            let (at, tile) = &searched[item];
            Ok(letterbox(tile).apply(&Mat::roi(images[*at], tile.place)?, Scalar::all(0.0))?)
        })?;
        let mut found: Vec<Vec<Detection>> = vec![Vec::new(); images.len()];
        for ((at, tile), faces) in searched.iter().zip(in_parts) {
            let letterbox = letterbox(tile);
            let faces = faces.into_iter().map(|face| face.mapped(|point| letterbox.back(point)));
            let faces = faces.filter(|face| face.size() >= settings.min_size as f32 && face.is_finite());
            let faces = faces.filter(|face| tile.is_whole() || is_uncut(face, tile));
            found[*at].extend(faces.map(|face| face.mapped(|point| tile.back(point))));
        }
        let same =
            |better: &Detection, face: &Detection| boxes::iou(&better.bbox, &face.bbox) > settings.max_overlap as f32;
        for faces in &mut found {
            *faces = tiles::unique(std::mem::take(faces), settings.max_faces as usize, |face| face.score, same);
        }
        self.looks_twice(images, &mut found)?;
        Ok(found)
    }

    /// What the model finds in each of so many squares of its size, as it finds it, in micro-batches. `square` makes them, in order,
    /// each when its place in a batch is free.
    fn run(
        &self,
        count: usize,
        min: f32,
        square: impl Fn(usize) -> Result<Mat, PerceptionError>,
    ) -> Result<Vec<Vec<Detection>>, PerceptionError> {
        let (input, planes) = self.architecture.planes();
        let mut found = Vec::with_capacity(count);
        self.session.run_batches::<PerceptionError>(
            count,
            &[],
            |item, inputs| Ok(planes.write(&square(item)?, inputs.input::<f32>(input)?)?),
            |_, outputs| {
                found.push(self.architecture.decode(outputs, min)?);
                Ok(())
            },
        )?;
        Ok(found)
    }
}

/// The parts of an image that are searched.
fn parts(image: &impl MatTraitConst, small: bool) -> Vec<Tile> {
    let size = (image.cols(), image.rows());
    let mut all = vec![Tile::whole(size)];
    if small {
        all.extend(tiles::by_side(size, SIDE as i32, TILE_OVERLAP));
    }
    all
}

/// Whether a face found in a tile is small enough to be whole in one, and does not touch a border inside the image.
fn is_uncut(face: &Detection, tile: &Tile) -> bool {
    let [x0, y0, x1, y1] = face.bbox;
    !tile.cuts(&face.bbox, BORDER) && (x1 - x0).max(y1 - y0) <= TILE_OVERLAP as f32
}
