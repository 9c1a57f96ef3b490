//! Tracks that are of one subject, as a union–find forest (Tarjan 1975) that never joins what is there twice in a frame.
use crate::finish::tracks::Track;
use std::collections::BTreeMap;

/// Kinds of parts.
const KINDS: usize = 3;

/// Ranges of frames that do not meet: the first frame of each, and the last.
#[derive(Clone, Debug, Default)]
struct Spans(BTreeMap<u64, u64>);

impl Spans {
    fn meets(&self, other: &Self) -> bool {
        let (few, many) = if self.0.len() <= other.0.len() { (self, other) } else { (other, self) };
        let met = |(first, last): (&u64, &u64)| many.0.range(..=last).next_back().is_some_and(|(_, end)| end >= first);
        few.0.iter().any(met)
    }

    /// Takes in the ranges of another, the fewer into the more.
    fn absorb(&mut self, mut other: Self) {
        if other.0.len() > self.0.len() {
            std::mem::swap(self, &mut other);
        }
        self.0.append(&mut other.0);
    }
}

/// Sets of tracks, each of one subject.
#[derive(Debug, Default)]
pub struct Components {
    parents: BTreeMap<Track, Track>,
    /// Of the roots: where each kind is seen.
    spans: BTreeMap<Track, [Spans; KINDS]>,
}

impl Components {
    /// Each track by itself, with the first and the last frame that has it.
    pub fn new(tracks: impl IntoIterator<Item = (Track, (u64, u64))>) -> Self {
        let mut components = Self::default();
        for (track, (first, last)) in tracks {
            let mut spans: [Spans; KINDS] = Default::default();
            spans[track.kind()].0.insert(first, last);
            components.spans.insert(track, spans);
            components.parents.insert(track, track);
        }
        components
    }

    /// The track that stands for all that are joined with this one.
    pub fn root(&self, track: Track) -> Track {
        let mut root = track;
        while let Some(parent) = self.parents.get(&root).filter(|parent| **parent != root) {
            root = *parent;
        }
        root
    }

    /// Joins two tracks that are found together, unless two tracks of one kind would be there at the same time.
    pub fn join(&mut self, a: Track, b: Track) {
        self.join_unless(a, b, |a, b| (0..KINDS).any(|kind| a[kind].meets(&b[kind])));
    }

    /// Joins two tracks of one identity, unless both are there at the same time.
    pub fn join_apart(&mut self, a: Track, b: Track) {
        self.join_unless(a, b, |a, b| a.iter().any(|a| b.iter().any(|b| a.meets(b))));
    }

    fn join_unless(&mut self, a: Track, b: Track, conflict: impl Fn(&[Spans; KINDS], &[Spans; KINDS]) -> bool) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (Some(of_a), Some(of_b)) = (self.spans.get(&a), self.spans.get(&b)) else { return };
        if conflict(of_a, of_b) {
            return;
        }
        let spans_of = |spans: &[Spans; KINDS]| spans.iter().map(|spans| spans.0.len()).sum::<usize>();
        let (root, child) = if spans_of(of_a) >= spans_of(of_b) { (a, b) } else { (b, a) };
        let absorbed = self.spans.remove(&child).unwrap_or_default();
        if let Some(spans) = self.spans.get_mut(&root) {
            spans.iter_mut().zip(absorbed).for_each(|(into, from)| into.absorb(from));
        }
        self.parents.insert(child, root);
    }

    /// The sets, each ascending, by their first track.
    pub fn sets(&self) -> Vec<Vec<Track>> {
        let mut sets: BTreeMap<Track, Vec<Track>> = BTreeMap::new();
        for track in self.parents.keys() {
            sets.entry(self.root(*track)).or_default().push(*track);
        }
        let mut sets: Vec<Vec<Track>> = sets.into_values().collect();
        sets.sort();
        sets
    }
}
