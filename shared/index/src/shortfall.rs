//! Tells files that end before their own header says.
use ffmpeg_next::ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_STREAM;
use ffmpeg_next::{ffi, media};
use framefleet_demux::Demuxer;
use framefleet_demux::timeline::{Timeline, scale};
use framefleet_frames::VideoFile;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What lengths may fall short of the header's in a whole file: headers are rounded, and some count the frame after the last.
const SLACK_NS: i64 = 500_000_000;

/// Pictures that the header of an AVI file may count too many.
const AVI_SLACK: u64 = 12;

/// What is missing of a video that was read to its end by `demuxer`, if anything is.
pub(super) fn of(demuxer: &Demuxer) -> Option<String> {
    let name = demuxer.input().format().name().to_owned();
    match name.as_str() {
        name if name.starts_with("mov,") => return of_table(demuxer),
        "avi" => return of_count(demuxer),
        _ => {}
    }
    let lasts = Length::of(demuxer).filter(|length| length.found_ns < length.promised_ns);
    if name.starts_with("matroska") {
        let missing = missing_of_segment(demuxer.path());
        // Where the file has all its bytes, its pictures are all there: the longest stream may be one that is not read.
        return match missing {
            Some(0) => None,
            Some(bytes) => lasts.map(|length| format!("{}, {bytes} bytes of the file are missing", length.problem())),
            None => lasts.filter(Length::is_much).map(|length| length.problem()),
        };
    }
    lasts.filter(Length::is_much).map(|length| length.problem())
}

/// Files with a table of all their pictures tell exactly.
fn of_table(demuxer: &Demuxer) -> Option<String> {
    let stream = demuxer.stream().ok()?;
    // SAFETY: the stream belongs to a context that is alive.
    let listed = u64::try_from(unsafe { ffi::avformat_index_get_entries_count(stream.as_ptr()) }).ok()?;
    let found = demuxer.extent().packets;
    (found < listed)
        .then(|| format!("the file is cut: {found} of the {listed} pictures that its header lists are there"))
}

/// How long the last picture, which begins at `last_ns`, is shown in a whole file with a table of all pictures: as long as the table's length
/// lets it. `None` of other files, and where the table ends before.
pub(super) fn rest_of_table(file: VideoFile<'_>, timeline: &Timeline, last_ns: i64) -> Option<i64> {
    let demuxer = Demuxer::video(file).ok().filter(|demuxer| demuxer.input().format().name().starts_with("mov,"))?;
    let stream = demuxer.stream().ok()?;
    let start = if stream.start_time() == ffi::AV_NOPTS_VALUE { 0 } else { stream.start_time() };
    let end_ns = timeline.ns(start.saturating_add(stream.duration()));
    Some(end_ns.saturating_sub(last_ns)).filter(|rest| *rest > 0 && stream.duration() > 0)
}

/// AVI files count their pictures in the header; programs that write them may be some off. (Of a cut one FFmpeg gives the length that is left.)
fn of_count(demuxer: &Demuxer) -> Option<String> {
    let promised = u64::try_from(demuxer.stream().ok()?.frames()).ok()?;
    let found = demuxer.extent().packets;
    let much = found + promised / 100 + AVI_SLACK < promised;
    much.then(|| format!("the file is cut: {found} of the {promised} pictures that its header counts are there"))
}

/// How long a file is by its header and by its packets.
struct Length {
    promised_ns: i64,
    found_ns: i64,
}

impl Length {
    /// By the header of the picture stream, else of the file; `None` when that says nothing, or what is read cannot tell. Where sound or subtitles
    /// go on to the end, none of it is missing.
    fn of(demuxer: &Demuxer) -> Option<Self> {
        let input = demuxer.input();
        // SAFETY: a plain field of a context that is alive.
        if unsafe { (*input.as_ptr()).duration_estimation_method } != AVFMT_DURATION_FROM_STREAM {
            return None;
        }
        let (stream, found_ns) = (demuxer.stream().ok()?, demuxer.extent().all_ns);
        if stream.duration() > 0 {
            let ns = |ticks: i64| scale(ticks, stream.time_base(), 1_000_000_000);
            let start = if stream.start_time() == ffi::AV_NOPTS_VALUE { 0 } else { ns(stream.start_time()) };
            let found_ns = found_ns.saturating_sub(start.min(0));
            return Some(Self { promised_ns: ns(stream.duration()), found_ns });
        }
        // What is not read may well outlast the pictures.
        let pictures = stream.index();
        let unread = input.streams().any(|stream| {
            let medium = stream.parameters().medium();
            stream.index() != pictures && matches!(medium, media::Type::Video | media::Type::Data)
        });
        let promised_ns = input.duration().checked_mul(1000).filter(|&ns| ns > 0 && !unread)?;
        Some(Self { promised_ns, found_ns })
    }

    fn is_much(&self) -> bool {
        self.found_ns < self.promised_ns - SLACK_NS - self.promised_ns / 100
    }

    fn problem(&self) -> String {
        let seconds = |ns: i64| ns as f64 / 1e9;
        let (promised, found) = (seconds(self.promised_ns), seconds(self.found_ns));
        format!("the file is cut: its header promises {promised:.1} s, it ends at {found:.1} s")
    }
}

/// Bytes that a Matroska file lacks of the length that its segment has (RFC 8794, RFC 9559); `None` where the segment does not say.
fn missing_of_segment(path: &Path) -> Option<u64> {
    const HEADER: u64 = 0x1a45_dfa3;
    const SEGMENT: u64 = 0x1853_8067;
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut head = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut head).ok()?;
    let mut at = 0;
    for wanted in [HEADER, SEGMENT] {
        let (id, after_id) = number(&head, at, true)?;
        let (size, data) = number(&head, after_id, false)?;
        if id != wanted {
            return None;
        }
        if wanted == SEGMENT {
            let unknown = size == (1 << (7 * (data - after_id))) - 1;
            return (!unknown).then(|| (data as u64).saturating_add(size).saturating_sub(length));
        }
        at = data.checked_add(usize::try_from(size).ok()?)?;
    }
    None
}

/// A number of variable length at `at`, with its length marker or without, and where it ends.
fn number(bytes: &[u8], at: usize, with_marker: bool) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    let length = first.leading_zeros() as usize + 1;
    let all = bytes.get(at..at.checked_add(length)?).filter(|_| length <= 8)?;
    let value = all.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let marker = 1u64 << (7 * length);
    Some((if with_marker { value } else { value & !marker & (marker - 1) }, at + length))
}
