//! Which streams of a source go along with its pictures, and how.
use super::ffmpeg_names::FfmpegContainer;
use super::{Join, JoinSound};
use ffmpeg_next::{self as ffmpeg, codec, media::Type};
use framefleet_formats::Container;

/// Whether a stream goes along; if not, why (nothing to say of the video that the pieces replace and of what the job asked
/// to leave out).
pub(super) fn decide(
    stream: &ffmpeg::Stream<'_>,
    video: Option<usize>,
    request: &Join<'_>,
) -> Result<(), Option<String>> {
    let parameters = stream.parameters();
    let (kind, codec) = (parameters.medium(), parameters.id());
    if Some(stream.index()) == video || (kind == Type::Audio && request.sound == JoinSound::None) {
        return Err(None);
    }
    let name = describe(stream);
    match kind {
        Type::Audio if is_encoded(stream, request) => Ok(()),
        Type::Audio | Type::Subtitle | Type::Attachment if carries(request.container, kind, codec) => Ok(()),
        Type::Audio | Type::Subtitle | Type::Attachment => {
            Err(Some(format!("{name}: {} files do not carry it", request.container.extension())))
        }
        Type::Video => Err(Some(format!("{name}: one video stream is processed"))),
        _ => Err(Some(format!("{name}: data streams are not copied"))),
    }
}

/// Whether a stream is sound that is to be encoded anew.
pub(super) fn is_encoded(stream: &ffmpeg::Stream<'_>, request: &Join<'_>) -> bool {
    let parameters = stream.parameters();
    let is_sound = parameters.medium() == Type::Audio && request.sound == JoinSound::Encode;
    is_sound && !request.container.carries(parameters.id())
}

/// A stream for people: "stream 1 (Audio, wmav2)".
pub(super) fn describe(stream: &ffmpeg::Stream<'_>) -> String {
    let parameters = stream.parameters();
    format!("stream {} ({:?}, {})", stream.index(), parameters.medium(), parameters.id().name())
}

fn carries(container: Container, kind: Type, codec: codec::Id) -> bool {
    match kind {
        Type::Attachment => container == Container::Mkv,
        _ => container.carries(codec),
    }
}
