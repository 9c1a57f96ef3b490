//! What formats can be asked for besides the format.
use std::str::FromStr;

/// Settings of all formats; each reads those that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Surroundings of an instance in context and blurred pictures, and of what is cropped, pixels.
    pub context: u32,
    /// Whether pictures are written beside annotations, where a format can do without.
    pub frames: bool,
    /// What pictures are written as.
    pub images: ImageFormat,
    /// What the labels of `yolo` say.
    pub yolo: YoloTask,
    /// How `yolo` and `voc` divide pictures.
    pub splits: Splits,
    /// Pictures of a shard of `webdataset`.
    pub shard_frames: u64,
    /// Times that `kohya` shows a picture in an epoch: the number in its folders' names.
    pub repeats: u32,
    /// What `kohya` writes about a picture, a minijinja template.
    pub caption: String,
    /// Whether `kohya` cuts pictures to the person, with `context` around.
    pub crop: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            context: 20,
            frames: false,
            images: ImageFormat::Jpg,
            yolo: YoloTask::Detect,
            splits: Splits::default(),
            shard_frames: 1000,
            repeats: 10,
            caption: "{{ name or label }}".to_owned(),
            crop: false,
        }
    }
}

/// What pictures are written as. Stills that are of the format already, and upright, are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum ImageFormat {
    /// JPEG of quality 95.
    Jpg,
    /// PNG.
    Png,
}

impl ImageFormat {
    /// The extension of its files, with the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpg => ".jpg",
            Self::Png => ".png",
        }
    }
}

/// What the labels of `yolo` say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum YoloTask {
    /// Boxes.
    Detect,
    /// Outlines of masks.
    Segment,
    /// Boxes of persons with 17 points.
    Pose,
}

/// What is never divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum SplitBy {
    /// A film, a still.
    #[default]
    Item,
    /// A shot, a still.
    Shot,
    /// A person, with all shots and stills that show him.
    Identity,
}

/// Named parts of a data set and their shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// Names and shares, which add up to 1.
    pub shares: Vec<(String, f64)>,
    /// What stays together.
    pub by: SplitBy,
}

impl Default for Splits {
    /// All of it is for training.
    fn default() -> Self {
        Self { shares: vec![("train".to_owned(), 1.0)], by: SplitBy::Item }
    }
}

/// Parses shares, as `train=0.8,val=0.1,test=0.1`; sums other than 1 are divided by.
impl FromStr for Splits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |part: &str| {
            let (name, share) = part.split_once('=').ok_or_else(|| format!("\"{part}\" is no name=share"))?;
            let name = name.trim();
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let share: f64 = share.trim().parse().map_err(|_| format!("\"{share}\" is no number"))?;
            match is_name && share > 0.0 && share.is_finite() {
                true => Ok((name.to_owned(), share)),
                false => Err(format!("\"{part}\": a name of letters and digits, and a share above 0")),
            }
        };
        let mut shares = text.split(',').map(share).collect::<Result<Vec<_>, String>>()?;
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        shares.iter_mut().for_each(|(_, share)| *share /= sum);
        let mut names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("\"{}\" is named twice", pair[0])),
            None => Ok(Self { shares, by: SplitBy::Item }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_parsed_and_add_up() {
        let splits: Splits = "train=8, val=1,test=1".parse().unwrap();
        assert_eq!(splits.shares, [("train".to_owned(), 0.8), ("val".to_owned(), 0.1), ("test".to_owned(), 0.1)]);
        for wrong in ["", "train", "train=x", "train=0", "a/b=1", "a=1,a=1", "a=-1"] {
            assert!(wrong.parse::<Splits>().is_err(), "{wrong}");
        }
    }
}
