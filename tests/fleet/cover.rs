//! A stage that knows where something is.
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Image, Kind, Mask, PixelFormat};
use framefleet_masks::Rle;
use framefleet_stage::{Batch, HalfNeeds, Host, Job, Needs, Outputs, Settings, SetupError, Stage, StageError};
use framefleet_vision::mat::view;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a square is in frame 0 and how it moves, pixels of the full frame.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CoverSettings {
    /// Left, top and side.
    pub square: [f64; 3],
    /// To the right and down, per frame.
    pub velocity: [f64; 2],
    /// Numbers of frames that fail.
    pub breaks_on: Vec<u64>,
}

impl Settings for CoverSettings {}

/// Makes kind `mask` of a square that moves as the settings say.
pub struct Cover(CoverSettings);

impl Stage for Cover {
    const NAME: &'static str = "cover";
    const ABOUT: &'static str = "masks of a square that moves as the settings say";
    const VERSION: u32 = 1;
    type Settings = CoverSettings;

    fn needs(_: &CoverSettings) -> Needs {
        Needs { process: HalfNeeds { makes: vec![Kind::new("mask")], ..HalfNeeds::default() }, ..Needs::default() }
    }

    fn load(_: &Host, settings: &CoverSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &number in batch.frames() {
            let (width, height) = batch.frame_size(number);
            if self.0.breaks_on.contains(&number) {
                out.fail(number, "no-cover", "was told to break here");
                continue;
            }
            let [left, top, side] = self.0.square;
            let (left, top) = (left + self.0.velocity[0] * number as f64, top + self.0.velocity[1] * number as f64);
            let touches = |at: u32, start: f64| f64::from(at) + 1.0 > start && f64::from(at) < start + side;
            let row = |y: u32| (0..width).map(move |x| (x, y));
            let covered = |(x, y): (u32, u32)| if touches(x, left) && touches(y, top) { 255 } else { 0 };
            let pixels: Vec<u8> = (0..height).flat_map(row).map(covered).collect();
            let picture = Image::new(PixelFormat::Grey8, width, height, pixels).map_err(StageError::bad_input)?;
            let runs = Rle::of(&view(&picture).map_err(StageError::bad_input)?).map_err(StageError::bad_input)?;
            let box_ = runs.bounds().map(|bounds| bounds.map(|side| side as f32).to_vec()).unwrap_or_default();
            let mask = Mask {
                r#box: box_,
                area: runs.area(),
                score: 1.0,
                label: "person".to_owned(),
                run_lengths: Some(runs.text()),
                ..Mask::default()
            };
            if runs.area() > 0 {
                out.annotate(number, Annotation { instance: 0, value: Some(Value::Mask(mask)) });
            }
        }
        Ok(())
    }
}
