//! Sizes of VP9 frames, whose parser in FFmpeg does not tell them: the uncompressed header (VP9 bitstream specification, 6.2 and annex B). Calls
//! and recordings of screens change the size between key frames, too.
use super::Size;

/// Sync code of frames that refer to no other.
const SYNC_CODE: u32 = 0x49_83_42;
/// Colour space of RGB.
const RGB: u32 = 7;

/// Reference frames, by their sizes.
#[derive(Debug, Default)]
pub(super) struct Vp9 {
    slots: [Option<Size>; 8],
}

impl Vp9 {
    /// The size of the frame that a packet shows, if it says so.
    pub(super) fn size(&mut self, packet: &[u8]) -> Option<Size> {
        frames(packet).into_iter().fold(None, |shown, frame| self.frame(frame).or(shown))
    }

    /// The size of a frame, where it is shown.
    fn frame(&mut self, frame: &[u8]) -> Option<Size> {
        let mut bits = Bits { bytes: frame, at: 0 };
        if bits.read(2)? != 2 {
            return None;
        }
        let profile = bits.read(1)? | bits.read(1)? << 1;
        if profile == 3 {
            bits.read(1)?;
        }
        if bits.read(1)? == 1 {
            return self.slots[bits.read(3)? as usize];
        }
        let (inter, shown, resilient) = (bits.read(1)? == 1, bits.read(1)? == 1, bits.read(1)? == 1);
        let intra_only = inter && !shown && bits.read(1)? == 1;
        if inter && !resilient {
            bits.read(2)?;
        }
        if inter && !intra_only {
            return self.inter(&mut bits, shown);
        }
        if bits.read(24)? != SYNC_CODE {
            return None;
        }
        if !inter || profile > 0 {
            skip_colour(&mut bits, profile)?;
        }
        let refreshed = if inter { bits.read(8)? } else { 0xff };
        let size = read_size(&mut bits)?;
        self.refresh(refreshed, size);
        shown.then_some(size)
    }

    /// A frame that refers to others, and may have the size of one of them.
    fn inter(&mut self, bits: &mut Bits<'_>, shown: bool) -> Option<Size> {
        let refreshed = bits.read(8)?;
        let mut references = [0; 3];
        for reference in &mut references {
            *reference = bits.read(3)?;
            bits.read(1)?;
        }
        for reference in references {
            if bits.read(1)? == 1 {
                let size = self.slots[reference as usize]?;
                self.refresh(refreshed, size);
                return shown.then_some(size);
            }
        }
        let size = read_size(bits)?;
        self.refresh(refreshed, size);
        shown.then_some(size)
    }

    fn refresh(&mut self, flags: u32, size: Size) {
        let refreshed = self.slots.iter_mut().enumerate().filter(|(slot, _)| flags >> slot & 1 == 1);
        refreshed.for_each(|(_, slot)| *slot = Some(size));
    }
}

fn read_size(bits: &mut Bits<'_>) -> Option<Size> {
    Some((bits.read(16)? + 1, bits.read(16)? + 1))
}

/// Passes over how colours are coded.
fn skip_colour(bits: &mut Bits<'_>, profile: u32) -> Option<()> {
    if profile >= 2 {
        bits.read(1)?;
    }
    let is_rgb = bits.read(3)? == RGB;
    match (is_rgb, profile & 1 == 1) {
        (false, odd) => bits.read(if odd { 4 } else { 1 })?,
        (true, true) => bits.read(1)?,
        (true, false) => 0,
    };
    Some(())
}

/// The frames of a packet: several where an index at its end says so.
fn frames(packet: &[u8]) -> Vec<&[u8]> {
    let whole = || vec![packet];
    let Some(marker) = packet.last().copied().filter(|marker| marker >> 5 == 0b110) else { return whole() };
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let Some(index) = packet.len().checked_sub(2 + count * bytes).filter(|at| packet[*at] == marker) else {
        return whole();
    };
    let mut frames = Vec::new();
    let mut begin = 0;
    for size in packet[index + 1..packet.len() - 1].chunks(bytes) {
        let size = size.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
        let Some(frame) = packet[..index].get(begin..begin + size) else { return whole() };
        frames.push(frame);
        begin += size;
    }
    frames
}

/// Bits, most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |value, _| {
            let bit = self.bytes.get(self.at / 8)? >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(value << 1 | u32::from(bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits out of (value, count).
    fn pack(fields: &[(u32, usize)]) -> Vec<u8> {
        let bits: Vec<u8> = fields
            .iter()
            .flat_map(|(value, count)| (0..*count).rev().map(move |bit| (value >> bit & 1) as u8))
            .collect();
        bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |all, (at, bit)| all | bit << (7 - at))).collect()
    }

    fn key(width: u32, height: u32) -> Vec<u8> {
        let head = [(2, 2), (0, 2), (0, 1), (0, 1), (1, 1), (0, 1), (SYNC_CODE, 24), (1, 3), (0, 1)];
        pack(&[&head[..], &[(width - 1, 16), (height - 1, 16)]].concat())
    }

    /// A shown frame that refers to slots 0, 1 and 2, refreshes slot 0 and has the size of the one it names, or its own.
    fn inter(found: Option<usize>, own: Size) -> Vec<u8> {
        let head = [
            (2, 2),
            (0, 2),
            (0, 1),
            (1, 1),
            (1, 1),
            (0, 1),
            (0, 2),
            (1, 8),
            (0, 3),
            (0, 1),
            (1, 3),
            (0, 1),
            (2, 3),
            (0, 1),
        ];
        let flags: Vec<(u32, usize)> = match found {
            Some(at) => (0..=at).map(|n| (u32::from(n == at), 1)).collect(),
            None => vec![(0, 1), (0, 1), (0, 1), (own.0 - 1, 16), (own.1 - 1, 16)],
        };
        pack(&[&head[..], &flags].concat())
    }

    #[test]
    fn sizes_follow_references() {
        let mut vp9 = Vp9::default();
        assert_eq!(vp9.size(&key(640, 360)), Some((640, 360)));
        assert_eq!(vp9.size(&inter(Some(0), (0, 0))), Some((640, 360)));
        assert_eq!(vp9.size(&inter(None, (320, 180))), Some((320, 180)), "between key frames");
        assert_eq!(vp9.size(&inter(Some(0), (0, 0))), Some((320, 180)));
        assert_eq!(vp9.size(&inter(Some(1), (0, 0))), Some((640, 360)), "slot 1 is still the key frame");
        let (hidden, shown) = (key(100, 50), inter(Some(0), (0, 0)));
        let marker = 0b1100_0001;
        let index = [marker, hidden.len() as u8, shown.len() as u8, marker];
        assert_eq!(vp9.size(&[&hidden[..], &shown, &index].concat()), Some((100, 50)), "two frames in a packet");
    }

    #[test]
    fn damaged_packets_tell_nothing_or_something_and_never_panic() {
        let (hidden, shown) = (key(100, 50), inter(None, (64, 64)));
        let marker = 0b1100_0001;
        let whole = [&hidden[..], &shown, &[marker, hidden.len() as u8, shown.len() as u8, marker]].concat();
        for end in 0..=whole.len() {
            Vp9::default().size(&whole[..end]);
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[end.min(whole.len() - 1)] ^= 1 << bit;
                Vp9::default().size(&flipped);
            }
        }
    }
}
