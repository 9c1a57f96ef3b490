//! A stage that makes frames of another size, depth and colour.
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::made::{self, Shape, Size};
use framefleet_frames::{Colour, Depth, Frame, Image, MadeFrames, Rational, Rendition};
use framefleet_stage::{Batch, Host, Input, Job, Needs, Outputs, Settings, SetupError, Stage, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What frames become.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResizeSettings {
    /// Both sides times the first over the second.
    pub scale: [i64; 2],
    /// The long side, pixels; 0 goes by the scale.
    pub long_edge: u32,
    /// 8 or 16; 0 keeps the depth.
    pub bits: u32,
    /// Primaries, transfer, matrix and range; empty keeps the colour. The pixels stay as they are.
    pub colour: Vec<String>,
    /// Numbers of frames that it makes one pixel too wide.
    pub wrong: Vec<u64>,
    /// Frames before and after that it looks at, and does not need.
    pub radius: u64,
}

impl Default for ResizeSettings {
    fn default() -> Self {
        Self { scale: [2, 1], long_edge: 0, bits: 0, colour: Vec::new(), wrong: Vec::new(), radius: 0 }
    }
}

impl Settings for ResizeSettings {}

impl ResizeSettings {
    fn rule(&self) -> MadeFrames {
        let [num, den] = self.scale;
        let colour = |[primaries, transfer, matrix, range]: [String; 4]| Colour {
            primaries,
            transfer,
            matrix,
            range,
            ..Colour::default()
        };
        MadeFrames {
            alpha: false,
            size: Some(match self.long_edge {
                0 => Size::Scale(Rational { num, den }),
                pixels => Size::LongEdge(pixels),
            }),
            depth: match self.bits {
                8 => Depth::Eight.into(),
                16 => Depth::Sixteen.into(),
                _ => Depth::Same.into(),
            },
            colour: self.colour.clone().try_into().ok().map(colour),
        }
    }
}

/// Makes full frames out of the latest ones: the nearest pixels, and the same values in another depth.
pub struct Resize(ResizeSettings);

impl Stage for Resize {
    const NAME: &'static str = "resize";
    const ABOUT: &'static str = "frames of another size, depth and colour";
    const VERSION: u32 = 1;
    type Settings = ResizeSettings;

    fn needs(settings: &ResizeSettings) -> Needs {
        Needs {
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            halo: framefleet_stage::Halo { before: settings.radius, after: settings.radius },
            made: Some(settings.rule()),
            ..Needs::default()
        }
    }

    fn load(_: &Host, settings: &ResizeSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &number in batch.frames() {
            let Some(frame) = batch.frame(Rendition::Full, number) else { continue };
            let mut shape = made::of_frame(&self.0.rule(), Shape::of(&frame.image));
            shape.width += u32::from(self.0.wrong.contains(&number));
            let image = resized(&frame.image, shape).map_err(StageError::bad_input)?;
            out.frame(Frame { number, pts_ns: frame.pts_ns, image });
        }
        Ok(())
    }
}

/// The nearest pixels at another size and depth.
fn resized(image: &Image, to: Shape) -> Result<Image, framefleet_frames::ImageError> {
    let pixel = channels(image.format()) * channel_bytes(image.format());
    let row_bytes = image.width() as usize * pixel;
    let nearest = |at: usize, from: u32, to: u32| (2 * at + 1) * from as usize / (2 * to as usize);
    let columns: Vec<usize> = (0..to.width as usize).map(|x| nearest(x, image.width(), to.width) * pixel).collect();
    let made_row = to.bytes() as usize / to.height as usize;
    let mut data: Vec<u8> = Vec::with_capacity(to.bytes() as usize);
    let mut last = usize::MAX;
    for y in 0..to.height as usize {
        let from = nearest(y, image.height(), to.height);
        if from == last {
            data.extend_from_within(data.len() - made_row..);
            continue;
        }
        last = from;
        let row = &image.data()[from * row_bytes..][..row_bytes];
        for &column in &columns {
            convert(&row[column..column + pixel], channel_bytes(image.format()), channel_bytes(to.format), &mut data);
        }
    }
    Image::new(to.format, to.width, to.height, data)
}

/// A pixel's channels in another depth.
fn convert(pixel: &[u8], from: usize, to: usize, data: &mut Vec<u8>) {
    match (from, to) {
        (1, 2) => data.extend(pixel.iter().flat_map(|value| [*value, *value])),
        (2, 1) => data.extend(pixel.chunks_exact(2).map(|value| value[1])),
        _ => data.extend_from_slice(pixel),
    }
}
