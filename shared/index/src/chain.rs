//! Digests of packet runs, at a cost that does not grow with the length of a GOP.
use blake3::{Hash, Hasher};
use ffmpeg_next::{Packet, codec, ffi};
use std::collections::VecDeque;

/// A group of packets that begins with a key packet.
#[derive(Clone, Copy)]
struct Group {
    id: u64,
    /// Presentation timestamp of its key packet.
    key_pts: i64,
    /// Digest of all its packets; of those read so far for the last group.
    end: Hash,
}

/// Where a packet lies, and the digest of its group up to it.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) group: u64,
    /// Number of the packet in decoding order.
    pub(super) packet: u64,
    chain: Hash,
}

/// Chains packets of each group: a packet's value is the digest of its group's key packet up to itself.
pub(super) struct PacketChain {
    parameters: Hash,
    groups: VecDeque<Group>,
    packets: u64,
}

impl PacketChain {
    /// A chain for packets of a codec with these parameters.
    pub(super) fn new(parameters: &codec::Parameters) -> Self {
        Self { parameters: digest_parameters(parameters), groups: VecDeque::new(), packets: 0 }
    }

    /// Adds the next packet in decoding order.
    pub(super) fn push(&mut self, packet: &Packet) -> Mark {
        // A key packet without a time is before nothing: no batch can begin with it.
        let pts = packet.pts().unwrap_or(i64::MAX);
        let previous = self.groups.back().copied();
        let group = match previous {
            Some(group) if !packet.is_key() => group,
            _ => Group { id: previous.map_or(0, |group| group.id + 1), key_pts: pts, end: self.parameters },
        };
        let end = link(&group, pts, packet);
        if previous.is_some_and(|previous| previous.id == group.id) {
            self.groups.pop_back();
        }
        self.groups.push_back(Group { end, ..group });
        self.packets += 1;
        Mark { group: group.id, packet: self.packets - 1, chain: end }
    }

    /// The last group whose key frame is at or before `pts`; the oldest known when none is.
    pub(super) fn group_at(&self, pts: i64) -> u64 {
        let begins_before = self.groups.iter().rev().find(|group| group.key_pts <= pts);
        begins_before.or(self.groups.front()).map_or(0, |group| group.id)
    }

    /// Digest of the packets from the key packet of group `first` to `last`.
    pub(super) fn digest(&self, first: u64, last: &Mark) -> Vec<u8> {
        let mut hasher = Hasher::new();
        hasher.update(self.parameters.as_bytes());
        for group in self.groups.iter().filter(|group| (first..last.group).contains(&group.id)) {
            hasher.update(group.end.as_bytes());
        }
        hasher.update(last.chain.as_bytes());
        hasher.finalize().as_bytes().to_vec()
    }

    /// Forgets groups before `group`.
    pub(super) fn forget_before(&mut self, group: u64) {
        while self.groups.front().is_some_and(|front| front.id < group) {
            self.groups.pop_front();
        }
    }
}

/// The chain's value after one more packet: its time within the group counts, since frames are found by their times.
fn link(group: &Group, pts: i64, packet: &Packet) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(group.end.as_bytes());
    hasher.update(&pts.wrapping_sub(group.key_pts).to_le_bytes());
    let data = packet.data().unwrap_or_default();
    hasher.update(&(data.len() as u64).to_le_bytes());
    hasher.update(data);
    hasher.finalize()
}

/// Digest of what a decoder is opened with.
pub(super) fn digest_parameters(parameters: &codec::Parameters) -> Hash {
    // SAFETY: plain fields of parameters that are alive; `extradata` has `extradata_size` bytes.
    let (id, format, width, height, extradata) = unsafe {
        let raw: &ffi::AVCodecParameters = &*parameters.as_ptr();
        let extradata = match usize::try_from(raw.extradata_size) {
            Ok(length) if !raw.extradata.is_null() => std::slice::from_raw_parts(raw.extradata, length),
            _ => &[],
        };
        (raw.codec_id as u32, raw.format, raw.width, raw.height, extradata)
    };
    let mut hasher = Hasher::new();
    hasher.update(&id.to_le_bytes());
    for number in [format, width, height] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(extradata);
    hasher.finalize()
}
