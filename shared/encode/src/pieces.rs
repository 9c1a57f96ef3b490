//! Packets of a row of pieces as those of one stream.
use super::EncodeError;
use ffmpeg_next::{Packet, Rational, Rescale, codec, format::context::Input};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Reads pieces one after the other. Decoding times and durations are made anew for the whole row: those of pieces
/// overlap at the seams when frame durations vary. Memory holds the times of two pieces.
pub(super) struct Pieces<'a> {
    paths: &'a [PathBuf],
    unit: Rational,
    /// Duration of the last frame of all, which nothing else says.
    last_duration: i64,
    /// The piece that is read, and the next one's number.
    input: Option<Input>,
    next: usize,
    /// Times of the piece that is read and of the next one, ascending.
    times: Vec<i64>,
    upcoming: Vec<i64>,
    /// Times of the last frames by time of showing: decoding times of the packets to come.
    decoding: VecDeque<i64>,
}

impl<'a> Pieces<'a> {
    /// A row of pieces, read with times in `unit`. Every packet is decoded `delay` frames ahead.
    pub(super) fn new(
        paths: &'a [PathBuf],
        unit: Rational,
        last_duration: i64,
        delay: usize,
    ) -> Result<Self, EncodeError> {
        let upcoming = paths.first().map(|path| times(path, unit)).transpose()?.unwrap_or_default();
        let first = upcoming.first().copied().unwrap_or(0);
        // Before the first frame there is nothing to take times from: as many ticks as the first frames are apart.
        let step = upcoming.get(1).map_or(last_duration, |second| second - first).max(1);
        let decoding = (1..=delay as i64).rev().map(|n| first - n * step).collect();
        Ok(Self { paths, unit, last_duration, input: None, next: 0, times: Vec::new(), upcoming, decoding })
    }

    /// Parameters of the stream, those of the first piece.
    pub(super) fn parameters(&self) -> Result<codec::Parameters, EncodeError> {
        let Some(path) = self.paths.first() else {
            return Err(EncodeError::unfit(Path::new(""), "there is no piece to join"));
        };
        let input = open(path)?;
        let stream = input.stream(0).ok_or_else(|| EncodeError::unfit(path, "the piece has no stream"))?;
        Ok(stream.parameters())
    }

    /// The next packet in decoding order, with times in the row's unit and its index within the whole row of pieces.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, EncodeError> {
        loop {
            let Some(path) = self.next.checked_sub(1).and_then(|index| self.paths.get(index)) else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let mut packet = Packet::empty();
            match self.input.as_mut().map(|input| packet.read(input)) {
                Some(Ok(())) => return self.timed(path, packet).map(Some),
                Some(Err(ffmpeg_next::Error::Eof)) | None => {
                    if !self.open_next()? {
                        return Ok(None);
                    }
                }
                Some(Err(error)) => return Err(EncodeError::ffmpeg(path, "reading the piece")(error)),
            }
        }
    }

    fn open_next(&mut self) -> Result<bool, EncodeError> {
        let Some(path) = self.paths.get(self.next) else { return Ok(false) };
        let following =
            self.paths.get(self.next + 1).map(|path| times(path, self.unit)).transpose()?.unwrap_or_default();
        self.times = std::mem::replace(&mut self.upcoming, following);
        if let (Some(last), Some(first)) = (self.times.last(), self.upcoming.first())
            && first <= last
        {
            return Err(EncodeError::unfit(path, "the next piece does not start after this one ends"));
        }
        self.decoding.extend(&self.times);
        self.input = Some(open(path)?);
        self.next += 1;
        Ok(true)
    }

    /// Gives a packet its times.
    fn timed(&mut self, path: &Path, mut packet: Packet) -> Result<Packet, EncodeError> {
        let own_unit = self.input.as_ref().and_then(|input| input.stream(0)).map_or(self.unit, |s| s.time_base());
        let wrong = |problem: &str| EncodeError::unfit(path, problem);
        let pts = packet.pts().ok_or_else(|| wrong("a packet has no time"))?.rescale(own_unit, self.unit);
        let at = self.times.binary_search(&pts).map_err(|_| wrong("the piece changed while it was read"))?;
        let following = self.times.get(at + 1).or(self.upcoming.first());
        let dts = self.decoding.pop_front().ok_or_else(|| wrong("the piece changed while it was read"))?;
        if dts > pts {
            return Err(wrong("frames are decoded further ahead than the codec's settings say"));
        }
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        packet.set_duration(following.map_or(self.last_duration, |next| next - pts));
        packet.set_position(-1);
        Ok(packet)
    }
}

/// Times of a piece's frames, ascending.
fn times(path: &Path, unit: Rational) -> Result<Vec<i64>, EncodeError> {
    let mut input = open(path)?;
    let own_unit = input.stream(0).map_or(unit, |stream| stream.time_base());
    let mut times = Vec::new();
    let mut packet = Packet::empty();
    while packet.read(&mut input).is_ok() {
        let pts = packet.pts().ok_or_else(|| EncodeError::unfit(path, "a packet has no time"))?;
        times.push(pts.rescale(own_unit, unit));
    }
    times.sort_unstable();
    Ok(times)
}

fn open(path: &Path) -> Result<Input, EncodeError> {
    framefleet_demux::log::start();
    ffmpeg_next::format::input(path).map_err(EncodeError::ffmpeg(path, "opening the piece"))
}
