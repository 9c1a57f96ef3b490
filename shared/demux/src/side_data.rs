//! Side data of streams.
use ffmpeg_next::ffi;

/// Side data of the video stream that speaks of the scene or the grade, not of the coding.
pub const VIDEO_SIDE_DATA: [ffi::AVPacketSideDataType; 4] = [
    ffi::AVPacketSideDataType::AV_PKT_DATA_SPHERICAL,
    ffi::AVPacketSideDataType::AV_PKT_DATA_STEREO3D,
    ffi::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
    ffi::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
];
