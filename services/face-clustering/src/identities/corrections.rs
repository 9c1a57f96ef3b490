//! The user's corrections, in terms of tracks. They speak of faces, which do not change while process does not: a correction
//! holds however tracks and clusters come out.
use crate::identities::constraints::Groups;
use framefleet_frames::{Edit, EditTarget};
use std::collections::{BTreeMap, BTreeSet};

/// What the user can say: these are one person of that name; these are one person; these are not that person but another;
/// the persons that these are do not matter.
pub const VERBS: [&str; 4] = ["name", "merge", "split", "drop"];

/// Corrections, applied to groups.
#[derive(Debug, Default)]
pub struct Applied {
    /// Names, by index.
    pub names: Vec<String>,
    /// Tracks whose identities are dropped.
    pub dropped: Vec<usize>,
    /// Targets that are not there (any more): their frames or faces are gone.
    pub lost: u64,
}

/// Applies corrections to groups that are single tracks. The last word counts: they are applied from the last to the first,
/// and what contradicts a later one is left out.
pub fn apply(edits: &[Edit], track_of: impl Fn(&EditTarget) -> Option<usize>, groups: &mut Groups) -> Applied {
    let mut applied = Applied::default();
    let mut renamed: BTreeMap<&str, &str> = BTreeMap::new();
    let mut kept: BTreeSet<usize> = BTreeSet::new();
    for (number, edit) in edits.iter().enumerate().rev() {
        let targets: Vec<usize> = edit.targets.iter().filter_map(&track_of).collect();
        applied.lost += (edit.targets.len() - targets.len()) as u64;
        match edit.verb.as_str() {
            "name" => {
                let name = renamed.get(edit.name.as_str()).copied().unwrap_or(&edit.name);
                if !edit.former.is_empty() && edit.former != edit.name {
                    renamed.insert(&edit.former, name);
                }
                name_tracks(name, &targets, &mut applied.names, groups);
            }
            "merge" => together(&targets, groups),
            "split" => {
                let from = edit.from.as_ref().and_then(&track_of);
                targets.iter().for_each(|&track| groups.take_side(track, number, true));
                from.iter().for_each(|&track| groups.take_side(track, number, false));
                together(&targets, groups);
            }
            "drop" => applied.dropped.extend(targets.iter().filter(|track| !kept.contains(track))),
            _ => {}
        }
        // Who is named or merged after having been dropped is wanted again.
        if matches!(edit.verb.as_str(), "name" | "merge") {
            kept.extend(targets);
        }
    }
    applied
}

/// Names tracks; those of one name are one person.
fn name_tracks(name: &str, targets: &[usize], names: &mut Vec<String>, groups: &mut Groups) {
    let index = names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    targets.iter().for_each(|&track| groups.name(track, index));
}

/// Makes tracks one group.
fn together(targets: &[usize], groups: &mut Groups) {
    for pair in targets.windows(2) {
        groups.join_by_user(pair[0], pair[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::{FaceAt, Track};

    fn edit(verb: &str, targets: &[u64], name: &str, former: &str, from: Option<u64>) -> Edit {
        let face = |frame: u64| EditTarget { item: "a".to_owned(), frame, instance: 0, ..EditTarget::default() };
        Edit {
            step: "faces".to_owned(),
            verb: verb.to_owned(),
            targets: targets.iter().copied().map(face).collect(),
            from: from.map(face),
            name: name.to_owned(),
            former: former.to_owned(),
        }
    }

    /// Track n is face 0 of frame n.
    fn applied(edits: &[Edit]) -> (Applied, Groups) {
        let track = |frame| Track { faces: vec![FaceAt { frame, instance: 0, quality: 1.0 }], ..Track::default() };
        let tracks: Vec<Track> = (0..6).map(track).collect();
        let mut groups = Groups::new(&tracks, true);
        let applied = apply(edits, |face| (face.frame < 6).then_some(face.frame as usize), &mut groups);
        (applied, groups)
    }

    fn name(applied: &Applied, groups: &Groups, track: usize) -> Option<String> {
        groups.name_of(groups.group(track)).map(|name| applied.names[name].clone())
    }

    #[test]
    fn the_last_word_counts() {
        let (made, groups) = applied(&[
            edit("name", &[0], "Anna", "", None),
            edit("name", &[1], "Ann", "Anna", None),
            edit("name", &[2], "Bob", "", None),
            edit("name", &[2], "Rob", "", None),
        ]);
        let names = [0, 1, 2, 3].map(|track| name(&made, &groups, track));
        assert_eq!(names, [Some("Ann"), Some("Ann"), Some("Rob"), None].map(|name| name.map(str::to_owned)));
        let (_, groups) = applied(&[edit("merge", &[0, 1], "", "", None), edit("split", &[1], "", "", Some(0))]);
        assert_ne!(groups.group(0), groups.group(1));
        let (_, groups) = applied(&[edit("split", &[1], "", "", Some(0)), edit("merge", &[0, 1, 2], "", "", None)]);
        assert_eq!([0, 1, 2].map(|track| groups.group(track)), [0, 0, 0]);
    }

    #[test]
    fn what_is_dropped_can_be_wanted_again_and_lost_faces_are_counted() {
        let (made, _) = applied(&[edit("drop", &[0, 1], "", "", None), edit("name", &[1], "Anna", "", None)]);
        assert_eq!(made.dropped, [0]);
        let (made, _) = applied(&[edit("merge", &[0, 99], "", "", None)]);
        assert_eq!(made.lost, 1);
    }
}
