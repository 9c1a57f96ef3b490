//! How many failures end a job.

/// How many frames may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailureLimit {
    /// So many.
    Frames(u64),
    /// This share of all frames, 0..1.
    Share(f64),
}

impl FailureLimit {
    /// The number of frames, of so many in all.
    pub fn frames(self, of: u64) -> u64 {
        match self {
            Self::Frames(frames) => frames,
            Self::Share(share) => (of as f64 * share).floor() as u64,
        }
    }
}

impl std::fmt::Display for FailureLimit {
    /// As it can be read again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frames(frames) => write!(f, "{frames}"),
            Self::Share(share) => write!(f, "{}%", 100.0 * share),
        }
    }
}

impl std::str::FromStr for FailureLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is neither a number of frames (20) nor a share (2%)");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Frames).map_err(|_| wrong()),
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Share(percent / 100.0)),
                _ => Err(wrong()),
            },
        }
    }
}
