//! Containers, read and not decoded: packets, their times, where clocks start anew.
mod crop;
mod demuxer;
pub mod log;
mod open;
mod side_data;
mod sound;
mod steps;
mod streams;
pub mod timeline;

pub use crop::Crop;
pub use demuxer::{Alpha, Demuxer, Extent, Read, codec_name, may_step};
pub use side_data::VIDEO_SIDE_DATA;
pub use sound::SoundPackets;
pub use steps::Steps;
pub use streams::{film_stream, several_films, sound_tracks};
