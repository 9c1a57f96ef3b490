//! Which streams of a file are read: of several films one, of several sound tracks each by its number.
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::{Disposition, Stream};
use ffmpeg_next::{codec, media};
use framefleet_frames::{ReadError, SoundTrack, VideoFile};

/// The index of the stream that is read of a file, in its container.
///
/// # Errors
/// There is no video stream, or none of the number that is asked for: the error lists those there are.
pub fn film_stream(file: VideoFile<'_>, input: &Input) -> Result<usize, ReadError> {
    let default = default_film(input).ok_or_else(|| ReadError::NoVideo(file.path().to_owned()))?;
    let Some(wanted) = file.stream() else { return Ok(default) };
    let found = usize::try_from(wanted).ok().and_then(|number| films(input).nth(number));
    found.map(|stream| stream.index()).ok_or_else(|| ReadError::VideoStream {
        path: file.path().to_owned(),
        wanted,
        known: describe_films(input).join(", "),
    })
}

/// The video streams of a container but for covers, in its order: their places are their numbers.
fn films(input: &Input) -> impl Iterator<Item = Stream<'_>> {
    input.streams().filter(is_film)
}

fn is_film(stream: &Stream<'_>) -> bool {
    stream.parameters().medium() == media::Type::Video && !stream.disposition().contains(Disposition::ATTACHED_PIC)
}

/// The first film that the file calls its default, else FFmpeg's choice.
fn default_film(input: &Input) -> Option<usize> {
    let default = films(input).find(|stream| stream.disposition().contains(Disposition::DEFAULT));
    let best = input.streams().best(media::Type::Video).filter(is_film);
    default.or(best).or_else(|| films(input).next()).map(|stream| stream.index())
}

/// The films of a container for people: "0 (h264, 96×64)".
fn describe_films(input: &Input) -> Vec<String> {
    let describe = |(number, stream): (usize, Stream<'_>)| {
        let parameters = stream.parameters();
        // SAFETY: plain fields of parameters that are alive.
        let (width, height) = unsafe { ((*parameters.as_ptr()).width, (*parameters.as_ptr()).height) };
        format!("{number} ({}, {width}×{height})", codec_name(parameters.id()))
    };
    films(input).enumerate().map(describe).collect()
}

/// What is to be said of a file with several films, of which the one with index `read` is read.
pub fn several_films(input: &Input, read: usize) -> Option<String> {
    let all = describe_films(input);
    let number = films(input).position(|stream| stream.index() == read)?;
    (all.len() > 1).then(|| format!("it has {} video streams: {}; stream {number} is used", all.len(), all.join(", ")))
}

/// FFmpeg's choice of a sound track, as the index of its stream.
fn default_track(input: &Input) -> Option<usize> {
    input.streams().best(media::Type::Audio).map(|stream| stream.index())
}

/// The sound tracks of a container in its order: their places are their numbers.
pub fn sound_tracks(input: &Input) -> Vec<SoundTrack> {
    let default = default_track(input);
    let is_sound = |stream: &Stream<'_>| stream.parameters().medium() == media::Type::Audio;
    let track = |stream: Stream<'_>| {
        let (parameters, metadata) = (stream.parameters(), stream.metadata());
        let tag = |key: &str| metadata.get(key).unwrap_or_default().to_owned();
        SoundTrack {
            codec: codec_name(parameters.id()),
            // The value of "not said".
            language: Some(tag("language")).filter(|language| language != "und").unwrap_or_default(),
            title: tag("title"),
            is_default: Some(stream.index()) == default,
        }
    };
    input.streams().filter(is_sound).map(track).collect()
}

/// The index of a sound track's stream: of the number that is asked for, from 0, else of FFmpeg's choice.
pub(crate) fn sound_stream(input: &Input, track: Option<u32>) -> Option<usize> {
    let Some(number) = track else { return default_track(input) };
    let mut tracks = input.streams().filter(|stream| stream.parameters().medium() == media::Type::Audio);
    tracks.nth(usize::try_from(number).ok()?).map(|stream| stream.index())
}

/// FFmpeg's short name of a codec.
pub fn codec_name(id: codec::Id) -> String {
    id.name().to_owned()
}
