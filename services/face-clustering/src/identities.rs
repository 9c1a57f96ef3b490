//! From tracks to identities: clusters, cleaned up.
pub(crate) mod constraints;
pub(crate) mod corrections;
use crate::face::crops::cosine;
use crate::identities::constraints::Groups;
use crate::identities::corrections::Applied;
use crate::settings::{FaceClusteringSettings, Selection};
use crate::tracks::{Track, length};
use framefleet_frames::{Edit, EditTarget};
use framefleet_hdbscan::{self as hdbscan, Clusters, Options};
use ndarray::Array2;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds in which similar identities are merged; each recomputes the means.
const MERGE_ROUNDS: usize = 8;

/// A person.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Indices of the person's tracks, ascending.
    pub tracks: Vec<usize>,
    /// The user's name for them.
    pub name: Option<String>,
    /// Mean of the tracks' vectors, of length 1.
    pub mean: Vec<f32>,
}

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    /// Persons, by first appearance.
    pub persons: Vec<Person>,
    /// Of every track the person, and how surely it is them (0–1).
    pub of_track: Vec<Option<(usize, f32)>>,
    /// Tracks of persons whom the user dropped.
    pub dropped: Vec<usize>,
    /// Corrections whose faces are not there any more.
    pub lost_targets: u64,
}

/// Tells who is who among the tracks of a job, which come by item and number.
pub fn identify(
    tracks: &[Track],
    edits: &[Edit],
    track_of: impl Fn(&EditTarget) -> Option<usize>,
    settings: &FaceClusteringSettings,
) -> Identified {
    let mut groups = Groups::new(tracks, settings.cannot_link);
    let applied = corrections::apply(edits, track_of, &mut groups);
    let (members, clusters) = clustered(tracks, settings);
    let mut label: Vec<Option<(u32, f32)>> = vec![None; tracks.len()];
    for (&track, (found, probability)) in members.iter().zip(clusters.labels.iter().zip(&clusters.probabilities)) {
        label[track] = found.map(|found| (found, *probability));
    }
    same_name(&applied, tracks.len(), &mut groups);
    for edge in &clusters.edges {
        let (a, b) = (members[edge.a as usize], members[edge.b as usize]);
        if label[a].is_some() && label[a].map(|(label, _)| label) == label[b].map(|(label, _)| label) {
            groups.join(a, b);
        }
    }
    repair(tracks, &label, &mut groups);
    let mut known = found(&label, settings, &groups);
    assign(tracks, &known, settings, &mut groups);
    known.extend(large(tracks, settings, &groups));
    join_similar(tracks, &known, settings.merge_similarity as f32, &mut groups);
    let known: BTreeSet<usize> = known.into_iter().map(|group| groups.group(group)).collect();
    result(tracks, &known, &groups, applied, &label)
}

/// Tracks that take part in clustering, and what became of them.
fn clustered(tracks: &[Track], settings: &FaceClusteringSettings) -> (Vec<usize>, Clusters) {
    let width = tracks.iter().map(|track| track.vector.len()).max().unwrap_or_default();
    let takes_part = |track: &Track| track.vector.len() == width && track.quality() >= settings.min_quality as f32;
    let members: Vec<usize> = (0..tracks.len()).filter(|&index| width > 0 && takes_part(&tracks[index])).collect();
    let mut points = Array2::<f32>::zeros((members.len(), width));
    for (mut row, &member) in points.rows_mut().into_iter().zip(&members) {
        row.iter_mut().zip(&tracks[member].vector).for_each(|(number, value)| *number = *value);
    }
    let options = Options {
        min_cluster_size: settings.min_cluster_size as usize,
        min_samples: settings.min_samples as usize,
        max_distance: hdbscan::distance(settings.min_similarity),
        epsilon: hdbscan::distance(settings.whole_similarity),
        selection: match settings.selection {
            Selection::Eom => hdbscan::Selection::ExcessOfMass,
            Selection::Leaf => hdbscan::Selection::Leaf,
        },
        allow_single: true,
    };
    let clusters = hdbscan::hdbscan(points.view(), &options);
    (members, clusters)
}

/// Joins what is left of clusters that came apart because some tracks may not be together: the most similar first.
fn repair(tracks: &[Track], label: &[Option<(u32, f32)>], groups: &mut Groups) {
    let mut parts: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (track, label) in label.iter().enumerate() {
        if let Some((label, _)) = label {
            parts.entry(*label).or_default().insert(groups.group(track));
        }
    }
    for parts in parts.values().filter(|parts| parts.len() > 1) {
        join_similar(tracks, parts, -1.0, groups);
    }
}

/// Makes groups of one name one.
fn same_name(applied: &Applied, tracks: usize, groups: &mut Groups) {
    for name in 0..applied.names.len() {
        let named: Vec<usize> =
            (0..tracks).filter(|&track| groups.name_of(groups.group(track)) == Some(name)).collect();
        for pair in named.windows(2) {
            groups.join_by_user(pair[0], pair[1]);
        }
    }
}

/// Mean vectors of groups, of length 1, weighted by the root of a track's faces; groups without a vector have none.
fn means(tracks: &[Track], groups: &Groups, of: &BTreeSet<usize>) -> BTreeMap<usize, Vec<f32>> {
    let mut sums: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for (index, track) in tracks.iter().enumerate().filter(|(_, track)| !track.vector.is_empty()) {
        let group = groups.group(index);
        if of.contains(&group) {
            let sum = sums.entry(group).or_insert_with(|| vec![0.0; track.vector.len()]);
            let weight = (track.faces.len() as f32).sqrt();
            sum.iter_mut().zip(&track.vector).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    for sum in sums.values_mut() {
        let length = length(sum).max(f32::EPSILON);
        sum.iter_mut().for_each(|value| *value /= length);
    }
    sums
}

/// Groups that are persons for sure: clusters (or what is left of one, if it is large enough) and those that the user spoke of.
fn found(label: &[Option<(u32, f32)>], settings: &FaceClusteringSettings, groups: &Groups) -> BTreeSet<usize> {
    let mut clustered: BTreeMap<usize, u32> = BTreeMap::new();
    for track in (0..label.len()).filter(|&track| label[track].is_some()) {
        *clustered.entry(groups.group(track)).or_default() += 1;
    }
    let clusters = clustered.into_iter().filter(|(_, tracks)| *tracks >= settings.min_cluster_size);
    let pinned = (0..label.len()).map(|track| groups.group(track)).filter(|&group| groups.is_pinned(group));
    clusters.map(|(group, _)| group).chain(pinned).collect()
}

/// Groups with enough faces, one of them good enough, to be persons without resembling anybody.
fn large(tracks: &[Track], settings: &FaceClusteringSettings, groups: &Groups) -> Vec<usize> {
    let mut sizes: BTreeMap<usize, (usize, f32)> = BTreeMap::new();
    for (index, track) in tracks.iter().enumerate() {
        let (faces, quality) = sizes.entry(groups.group(index)).or_default();
        *faces += track.faces.len();
        *quality = quality.max(track.quality());
    }
    let enough = |(_, (faces, quality)): &(usize, (usize, f32))| {
        *faces >= settings.min_faces as usize && *quality >= settings.min_quality as f32
    };
    sizes.into_iter().filter(enough).map(|(group, _)| group).collect()
}

/// Tracks that are nobody's join the known group they resemble most, the most similar first.
fn assign(tracks: &[Track], known: &BTreeSet<usize>, settings: &FaceClusteringSettings, groups: &mut Groups) {
    let means = means(tracks, groups, known);
    let mut wishes: Vec<(f32, usize, usize)> = Vec::new();
    for (index, track) in tracks.iter().enumerate().filter(|(_, track)| !track.vector.is_empty()) {
        if known.contains(&groups.group(index)) {
            continue;
        }
        for (&group, mean) in &means {
            let similarity = cosine(&track.vector, mean);
            if similarity >= settings.assign_similarity as f32 {
                wishes.push((similarity, index, group));
            }
        }
    }
    wishes.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut assigned = BTreeSet::new();
    for (_, track, group) in wishes {
        if !assigned.contains(&track) && groups.join(track, group) {
            assigned.insert(track);
        }
    }
}

/// Joins groups whose means are at least this similar, the most similar first.
fn join_similar(tracks: &[Track], known: &BTreeSet<usize>, min: f32, groups: &mut Groups) {
    for _ in 0..MERGE_ROUNDS {
        let roots: BTreeSet<usize> = known.iter().map(|&group| groups.group(group)).collect();
        let means: Vec<(usize, Vec<f32>)> = means(tracks, groups, &roots).into_iter().collect();
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (index, (a, mean)) in means.iter().enumerate() {
            for (b, other) in &means[index + 1..] {
                let similarity = cosine(mean, other);
                if similarity >= min {
                    pairs.push((similarity, *a, *b));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        // Every group takes part once: then its mean is another.
        let mut changed = BTreeSet::new();
        for (_, a, b) in pairs {
            if !changed.contains(&a) && !changed.contains(&b) && groups.join(a, b) {
                changed.extend([a, b]);
            }
        }
        if changed.is_empty() {
            return;
        }
    }
}

/// Numbers the persons by first appearance and says how surely each track is theirs.
fn result(
    tracks: &[Track],
    known: &BTreeSet<usize>,
    groups: &Groups,
    applied: Applied,
    label: &[Option<(u32, f32)>],
) -> Identified {
    let dropped: BTreeSet<usize> = applied.dropped.iter().map(|&track| groups.group(track)).collect();
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..tracks.len()).for_each(|track| members.entry(groups.group(track)).or_default().push(track));
    let means = means(tracks, groups, known);
    let mut identified = Identified { lost_targets: applied.lost, ..Identified::default() };
    identified.of_track = vec![None; tracks.len()];
    let mut persons: Vec<(usize, Person)> = Vec::new();
    for (group, tracks) in members {
        if dropped.contains(&group) {
            identified.dropped.extend(tracks);
        } else if known.contains(&group) {
            let name = groups.name_of(group).and_then(|name| applied.names.get(name).cloned());
            let mean = means.get(&group).cloned().unwrap_or_default();
            persons.push((group, Person { tracks, name, mean }));
        }
    }
    identified.dropped.sort_unstable();
    let first = |person: &Person| {
        let appears = person.tracks.iter().filter_map(|&track| {
            tracks[track].faces.first().map(|face| (tracks[track].item, face.frame, face.instance))
        });
        appears.min()
    };
    persons.sort_by_key(|(group, person)| (first(person), *group));
    for (number, (_, person)) in persons.iter().enumerate() {
        for &track in &person.tracks {
            let similar = || cosine(&tracks[track].vector, &person.mean).clamp(0.0, 1.0);
            identified.of_track[track] =
                Some((number, label[track].map_or_else(similar, |(_, probability)| probability)));
        }
    }
    identified.persons = persons.into_iter().map(|(_, person)| person).collect();
    identified
}

#[cfg(test)]
mod tests;
