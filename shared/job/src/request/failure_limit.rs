//! How many failures end a job.

/// How many frames may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailureLimit {
    /// So many.
    Frames(u64),
    /// So many of a hundred frames, 0 to 100.
    Percent(f64),
}

impl FailureLimit {
    /// The number of frames, of so many in all.
    pub fn frames(self, of: u64) -> u64 {
        match self {
            Self::Frames(frames) => frames,
            Self::Percent(percent) => (of as f64 * (percent / 100.0)).floor() as u64,
        }
    }
}

impl std::fmt::Display for FailureLimit {
    /// As it can be read again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frames(frames) => write!(f, "{frames}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
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
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_frames_and_anything_else_is_refused() {
        let limit = |text: &str| text.parse::<FailureLimit>().map(|limit| limit.frames(1000));
        assert_eq!(limit("20"), Ok(20));
        assert_eq!(limit("2%"), Ok(20));
        assert_eq!(limit("0.25 %"), Ok(2));
        for wrong in ["", "%", "-1", "101%", "NaN%", "two"] {
            let text = format!("\"{wrong}\" is neither a number of frames (20) nor a share (2%)");
            assert_eq!(limit(wrong), Err(text));
        }
    }
}
