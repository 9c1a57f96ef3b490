//! Containers, read and not decoded: packets, their times, where clocks start anew.
mod crop;
mod demuxer;
pub mod log;
mod open;
mod side_data;
mod sound;
mod steps;
pub mod timeline;

pub use crop::Crop;
pub use demuxer::{Alpha, Demuxer, Extent, Read, audio_stream, codec_name, may_step, video_stream};
pub use side_data::VIDEO_SIDE_DATA;
pub use sound::SoundPackets;
pub use steps::Steps;
