//! From what was found in the frames of an item to its subjects.
use crate::SubjectsSettings;
use crate::finish::components::Components;
use crate::finish::tracks::{Track, Tracks};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A subject in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The frame.
    pub frame: u64,
    /// Its number in the frame.
    pub instance: u32,
    /// The instances of its parts.
    pub face: Option<u32>,
    /// See `face`.
    pub pose: Option<u32>,
    /// See `face`.
    pub mask: Option<u32>,
    /// What it is.
    pub label: String,
    /// The tracks of its parts, that of the pose first.
    pub tracks: Vec<Track>,
}

/// What there is of an item.
pub struct Item<'a> {
    /// What was found in its frames, in their order.
    pub found: Vec<Found>,
    /// Whether its frames have nothing to do with each other: everybody in them is a subject, be it in one frame and of no track. In films that
    /// was seen too briefly.
    pub is_stills: bool,
    /// Its tracks.
    pub tracks: &'a Tracks,
}

/// A subject of an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// Places of what it is in the frames, ascending; at most one per frame.
    pub found: Vec<usize>,
    /// The tracks that it is made of, ascending.
    pub tracks: Vec<Track>,
    /// Who it is.
    pub identity: Option<u32>,
}

/// The subjects of an item, by their first frame.
///
/// Tracks that are found together most are joined first, and never two of one kind that are there at the same time. What was found in a
/// frame belongs to the subject of its pose's track, else of its mask's, else of its face's: the first of them that has nothing else in the
/// frame.
pub fn join(item: &Item<'_>, settings: &SubjectsSettings) -> Vec<Members> {
    let mut components = components(&item.found, settings.together);
    if settings.by_identity {
        join_identities(&mut components, item);
    }
    let mut subjects: Vec<Members> = components
        .sets()
        .into_iter()
        .map(|tracks| Members { identity: identity(&tracks, item), tracks, found: Vec::new() })
        .collect();
    let of_track: HashMap<Track, usize> =
        (0..).zip(&subjects).flat_map(|(at, subject)| subject.tracks.iter().map(move |track| (*track, at))).collect();
    for (at, subject) in owners(&item.found, &of_track).into_iter().enumerate() {
        match subject {
            Some(subject) => subjects[subject].found.push(at),
            None if item.is_stills => subjects.push(Members { found: vec![at], ..Members::default() }),
            None => {}
        }
    }
    let least = if item.is_stills { 1 } else { settings.min_frames as usize };
    subjects.retain(|subject| subject.found.len() >= least.max(1));
    subjects.sort_by_key(|subject| subject.found[0]);
    subjects
}

/// The tracks of an item, joined where they are found together in this share of the frames of the shorter, or more.
fn components(found: &[Found], share: f64) -> Components {
    let mut spans: BTreeMap<Track, (u64, u64)> = BTreeMap::new();
    let mut counts: HashMap<Track, u64> = HashMap::new();
    let mut together: BTreeMap<(Track, Track), u64> = BTreeMap::new();
    for one in found {
        for (at, track) in one.tracks.iter().enumerate() {
            spans.entry(*track).or_insert((one.frame, one.frame)).1 = one.frame;
            *counts.entry(*track).or_default() += 1;
            for other in &one.tracks[at + 1..] {
                *together.entry((*track, *other)).or_default() += 1;
            }
        }
    }
    let mut pairs: Vec<((Track, Track), u64)> = together.into_iter().collect();
    pairs.retain(|((a, b), count)| *count as f64 >= share * counts[a].min(counts[b]) as f64);
    pairs.sort_by_key(|(tracks, count)| (std::cmp::Reverse(*count), *tracks));
    let mut components = Components::new(spans);
    pairs.into_iter().for_each(|((a, b), _)| components.join(a, b));
    components
}

/// Joins what has one identity and is not there at the same time, in the order of the tracks.
fn join_identities(components: &mut Components, item: &Item<'_>) {
    let mut first: BTreeMap<u32, Track> = BTreeMap::new();
    for tracks in components.sets() {
        if let Some(identity) = identity(&tracks, item) {
            let with = *first.entry(identity).or_insert(tracks[0]);
            components.join_apart(with, tracks[0]);
        }
    }
}

/// Whose most of the tracks are; of equals the lower number.
fn identity(tracks: &[Track], item: &Item<'_>) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for identity in tracks.iter().filter_map(|track| item.tracks.identity(*track)) {
        *counts.entry(identity).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(identity, count)| (*count, std::cmp::Reverse(*identity)))
        .map(|(identity, _)| identity)
}

/// The subject of each that was found, none twice in a frame: those that are known by a pose choose first, then those by a mask, then those by a
/// face.
fn owners(found: &[Found], of_track: &HashMap<Track, usize>) -> Vec<Option<usize>> {
    let mut owners = vec![None; found.len()];
    let mut start = 0;
    for frame in found.chunk_by(|a, b| a.frame == b.frame) {
        let mut taken: HashSet<usize> = HashSet::new();
        for kind in 0..3 {
            for (at, one) in (start..).zip(frame) {
                if owners[at].is_some() {
                    continue;
                }
                let track = one.tracks.iter().find(|track| track.kind() == kind);
                let subject = track.and_then(|track| of_track.get(track).copied());
                owners[at] = subject.filter(|subject| taken.insert(*subject));
            }
        }
        start += frame.len();
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Up to four things in each of some frames, each with tracks of up to three kinds, whatever they are.
    fn anything() -> impl Strategy<Value = Vec<Found>> {
        let one = (0..5_u32, 0..5_u32, 0..5_u32).prop_map(|(pose, mask, face)| {
            let track = |number: u32, make: fn(u32) -> Track| (number < 4).then(|| make(number));
            [track(pose, Track::Pose), track(mask, Track::Mask), track(face, Track::Face)]
        });
        let frames = prop::collection::vec(prop::collection::vec(one, 0..4), 1..12);
        frames.prop_map(|frames| {
            let mut found = Vec::new();
            for (frame, things) in (0..).zip(frames) {
                // A part of a frame is of one thing.
                let mut known = HashSet::new();
                for (instance, tracks) in (0..).zip(things) {
                    let tracks = tracks.into_iter().flatten().filter(|track| known.insert(*track)).collect();
                    let (face, pose, mask) = (None, None, None);
                    found.push(Found { frame, instance, face, pose, mask, label: String::new(), tracks });
                }
            }
            found
        })
    }

    proptest! {
        #[test]
        fn nobody_is_twice_in_a_frame_and_nothing_is_of_two(found in anything(), is_stills: bool, together in 0.01..1.0_f64) {
            let tracks = Tracks::default();
            let item = Item { found, is_stills, tracks: &tracks };
            let settings = SubjectsSettings { together, min_frames: 1, ..SubjectsSettings::default() };
            let subjects = join(&item, &settings);
            let mut owned = HashSet::new();
            for subject in &subjects {
                let mut frames = HashSet::new();
                for at in &subject.found {
                    prop_assert!(frames.insert(item.found[*at].frame), "twice in a frame: {subject:?}");
                    prop_assert!(owned.insert(*at), "{at} is of two");
                }
                prop_assert!(subject.found.is_sorted());
            }
            // What has a pose that is followed is always somebody.
            for (at, one) in item.found.iter().enumerate() {
                let is_known = one.tracks.iter().any(|track| track.kind() == 0);
                prop_assert!(!is_known || owned.contains(&at) , "{one:?}");
            }
            prop_assert!(subjects.is_sorted_by_key(|subject| subject.found[0]));
            prop_assert!(!is_stills || owned.len() == item.found.len());
        }
    }
}
