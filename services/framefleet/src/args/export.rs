//! Verbs that take a finished output elsewhere: choosing, and writing it in other formats.
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use framefleet_export::{Format, ImageFormat, SplitBy, Splits, YoloTask};
use std::path::PathBuf;
use std::str::FromStr;
use strum::VariantNames;

/// `export`
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// The output
    pub output: String,
    /// What to write
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub to: Format,
    /// Where to [default: ./<output's name>.<format>]
    #[arg(short = 'o', long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// The steps to read, each with its own --step [default: those that make what the format shows]
    #[arg(long, value_name = "STEP")]
    pub step: Vec<String>,
    /// Only every Nth frame
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Only frames of a selection that `framefleet select` made [default: the last one]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub select: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: FormatArguments,
}

/// What formats can be asked for.
#[derive(Args, Debug)]
pub struct FormatArguments {
    /// coco, cvat-images, mot: write the pictures, too
    #[arg(long, help_heading = "Settings of formats")]
    pub frames: bool,
    /// What pictures are written as; kohya has PNG, mot and voc JPEG
    #[arg(long, value_name = "FORMAT", default_value = "jpg", value_parser = named::<ImageFormat>(), help_heading = "Settings of formats")]
    pub images: ImageFormat,
    /// yolo: what labels say
    #[arg(long, value_name = "TASK", default_value = "detect", value_parser = named::<YoloTask>(), help_heading = "Settings of formats")]
    pub task: YoloTask,
    /// yolo, voc: parts of the data set and their shares, as train=0.8,val=0.1,test=0.1
    #[arg(long, value_name = "SHARES", default_value = "train=1", help_heading = "Settings of formats")]
    pub split: Splits,
    /// yolo, voc: what is never divided; a shot never is
    #[arg(long, value_name = "WHAT", default_value = "item", value_parser = named::<SplitBy>(), help_heading = "Settings of formats")]
    pub split_by: SplitBy,
    /// webdataset: pictures of a shard
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Settings of formats")]
    pub shard: u64,
    /// kohya: how often a picture is shown in an epoch
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Settings of formats")]
    pub repeats: u32,
    /// kohya: what captions say, as a template: {{ name }}, {{ label }}, {{ pose.geometry.view }}, {{ records.<step>.<kind> }} …
    #[arg(long, value_name = "TEMPLATE", default_value = "{{ name or label }}", help_heading = "Settings of formats")]
    pub caption: String,
    /// kohya: cut pictures to the person, with --context around
    #[arg(long, help_heading = "Settings of formats")]
    pub crop: bool,
    /// kohya, context, blurred: surroundings of a person, pixels of the full frame
    #[arg(long, value_name = "PIXELS", default_value_t = 20, help_heading = "Settings of formats")]
    pub context: u32,
}

/// `select`
#[derive(Args, Debug)]
pub struct SelectArguments {
    /// The output
    pub output: String,
    /// Only this person, by name or number; may be given several times
    #[arg(long, value_name = "NAME")]
    pub identity: Vec<String>,
    /// Only what is so large: the shorter side of the box, pixels of the full frame
    #[arg(long, value_name = "PIXELS")]
    pub min_size: Option<f64>,
    /// Of every shot the best picture of each person
    #[arg(long)]
    pub one_per_shot: bool,
    /// No two pictures of a person more alike than this, 0 to 1: 0.9 leaves out what is nearly the same
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub max_similar: Option<f64>,
    /// So many pictures of each person, those with the sharpest faces
    #[arg(long, value_name = "N", value_parser = positive)]
    pub sharpest: Option<usize>,
    /// What the selection is called
    #[arg(long, value_name = "NAME", default_value = "selection")]
    pub name: String,
    /// Without the contact sheet
    #[arg(long)]
    pub no_sheet: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it lies between 0 and 1".to_owned()) }
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "it is a whole number above 0".to_owned())
}

/// Formats by name, with what they write in the help.
fn format_parser() -> impl TypedValueParser<Value = Format> {
    let known = Format::all().map(|format| PossibleValue::new(format.name()).help(format.about()));
    PossibleValuesParser::new(known.collect::<Vec<_>>()).try_map(|name| name.parse::<Format>())
}

/// One of a list of names.
fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantNames + FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS.iter().copied()).try_map(|name| name.parse::<T>())
}
