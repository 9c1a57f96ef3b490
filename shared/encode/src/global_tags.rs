//! What a film says of itself beside its streams: title, date, place, camera.
use super::EncodeError;
use ffmpeg_next as ffmpeg;
use std::collections::BTreeSet;
use std::path::Path;

/// Tags that speak of the file's form, which the muxer writes on its own, and the time code, which belongs to the pictures.
const OF_THE_FORM: [&str; 8] = [
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "handler_name",
    "vendor_id",
    "duration",
    "timecode",
];

/// Tags of a source that a joined file does not have, in words. Files of other kinds write names in other letters.
pub(super) fn missing(tags: &[(String, String)], joined: &Path) -> Result<Vec<String>, EncodeError> {
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let input = ffmpeg::format::input(joined).map_err(EncodeError::ffmpeg(joined, "opening the joined file"))?;
    let there: BTreeSet<String> = input.metadata().iter().map(|(key, _)| key.to_lowercase()).collect();
    let lost = |key: &String| {
        let key = key.to_lowercase();
        !OF_THE_FORM.contains(&key.as_str()) && !there.contains(&key)
    };
    let lost = tags.iter().filter(|(key, _)| lost(key));
    Ok(lost.map(|(key, value)| format!("tag {key} ({value:?}): such files do not keep it")).collect())
}
