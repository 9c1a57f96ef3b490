//! Films whose pictures change their size: what the headers within the stream say, without decoding.
mod vp9;

use ffmpeg_next::codec::{self, packet::side_data};
use ffmpeg_next::{Packet, ffi};
use framefleet_frames::Item;
use std::ptr::NonNull;
use vp9::Vp9;

/// Width and height of coded pictures.
pub(super) type Size = (u32, u32);

/// Changes that are remembered.
const MOST: usize = 100;
/// Changes that a note names.
const NAMED: usize = 3;

/// Reads the size of pictures out of their packets, in decoding order.
pub(super) struct Sizes {
    parameters: codec::Parameters,
    parser: Option<Parser>,
    /// Of VP9.
    vp9: Option<Vp9>,
    current: Option<Size>,
}

impl Sizes {
    /// Of a stream of pictures.
    pub(super) fn new(parameters: codec::Parameters) -> Self {
        let parser = Parser::new(&parameters, None);
        let vp9 = (parameters.id() == codec::Id::VP9).then(Vp9::default);
        Self { parameters, parser, vp9, current: None }
    }

    /// The size of the pictures of a packet; `None` where nothing says it.
    pub(super) fn of(&mut self, packet: &Packet) -> Option<Size> {
        if let Some(vp9) = &mut self.vp9 {
            self.current = packet.data().and_then(|data| vp9.size(data)).or(self.current);
            return self.current;
        }
        let new = packet.side_data().find(|side| side.kind() == side_data::Type::NewExtraData);
        if let Some(headers) = &new {
            self.parser = Parser::new(&self.parameters, Some(headers.data()));
        }
        if packet.is_key() || new.is_some() {
            self.current = self.parser.as_mut().and_then(|parser| parser.size(packet)).or(self.current);
        }
        self.current
    }
}

/// libavcodec's parser of a codec's headers.
struct Parser {
    parser: NonNull<ffi::AVCodecParserContext>,
    context: codec::Context,
}

impl Parser {
    /// A parser for a stream, with other headers than its parameters have where some are given; `None` where there is none for the codec.
    fn new(parameters: &codec::Parameters, headers: Option<&[u8]>) -> Option<Self> {
        let mut context = codec::Context::from_parameters(parameters.clone()).ok()?;
        if let Some(headers) = headers {
            let padded = headers.len().checked_add(ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize)?;
            // SAFETY: the context owns its headers, which were allocated as these are; the copy fits, and is followed by zeros.
            unsafe {
                let raw = &mut *context.as_mut_ptr();
                let copy = ffi::av_mallocz(padded).cast::<u8>();
                if copy.is_null() {
                    return None;
                }
                ffi::av_freep((&raw mut raw.extradata).cast());
                std::ptr::copy_nonoverlapping(headers.as_ptr(), copy, headers.len());
                (raw.extradata, raw.extradata_size) = (copy, i32::try_from(headers.len()).ok()?);
            }
        }
        let id: ffi::AVCodecID = parameters.id().into();
        // SAFETY: the parser is closed when it is dropped; its flags are a plain field for callers.
        let parser = unsafe {
            let parser = NonNull::new(ffi::av_parser_init(id as i32))?;
            (*parser.as_ptr()).flags |= ffi::PARSER_FLAG_COMPLETE_FRAMES;
            parser
        };
        Some(Self { parser, context })
    }

    /// What the headers in a packet, or those before, say.
    fn size(&mut self, packet: &Packet) -> Option<Size> {
        let data = packet.data()?;
        let length = i32::try_from(data.len()).ok()?;
        let (mut out, mut out_size) = (std::ptr::null_mut(), 0);
        // SAFETY: parser and context belong together; packets of libavformat are padded as parsers want it, and nothing is kept of the data.
        let (width, height) = unsafe {
            ffi::av_parser_parse2(
                self.parser.as_ptr(),
                self.context.as_mut_ptr(),
                &mut out,
                &mut out_size,
                data.as_ptr(),
                length,
                ffi::AV_NOPTS_VALUE,
                ffi::AV_NOPTS_VALUE,
                -1,
            );
            (self.parser.as_ref().width, self.parser.as_ref().height)
        };
        let size = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        (size.0 > 0 && size.1 > 0).then_some(size)
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: it was made by `av_parser_init`, and nobody has it any more.
        unsafe { ffi::av_parser_close(self.parser.as_ptr()) };
    }
}

/// Frames from which on pictures have another size, in order of showing; the first is the film's first.
#[derive(Debug, Default)]
pub(super) struct SizeChanges {
    changes: Vec<(u64, i64, Size)>,
    last: Option<Size>,
    /// Changes that are not remembered.
    more: usize,
}

impl SizeChanges {
    /// Notes the size of the frame of this number, which is shown at `ns`.
    pub(super) fn push(&mut self, frame: u64, ns: i64, size: Option<Size>) {
        let Some(size) = size.filter(|size| self.last != Some(*size)) else { return };
        self.last = Some(size);
        match self.changes.len() < MOST {
            true => self.changes.push((frame, ns, size)),
            false => self.more += 1,
        }
    }

    /// What is to be said of the item; nothing where all pictures have one size.
    pub(super) fn note(&self, item: &Item) -> Option<String> {
        let changes = self.changes.get(1..).filter(|changes| !changes.is_empty())?;
        let name = |(frame, ns, (width, height)): &(u64, i64, Size)| {
            format!("{width}×{height} from frame {frame} ({:.3} s) on", *ns as f64 / 1e9)
        };
        let mut named: Vec<String> = changes.iter().take(NAMED).map(name).collect();
        let more = changes.len().saturating_sub(NAMED) + self.more;
        named.extend((more > 0).then(|| format!("{more} changes more")));
        Some(format!(
            "the size of its pictures changes: {}; all are shown within {}×{}, between bars where their shape is another",
            named.join(", "),
            item.width,
            item.height
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named_and_many_are_counted() {
        let item = Item { width: 128, height: 72, ..Item::default() };
        let mut changes = SizeChanges::default();
        for frame in 0..50 {
            changes.push(frame, frame as i64 * 40_000_000, Some(if frame < 25 { (128, 72) } else { (96, 96) }));
        }
        let note = changes.note(&item).unwrap();
        assert!(note.starts_with("the size of its pictures changes: 96×96 from frame 25 (1.000 s) on; all"), "{note}");
        let mut many = SizeChanges::default();
        (0..200).for_each(|frame| many.push(frame, 0, Some((64 + frame as u32 % 2, 64))));
        let note = many.note(&item).unwrap();
        assert!(note.contains("196 changes more"), "{note}");
        let mut one = SizeChanges::default();
        (0..9).for_each(|frame| one.push(frame, 0, if frame == 3 { None } else { Some((64, 64)) }));
        assert_eq!(one.note(&item), None);
    }
}
