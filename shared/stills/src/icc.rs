//! Which pixels an ICC profile speaks of (ICC.1:2022, 7.2.6: the data colour space in its header).
use framefleet_frames::PixelFormat;
use framefleet_frames::frame::channels;

/// Where the signature of the space stands.
const SPACE: std::ops::Range<usize> = 16..20;

/// Whether a profile describes pixels of a format: a grey one those of one channel, an RGB one the others. CMYK and Lab ones describe none that
/// frames have.
pub fn fits(profile: &[u8], format: PixelFormat) -> bool {
    let wanted = if channels(format) == 1 { b"GRAY" } else { b"RGB " };
    profile.get(SPACE).is_some_and(|space| space == wanted)
}

/// The name of a profile's space, for people.
pub fn space(profile: &[u8]) -> String {
    let name = profile.get(SPACE).map(|space| String::from_utf8_lossy(space).trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
