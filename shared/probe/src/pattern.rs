//! Patterns of paths (`shots/**/*.mov`), and which folders can hold what they match.
use globset::{Error, GlobBuilder, GlobMatcher};
use std::path::Path;

/// A pattern of paths below a folder.
pub(super) struct Pattern {
    whole: GlobMatcher,
    /// Its parts up to the first that may stand for several.
    parts: Vec<GlobMatcher>,
    /// Whether these are all.
    is_exact: bool,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Result<Self, Error> {
        let matcher = |pattern: &str| {
            GlobBuilder::new(pattern).literal_separator(true).build().map(|glob| glob.compile_matcher())
        };
        let whole = matcher(pattern)?;
        // Braces may hold a separator, and two asterisks stand for any number of parts.
        let mut parts = Vec::new();
        let is_one = |part: &&str| !part.contains("**") && !part.contains(['{', '}']);
        for part in pattern.split('/').take_while(is_one) {
            parts.push(matcher(part)?);
        }
        let is_exact = parts.len() == pattern.split('/').count();
        Ok(Self { whole, parts, is_exact })
    }

    /// Whether it matches a relative path.
    pub(super) fn matches(&self, relative: &Path) -> bool {
        self.whole.is_match(relative)
    }

    /// Whether a relative path matches it or is on the way to one that does.
    pub(super) fn may_lead_to(&self, relative: &Path) -> bool {
        let depth = relative.components().count();
        (!self.is_exact || depth <= self.parts.len())
            && relative.components().zip(&self.parts).all(|(part, matcher)| matcher.is_match(part.as_os_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_off_the_way_are_not_looked_into() {
        let leads = |pattern: &str, path: &str| Pattern::new(pattern).unwrap().may_lead_to(Path::new(path));
        assert!(leads("*.mp4", "a.mp4") && !leads("*.mp4", "loop") && !leads("*.mp4", "a.mp4/b"));
        assert!(leads("day*/*.mp4", "day1") && leads("day*/*.mp4", "day1/a.mp4") && !leads("day*/*.mp4", "night"));
        assert!(leads("**/*.mp4", "any/where") && leads("day*/**/a.mp4", "day1/x/y") && !leads("day*/**/a.mp4", "x/y"));
        assert!(leads("{a/b,c}/*.mp4", "a/b/x"), "braces may hold separators");
    }
}
