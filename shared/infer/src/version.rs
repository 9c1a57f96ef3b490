//! Versions of drivers and libraries.
use serde::Serialize;
use std::fmt;

/// A version: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Version {
    /// Of a number that a library states: major, minor and patch with these weights.
    pub(crate) fn of(number: u64, major: u64, minor: u64) -> Self {
        Self((number / major) as u32, (number % major / minor) as u32, (number % minor) as u32)
    }
}
