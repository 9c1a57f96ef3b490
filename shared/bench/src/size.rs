//! Sizes that footage is scaled to.
use crate::BenchError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names, and the width and height that each stands for.
const NAMED: [(&str, u32, u32); 5] =
    [("720p", 1280, 720), ("1080p", 1920, 1080), ("4k", 3840, 2160), ("6k", 6144, 3240), ("8k", 7680, 4320)];

/// The longest side.
const LARGEST: u32 = 16_384;

/// A box that footage is scaled to fill, its aspect kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// The largest picture of an aspect (width, height) that fits, with even sides, which codecs need.
    pub fn fit(self, (width, height): (u32, u32)) -> (u32, u32) {
        let scale =
            (f64::from(self.width) / f64::from(width.max(1))).min(f64::from(self.height) / f64::from(height.max(1)));
        let even = |side: u32| (((f64::from(side) * scale / 2.0).round() as u32) * 2).max(2);
        (even(width), even(height))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(_, width, height)| (*width, *height) == (self.width, self.height)) {
            Some((name, ..)) => out.write_str(name),
            None => write!(out, "{}x{}", self.width, self.height),
        }
    }
}

impl FromStr for Size {
    type Err = BenchError;
    fn from_str(text: &str) -> Result<Self, BenchError> {
        let named = NAMED.iter().find(|(name, ..)| text.eq_ignore_ascii_case(name));
        let written = || {
            let (width, height) = text.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        };
        let size = named.map(|(_, width, height)| (*width, *height)).or_else(written);
        let fits = |(width, height): &(u32, u32)| (16..=LARGEST).contains(width) && (16..=LARGEST).contains(height);
        let (width, height) = size.filter(fits).ok_or_else(|| {
            BenchError::Argument(format!(
                "{text:?} is no size: say 720p, 1080p, 4k, 6k, 8k, or WIDTHxHEIGHT with sides of 16 to {LARGEST} pixels"
            ))
        })?;
        Ok(Self { width, height })
    }
}

impl TryFrom<String> for Size {
    type Error = BenchError;
    fn try_from(text: String) -> Result<Self, BenchError> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_names_and_come_back() {
        for name in ["720p", "1080p", "4k", "6k", "8k", "640x360"] {
            assert_eq!(name.parse::<Size>().unwrap().to_string(), name);
        }
        assert_eq!("4K".parse::<Size>().unwrap(), Size { width: 3840, height: 2160 });
        for wrong in ["", "5k", "0x10", "99999x20", "12x", "wide"] {
            assert!(wrong.parse::<Size>().unwrap_err().to_string().contains("720p, 1080p"), "{wrong}");
        }
    }

    #[test]
    fn the_aspect_is_kept_and_sides_are_even() {
        let hd: Size = "720p".parse().unwrap();
        assert_eq!(hd.fit((1920, 1080)), (1280, 720));
        assert_eq!(hd.fit((1080, 1920)), (406, 720), "upright footage stays upright");
        assert_eq!(hd.fit((2048, 858)), (1280, 536));
        assert_eq!(hd.fit((100_000, 1)), (1280, 2));
    }
}
