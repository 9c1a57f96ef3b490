//! Groups of tracks that are one person, and what keeps groups apart.
use crate::tracks::Track;
use std::collections::{BTreeSet, HashSet};

/// What keeps a group from being joined with others.
#[derive(Clone, Debug, Default)]
struct Ties {
    /// Frames (item and number) in which the group is seen.
    frames: HashSet<(usize, u64)>,
    /// Sides taken in the user's separations: (which, side).
    sides: BTreeSet<(usize, bool)>,
    /// The user's name, as an index.
    name: Option<usize>,
}

/// A partition of tracks into persons that only ever gets coarser.
pub struct Groups {
    parents: Vec<usize>,
    ties: Vec<Ties>,
}

impl Groups {
    /// Every track for itself. With `cannot_link`, tracks that share a frame are different persons.
    pub fn new(tracks: &[Track], cannot_link: bool) -> Self {
        let ties = tracks.iter().map(|track| {
            let frames = track.faces.iter().filter(|_| cannot_link).map(|face| (track.item, face.frame)).collect();
            Ties { frames, ..Ties::default() }
        });
        Self { parents: (0..tracks.len()).collect(), ties: ties.collect() }
    }

    /// The track that stands for a track's group: its lowest.
    pub fn group(&self, track: usize) -> usize {
        let mut group = track;
        while self.parents[group] != group {
            group = self.parents[group];
        }
        group
    }

    /// Puts a track on one side of a separation, unless its group is on the other already.
    pub fn take_side(&mut self, track: usize, separation: usize, side: bool) {
        let group = self.group(track);
        if !self.ties[group].sides.contains(&(separation, !side)) {
            self.ties[group].sides.insert((separation, side));
        }
    }

    /// Gives a group a name, unless it has one.
    pub fn name(&mut self, track: usize, name: usize) {
        let group = self.group(track);
        self.ties[group].name.get_or_insert(name);
    }

    /// The name of a group.
    pub fn name_of(&self, group: usize) -> Option<usize> {
        self.ties[group].name
    }

    /// Whether the user took a group out of another: it is joined by the user alone.
    pub fn is_split_off(&self, track: usize) -> bool {
        self.ties[self.group(track)].sides.iter().any(|(_, side)| *side)
    }

    /// Whether the user spoke of a group.
    pub fn is_pinned(&self, group: usize) -> bool {
        self.ties[group].name.is_some() || !self.ties[group].sides.is_empty()
    }

    /// Whether two groups may be one person.
    pub fn may_join(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.ties[self.group(a)], &self.ties[self.group(b)]);
        let (few, many) = if a.frames.len() < b.frames.len() { (a, b) } else { (b, a) };
        agree(a, b) && few.frames.iter().all(|frame| !many.frames.contains(frame))
    }

    /// Makes two groups one, if they may be. Whether they are one now.
    pub fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.group(a), self.group(b));
        let split_off = self.is_split_off(a) || self.is_split_off(b);
        a == b || (!split_off && self.may_join(a, b) && self.merge(a, b))
    }

    /// Makes two groups one because the user says so, whatever frames they share; later words of the user's stand against it.
    pub fn join_by_user(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.group(a), self.group(b));
        a == b || (agree(&self.ties[a], &self.ties[b]) && self.merge(a, b))
    }

    fn merge(&mut self, a: usize, b: usize) -> bool {
        let (low, high) = (a.min(b), a.max(b));
        let mut other = std::mem::take(&mut self.ties[high]);
        let ties = &mut self.ties[low];
        if other.frames.len() > ties.frames.len() {
            std::mem::swap(&mut ties.frames, &mut other.frames);
        }
        ties.frames.extend(other.frames);
        ties.sides.extend(other.sides);
        ties.name = ties.name.or(other.name);
        self.parents[high] = low;
        true
    }
}

/// Whether nothing that the user said keeps two groups apart.
fn agree(a: &Ties, b: &Ties) -> bool {
    let named_apart = matches!((a.name, b.name), (Some(one), Some(other)) if one != other);
    !named_apart && a.sides.iter().all(|(separation, side)| !b.sides.contains(&(*separation, !side)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::FaceAt;

    fn track(item: usize, frames: std::ops::Range<u64>) -> Track {
        let faces = frames.map(|frame| FaceAt { frame, instance: 0, quality: 1.0 }).collect();
        Track { item, faces, ..Track::default() }
    }

    #[test]
    fn tracks_that_share_a_frame_stay_apart_also_by_way_of_others() {
        let tracks = [track(0, 0..5), track(0, 4..8), track(0, 8..9), track(1, 0..9)];
        let mut groups = Groups::new(&tracks, true);
        assert!(!groups.join(0, 1));
        assert!(groups.join(1, 2) && groups.join(3, 0));
        assert!(!groups.join(2, 3), "2 is with 1, which shares frame 4 with 0, which is with 3");
        assert_eq!([0, 1, 2, 3].map(|track| groups.group(track)), [0, 1, 1, 0]);
        assert!(Groups::new(&tracks, false).join(0, 1));
        assert!(groups.join_by_user(2, 3), "the user knows of the mirror");
    }

    #[test]
    fn names_and_separations_keep_groups_apart() {
        let tracks = [track(0, 0..1), track(0, 1..2), track(0, 2..3), track(0, 3..4)];
        let mut groups = Groups::new(&tracks, true);
        groups.name(0, 7);
        groups.name(1, 8);
        groups.take_side(2, 0, false);
        groups.take_side(3, 0, true);
        assert!(!groups.join(0, 1) && !groups.join_by_user(2, 3));
        assert!(groups.join(0, 2));
        assert!(!groups.join(1, 2), "one is named otherwise");
        assert!(!groups.join(1, 3), "what was split off stays alone");
        assert!(groups.join_by_user(1, 3), "unless the user says so");
        assert_eq!(groups.name_of(groups.group(3)), Some(8));
    }
}
