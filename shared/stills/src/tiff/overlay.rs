//! A file of which some bytes are read as others.
use super::directory::Patch;
use std::io::{self, Read, Seek, SeekFrom};

/// Reads `inner`, with patches over it.
pub(super) struct Overlay<R> {
    inner: R,
    at: u64,
    patches: Vec<Patch>,
}

impl<R: Seek> Overlay<R> {
    /// From the beginning.
    pub(super) fn new(mut inner: R, patches: Vec<Patch>) -> io::Result<Self> {
        inner.rewind()?;
        Ok(Self { inner, at: 0, patches })
    }
}

impl<R: Read> Read for Overlay<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        for (place, bytes) in &self.patches {
            for (byte, at) in bytes.iter().zip(*place..) {
                let inside = at.checked_sub(self.at).and_then(|offset| usize::try_from(offset).ok());
                if let Some(target) = inside.filter(|offset| *offset < length).and_then(|offset| buffer.get_mut(offset))
                {
                    *target = *byte;
                }
            }
        }
        self.at += length as u64;
        Ok(length)
    }
}

impl<R: Seek> Seek for Overlay<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(position)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn patches_lie_over_the_file_however_it_is_read() {
        let patches = vec![(3, vec![90, 91]), (7, vec![92])];
        let mut overlay = Overlay::new(Cursor::new((0..10).collect::<Vec<u8>>()), patches).unwrap();
        let mut all = Vec::new();
        overlay.read_to_end(&mut all).unwrap();
        assert_eq!(all, [0, 1, 2, 90, 91, 5, 6, 92, 8, 9]);
        let mut two = [0; 2];
        overlay.seek(SeekFrom::Start(4)).unwrap();
        overlay.read_exact(&mut two).unwrap();
        assert_eq!(two, [91, 5]);
    }
}
