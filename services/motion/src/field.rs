//! Where the picture moves and how far: flow vectors in pixels of the full frame.
use crate::prepare::Prepared;
use crate::settings::{DisPreset, Method, MotionSettings};
use opencv::core::{Ptr, Vec2f};
use opencv::prelude::*;
use opencv::video::{self, DISOpticalFlow};

/// No more vectors of a dense field go into statistics; more change them by less than the flow's own error.
const SAMPLES: f64 = 16_384.0;

/// Dense inverse search looks at no smaller frame than this at its finest level, pixels.
const FINEST_HEIGHT: i32 = 64;

/// One flow vector, pixels of the full frame, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Where, in the previous frame.
    pub x: f64,
    /// Where, in the previous frame.
    pub y: f64,
    /// How far to the right.
    pub dx: f64,
    /// How far down.
    pub dy: f64,
}

/// From the analysed frame to the full one.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Full width ÷ analysed width.
    pub x: f64,
    /// Full height ÷ analysed height.
    pub y: f64,
}

impl Sample {
    /// How far, pixels.
    pub fn length(&self) -> f64 {
        (self.dx * self.dx + self.dy * self.dy).sqrt()
    }
}

impl Scale {
    /// The scale of an analysed frame whose full `size` (width, height) this is; 0 when that is not known: it is taken to be analysed in full.
    pub fn new(size: (u32, u32), analysed: &Mat) -> Self {
        let ratio =
            |full: u32, analysed: i32| if full == 0 { 1.0 } else { f64::from(full) / f64::from(analysed.max(1)) };
        Self { x: ratio(size.0, analysed.cols()), y: ratio(size.1, analysed.rows()) }
    }

    /// A vector of the analysed frame, in the full one. OpenCV counts positions from the centre of the first pixel, boxes and
    /// all we publish from its corner.
    pub fn sample(self, x: f32, y: f32, dx: f32, dy: f32) -> Sample {
        Sample {
            x: (f64::from(x) + 0.5) * self.x,
            y: (f64::from(y) + 0.5) * self.y,
            dx: f64::from(dx) * self.x,
            dy: f64::from(dy) * self.y,
        }
    }
}

/// Measures dense flow. Keeps its working memory from frame to frame, and nothing else.
pub enum DenseFlow {
    /// Dense inverse search, and the finest scale that its preset asks for.
    Dis(Ptr<DISOpticalFlow>, i32),
    /// Polynomial expansion.
    Farneback,
    /// The sparse method has no dense flow.
    None,
}

impl DenseFlow {
    /// The method that the settings ask for.
    pub fn new(settings: &MotionSettings) -> opencv::Result<Self> {
        let preset = match settings.preset {
            DisPreset::Ultrafast => video::DISOpticalFlow_PRESET_ULTRAFAST,
            DisPreset::Fast => video::DISOpticalFlow_PRESET_FAST,
            DisPreset::Medium => video::DISOpticalFlow_PRESET_MEDIUM,
        };
        match settings.method {
            Method::Dis => {
                let dis = DISOpticalFlow::create(preset)?;
                let finest = dis.get_finest_scale()?;
                Ok(Self::Dis(dis, finest))
            }
            Method::Farneback => Ok(Self::Farneback),
            Method::LucasKanade => Ok(Self::None),
        }
    }

    /// Flow from `previous` to `current`, CV_32FC2 at the analysed size in its pixels; `None` for the sparse method.
    pub fn measure(&mut self, previous: &Prepared, current: &Prepared) -> opencv::Result<Option<Mat>> {
        // A fresh matrix: given one of the right size, both methods would start from what is in it.
        let mut flow = Mat::default();
        match self {
            Self::Dis(dis, finest) => {
                dis.set_finest_scale((*finest).min(finest_scale(previous.grey.rows())))?;
                dis.calc(&previous.grey, &current.grey, &mut flow)?;
            }
            Self::Farneback => {
                let (p, c) = (&previous.grey, &current.grey);
                video::calc_optical_flow_farneback(p, c, &mut flow, 0.5, 3, 15, 3, 5, 1.2, 0)?;
            }
            Self::None => return Ok(None),
        }
        Ok(Some(flow))
    }
}

/// How often a frame of this height may be halved for the finest level of dense inverse search: the presets expect large
/// frames and underestimate motion in small ones.
fn finest_scale(height: i32) -> i32 {
    (height / FINEST_HEIGHT).max(1).ilog2() as i32
}

/// Vectors of a dense field on a regular grid of [`SAMPLES`] points at most.
pub fn samples(flow: &Mat, scale: Scale) -> opencv::Result<Vec<Sample>> {
    let step = ((flow.total() as f64 / SAMPLES).sqrt().ceil() as usize).max(1);
    let mut samples = Vec::with_capacity(flow.total() / (step * step) + 1);
    for y in (step / 2..flow.rows() as usize).step_by(step) {
        let row = flow.at_row::<Vec2f>(y as i32)?;
        for x in (step / 2..row.len()).step_by(step) {
            samples.push(scale.sample(x as f32, y as f32, row[x][0], row[x][1]));
        }
    }
    Ok(samples)
}
