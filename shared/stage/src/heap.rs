//! Frames that a source decodes for the process itself.
use crate::{Ingested, PixelSink, StageError};
use bytes::Bytes;
use framefleet_frames::frame::byte_length;
use framefleet_frames::{Frame, Image, Rendition};
use std::collections::BTreeMap;

/// Memory on the heap for the frames of one batch.
#[derive(Debug, Default)]
pub struct HeapSink(BTreeMap<i32, Vec<u8>>);

impl HeapSink {
    /// The frames of a rendition, by what the source says of their places. They share the sink's memory.
    pub fn into_frames(mut self, rendition: Rendition, places: &[Ingested]) -> Result<Vec<Frame>, StageError> {
        let bytes = Bytes::from(self.0.remove(&(rendition as i32)).unwrap_or_default());
        let frame = |place: &Ingested| {
            let start = place.offset.min(bytes.len());
            let length = byte_length(place.format, place.width, place.height);
            let data = bytes.slice(start..start.saturating_add(length).min(bytes.len()));
            let image = Image::new(place.format, place.width, place.height, data).map_err(StageError::bad_input)?;
            Ok(Frame { number: place.frame, pts_ns: place.pts_ns, image })
        };
        places.iter().filter(|place| place.rendition == rendition).map(frame).collect()
    }
}

impl PixelSink for HeapSink {
    fn reserve(&mut self, rendition: Rendition, bytes: usize) -> Result<(), StageError> {
        match self.0.insert(rendition as i32, vec![0; bytes]) {
            None => Ok(()),
            Some(_) => Err(StageError::Fatal(format!("memory for {rendition:?} frames is asked for twice"))),
        }
    }

    fn memory(&mut self, rendition: Rendition) -> &mut [u8] {
        self.0.get_mut(&(rendition as i32)).map_or(&mut [], Vec::as_mut_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::PixelFormat;

    fn place(frame: u64, offset: usize) -> Ingested {
        let (rendition, format) = (Rendition::Full, PixelFormat::Grey8);
        Ingested { rendition, frame, pts_ns: 7, format, width: 2, height: 1, offset }
    }

    #[test]
    fn frames_are_where_the_source_put_them() {
        let mut sink = HeapSink::default();
        sink.reserve(Rendition::Full, 4).unwrap();
        sink.memory(Rendition::Full).copy_from_slice(&[1, 2, 3, 4]);
        assert!(sink.memory(Rendition::Proxy).is_empty());
        let frames = sink.into_frames(Rendition::Full, &[place(8, 0), place(9, 2)]).unwrap();
        let pixels: Vec<(u64, &[u8])> = frames.iter().map(|frame| (frame.number, &frame.image.data()[..])).collect();
        assert_eq!(pixels, [(8, &[1, 2][..]), (9, &[3, 4][..])]);
    }

    #[test]
    fn memory_is_reserved_once() {
        let mut sink = HeapSink::default();
        sink.reserve(Rendition::Full, 4).unwrap();
        sink.reserve(Rendition::Proxy, 4).unwrap();
        assert!(sink.reserve(Rendition::Full, 4).is_err());
    }

    #[test]
    fn places_outside_of_the_memory_are_refused() {
        for offset in [3, 4, usize::MAX] {
            let mut sink = HeapSink::default();
            sink.reserve(Rendition::Full, 4).unwrap();
            assert!(sink.into_frames(Rendition::Full, &[place(8, offset)]).is_err(), "{offset}");
        }
    }
}
