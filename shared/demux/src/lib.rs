//! Containers, read and not decoded: packets, their times, where clocks start anew.
mod audio_packets;
mod crop;
mod demuxer;
pub mod log;
mod open;
mod read_ahead;
mod side_data;
mod steps;
mod streams;
pub mod timeline;

pub use audio_packets::AudioPackets;
pub use crop::Crop;
pub use demuxer::{Alpha, Demuxer, Extent, Read, may_step};
pub use read_ahead::ReadAhead;
pub use side_data::VIDEO_SIDE_DATA;
pub use streams::{codec_name, film_stream, several_films, sound_tracks};
