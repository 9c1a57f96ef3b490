//! Pieces and the rest of the source to one file, by copying packets.
use super::coding::{Coding, ticks};
use super::ffmpeg_names::{FfmpegCodec, FfmpegContainer};
use super::side_streams::{SidePacket, SideStreams};
use super::{EncodeError, Join, global_tags, pieces::Pieces, verify::verify};
use ffmpeg_next::{self as ffmpeg, Dictionary, Packet, codec, ffi, format::context::Output};
use framefleet_formats::Container;
use std::path::{Path, PathBuf};

/// What QuickTime's own tags begin with.
const QUICKTIME_TAG: &str = "com.apple.quicktime.";

/// What came of joining.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Video frames in the file, counted by reading it again.
    pub frames: u64,
    /// Streams and data of the source that the file does not have, or not as they were, each with the reason.
    pub left_out: Vec<String>,
    /// The source has sound that was to come along, and nothing of it could: the container does not carry it.
    pub lacks_sound: bool,
}

/// Joins pieces to the file `output` and verifies it: as many frames as the pieces have, at the same times.
///
/// From the source come: audio and subtitle streams that the container carries (with language, title and disposition),
/// fonts attached to Matroska, chapters, global metadata, the time code of the first frame, spherical, stereoscopic and HDR side data of the video stream.
/// Not its rotation, which was applied to the pixels. Left out, and listed in [`Joined::left_out`]: streams that the
/// container does not carry (data tracks, image subtitles in MP4), cover pictures, and spherical
/// data in MOV, for which FFmpeg writes none. Sound and subtitles whose decoding times step back are moved behind the packet before,
/// as the `ffmpeg` program does it. Where the first pictures were not recorded whole, the file begins with the first that is. Matroska has no times before 0: where the source's sound begins before its pictures (the delay
/// of an AAC encoder), the whole file is later by that, in sync.
pub fn join(request: &Join<'_>, output: &Path) -> Result<Joined, EncodeError> {
    framefleet_demux::log::start();
    let side = request.source.map(|source| SideStreams::open(source, request)).transpose()?;
    let mut writer = Writer::create(request, output, side)?;
    writer.copy_all()?;
    let offset = writer.offset;
    let (mut left_out, tags, lacks_sound) = writer.finish()?;
    let frames = verify(output, &mut pieces(request)?, request.format.ticks(), offset)?;
    left_out.extend(global_tags::missing(&tags, output)?);
    Ok(Joined { frames, left_out, lacks_sound })
}

fn pieces<'a>(request: &Join<'a>) -> Result<Pieces<'a>, EncodeError> {
    let format = request.format;
    let frame_ns = 1_000_000_000 * i128::from(format.frame_rate.den) / i128::from(format.frame_rate.num.max(1));
    let last_ns = request.last_frame_ns.unwrap_or(i64::try_from(frame_ns).unwrap_or(0)).min(LONGEST_FRAME_NS);
    let last = ticks(last_ns, format.time_base).max(1);
    Pieces::new(request.pieces, format.ticks(), last, format.codec.reorder_delay())
}

/// How long a last frame may be shown: a day.
const LONGEST_FRAME_NS: i64 = 86_400_000_000_000;

/// The file that is being written.
struct Writer<'a> {
    path: PathBuf,
    unit: ffmpeg::Rational,
    output: Output,
    pieces: Pieces<'a>,
    side: Option<SideStreams>,
    /// Added to the pieces' times, in their unit.
    offset: i64,
    order: Vec<Order>,
}

/// Name and value of what a source says of itself.
type Tags = Vec<(String, String)>;

/// Decoding times of one of the other streams.
#[derive(Clone, Copy, Default)]
struct Order {
    /// The last one, in the unit of the output's stream.
    last: Option<i64>,
    /// Packets that were moved behind it.
    moved: u64,
}

impl<'a> Writer<'a> {
    fn create(request: &Join<'a>, path: &Path, mut side: Option<SideStreams>) -> Result<Self, EncodeError> {
        let fail = |doing| EncodeError::ffmpeg(path, doing);
        let pieces = pieces(request)?;
        let mut output =
            ffmpeg::format::output_as(path, request.container.muxer()).map_err(fail("creating the file"))?;
        super::make_reproducible(&mut output);
        // SAFETY: the context is valid. Spherical metadata counts as unofficial in MP4.
        unsafe { (*output.as_mut_ptr()).strict_std_compliance = ffi::FF_COMPLIANCE_UNOFFICIAL };
        add_video(&mut output, pieces.parameters()?, request).map_err(fail("adding the video stream"))?;
        let mut begin_ns = -request.start_ns;
        if let Some(side) = &mut side {
            side.add_to(&mut output).map_err(fail("adding the source's streams"))?;
            begin_ns += side.video_start_ns();
        }
        let mut options = Dictionary::new();
        if request.container != Container::Mkv {
            // QuickTime's own tags need its own table, which others read as well; usual ones lie where all players look for them.
            let own =
                side.as_ref().is_some_and(|side| side.tags().iter().any(|(key, _)| key.starts_with(QUICKTIME_TAG)));
            if side.as_ref().is_some_and(SideStreams::has_timecode) {
                options.set("write_tmcd", "1");
            }
            options.set("movflags", if own { "+faststart+use_metadata_tags" } else { "+faststart" });
        }
        framefleet_demux::log::forget();
        output.write_header_with(options).map_err(fail("writing the header"))?;
        let offset = ticks(begin_ns, request.format.time_base);
        let order = vec![Order::default(); output.nb_streams() as usize];
        Ok(Self { path: path.to_owned(), unit: request.format.ticks(), output, pieces, side, offset, order })
    }

    /// Copies all packets in order of decoding, so that the muxer need not hold many back.
    fn copy_all(&mut self) -> Result<(), EncodeError> {
        let mut video = self.pieces.next_packet()?;
        let mut other = self.next_side_packet()?;
        loop {
            let side_first = match (&video, &other) {
                (None, None) => return Ok(()),
                (Some(video), Some(other)) => self.is_later(video, other),
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            if side_first {
                self.write_side(other.take())?;
                other = self.next_side_packet()?;
            } else {
                self.write_video(video.take())?;
                video = self.pieces.next_packet()?;
            }
        }
    }

    fn next_side_packet(&mut self) -> Result<Option<SidePacket>, EncodeError> {
        self.side.as_mut().map_or(Ok(None), SideStreams::next_packet)
    }

    fn is_later(&self, video: &Packet, SidePacket { packet: other, unit: other_unit, .. }: &SidePacket) -> bool {
        let (video, other) =
            (video.dts().unwrap_or(0) + self.offset, other.dts().or(other.pts()).unwrap_or(i64::MIN + 1));
        // SAFETY: pure arithmetic.
        unsafe { ffi::av_compare_ts(video, self.unit.into(), other, (*other_unit).into()) > 0 }
    }

    fn write_video(&mut self, packet: Option<Packet>) -> Result<(), EncodeError> {
        let Some(mut packet) = packet else { return Ok(()) };
        packet.set_pts(packet.pts().map(|pts| pts + self.offset));
        packet.set_dts(packet.dts().map(|dts| dts + self.offset));
        self.write(packet, self.unit, 0, "the pictures")
    }

    fn write_side(&mut self, packet: Option<SidePacket>) -> Result<(), EncodeError> {
        let (Some(side_packet), Some(side)) = (packet, &self.side) else { return Ok(()) };
        let (index, name) = (side.output_index(&side_packet), side.name_of(&side_packet));
        self.write(side_packet.packet, side_packet.unit, index, &name)
    }

    fn write(
        &mut self,
        mut packet: Packet,
        unit: ffmpeg::Rational,
        index: usize,
        name: &str,
    ) -> Result<(), EncodeError> {
        let target = self.output.stream(index).map_or(unit, |stream| stream.time_base());
        packet.rescale_ts(unit, target);
        packet.set_stream(index);
        packet.set_position(-1);
        if index > 0 {
            self.keep_order(&mut packet, index);
        }
        framefleet_demux::log::forget();
        let doing = || format!("writing a packet of {name}");
        packet.write_interleaved(&mut self.output).map_err(|error| EncodeError::ffmpeg(&self.path, doing())(error))
    }

    /// Moves a packet that is decoded before the one before it, which no container takes, right behind that.
    fn keep_order(&mut self, packet: &mut Packet, index: usize) {
        // SAFETY: the output has its format, whose flags are a plain field.
        let may_equal = unsafe { (*(*self.output.as_ptr()).oformat).flags } & ffi::AVFMT_TS_NONSTRICT != 0;
        let (Some(order), Some(dts)) = (self.order.get_mut(index), packet.dts()) else { return };
        let least = order.last.map_or(dts, |last| last.saturating_add(i64::from(!may_equal)));
        if dts < least {
            packet.set_dts(Some(least));
            order.moved += 1;
        }
        packet.set_pts(packet.pts().map(|pts| pts.max(dts.max(least))));
        order.last = Some(dts.max(least));
    }

    /// Ends the file: what it does not have, the tags that it should have, whether it lacks sound.
    fn finish(mut self) -> Result<(Vec<String>, Tags, bool), EncodeError> {
        self.output.write_trailer().map_err(EncodeError::ffmpeg(&self.path, "writing the end of the file"))?;
        let Some(side) = self.side else { return Ok(Default::default()) };
        let moved = self.order.iter().enumerate().filter(|(_, order)| order.moved > 0);
        let moved = moved.map(|(index, order)| {
            format!(
                "times of {} packets of stream {index}, which step back: they follow the packet before",
                order.moved
            )
        });
        let moved: Vec<String> = moved.collect();
        let (tags, lacks_sound) = (side.tags(), side.lacks_sound());
        Ok((side.into_left_out().into_iter().chain(moved).collect(), tags, lacks_sound))
    }
}

/// Adds the joined video stream, which is stream 0.
fn add_video(output: &mut Output, parameters: codec::Parameters, request: &Join<'_>) -> Result<(), ffmpeg::Error> {
    let format = request.format;
    let mut stream = output.add_stream(None::<ffmpeg::Codec>)?;
    stream.set_parameters(parameters);
    stream.set_time_base(format.ticks());
    stream.set_avg_frame_rate(format.rate());
    let quicktime = request.container != Container::Mkv;
    // SAFETY: stream and parameters are valid and owned by the output.
    unsafe {
        let stream = stream.as_mut_ptr();
        let parameters = &mut *(*stream).codecpar;
        parameters.codec_tag = if quicktime { format.codec.tag(format.input) } else { 0 };
        format.tags().write_to_parameters(parameters);
        parameters.sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
        (*stream).sample_aspect_ratio = parameters.sample_aspect_ratio;
        (*stream).disposition = ffi::AV_DISPOSITION_DEFAULT;
    }
    Ok(())
}
