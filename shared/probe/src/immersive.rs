//! What the headers say of stereoscopic and spherical footage: `st3d` and `sv3d` boxes and their like. The shape of a frame says nothing:
//! 2:1 is that of 360° pictures and of two eyes side by side alike.
use ffmpeg_next::{codec::packet::side_data::Type, format};

/// How the pictures of two eyes lie in a frame, as [`framefleet_frames::Item::stereo`] has it; empty when the headers do not say, or say what is not known
/// here (eyes that take turns by frames or lines).
pub(super) fn stereo(stream: &format::stream::Stream<'_>) -> &'static str {
    match first_number(stream, Type::Stereo3d) {
        Some(0) => "mono",
        Some(1) => "side_by_side",
        Some(2) => "over_under",
        _ => "",
    }
}

/// The projection of spherical footage, by FFmpeg's names; empty for flat pictures.
pub(super) fn projection(stream: &format::stream::Stream<'_>) -> &'static str {
    match first_number(stream, Type::DataSpherical) {
        Some(0) => "equirectangular",
        Some(1) => "cubemap",
        Some(2) => "tiled equirectangular",
        Some(3) => "half equirectangular",
        Some(4) => "rectilinear",
        Some(5) => "fisheye",
        _ => "",
    }
}

/// What both structures begin with: which of its kinds it is.
fn first_number(stream: &format::stream::Stream<'_>, kind: Type) -> Option<i32> {
    let data = stream.side_data().find(|data| data.kind() == kind)?;
    let bytes: [u8; 4] = data.data().get(..4)?.try_into().ok()?;
    Some(i32::from_ne_bytes(bytes))
}
