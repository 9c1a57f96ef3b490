//! Who is who, from tracks whose truth is known.
use super::*;
use crate::tracks::FaceAt;

/// Persons are directions; a track is one of them, a little off.
fn track(item: usize, number: u32, frames: std::ops::Range<u64>, person: usize, off: f32, quality: f32) -> Track {
    let mut vector = vec![0.0; 16];
    vector[person] = 1.0;
    vector[8 + (number as usize + item) % 8] += off;
    let length = length(&vector);
    let vector = vector.into_iter().map(|value| value / length).collect();
    let faces = frames.map(|frame| FaceAt { frame, instance: number, quality }).collect();
    Track { item, number, faces, vector }
}

fn face(item: &str, frame: u64, instance: u32) -> EditTarget {
    EditTarget { item: item.to_owned(), frame, instance, ..EditTarget::default() }
}

fn edit(verb: &str, targets: &[EditTarget]) -> Edit {
    Edit { step: "f".to_owned(), verb: verb.to_owned(), targets: targets.to_vec(), ..Edit::default() }
}

/// Persons of every track; items are "0", "1", …
fn identified(tracks: &[Track], edits: &[Edit]) -> (Vec<Option<usize>>, Identified) {
    let track_of = |face: &EditTarget| {
        tracks.iter().position(|track| {
            let here = |at: &FaceAt| (at.frame, at.instance) == (face.frame, face.instance);
            track.item.to_string() == face.item && track.faces.iter().any(here)
        })
    };
    let found = identify(tracks, edits, track_of, &FaceClusteringSettings::default());
    (found.of_track.iter().map(|person| person.map(|(number, _)| number)).collect(), found)
}

/// Two films: person 0 in three shots of the first and one of the second, person 1 in one of each.
fn films() -> Vec<Track> {
    vec![
        track(0, 0, 0..10, 0, 0.3, 0.8),
        track(0, 1, 5..15, 1, 0.3, 0.8),
        track(0, 2, 20..30, 0, 0.4, 0.8),
        track(0, 3, 40..50, 0, 0.5, 0.8),
        track(1, 0, 0..9, 1, 0.4, 0.8),
        track(1, 1, 20..29, 0, 0.2, 0.8),
    ]
}

#[test]
fn a_person_is_one_person_in_all_films() {
    let (persons, found) = identified(&films(), &[]);
    assert_eq!(persons, [0, 1, 0, 0, 1, 0].map(Some));
    assert_eq!(found.persons[0].tracks, [0, 2, 3, 5]);
    assert!(found.of_track.iter().all(|of| of.is_some_and(|(_, sure)| sure > 0.3)));
    assert_eq!(identified(&[], &[]).0, []);
}

#[test]
fn nobody_is_twice_in_a_frame_however_similar() {
    let tracks = [track(0, 0, 0..10, 0, 0.0, 0.8), track(0, 1, 0..10, 0, 0.05, 0.8), track(0, 2, 20..30, 0, 0.0, 0.8)];
    let (persons, _) = identified(&tracks, &[]);
    assert_ne!(persons[0], persons[1]);
    assert_eq!(persons[0], persons[2]);
}

#[test]
fn what_is_left_over_joins_whom_it_resembles_or_stands_alone_or_is_nobody() {
    let mut tracks = films();
    // A weak track of person 0, a stranger in one shot, one bad face of a stranger.
    tracks.push(track(1, 2, 40..42, 0, 1.2, 0.05));
    tracks.push(track(1, 3, 50..60, 2, 0.1, 0.8));
    tracks.push(track(1, 4, 70..71, 3, 0.1, 0.8));
    let (persons, _) = identified(&tracks, &[]);
    assert_eq!(persons[6..], [Some(0), Some(2), None]);
}

#[test]
fn names_hold_when_a_film_is_added_and_numbers_change() {
    let named = Edit { name: "Anna".to_owned(), ..edit("name", &[face("1", 21, 1)]) };
    let (_, found) = identified(&films(), std::slice::from_ref(&named));
    assert_eq!(found.persons[0].name.as_deref(), Some("Anna"));
    // A new film before all others: every number is another.
    let mut tracks = vec![track(0, 0, 0..10, 5, 0.1, 0.8), track(0, 1, 20..30, 0, 0.2, 0.8)];
    tracks.extend(films().into_iter().map(|track| Track { item: track.item + 1, ..track }));
    let named = Edit { targets: vec![face("2", 21, 1)], ..named };
    let (persons, found) = identified(&tracks, &[named]);
    assert_eq!(persons[1], Some(1));
    assert_eq!(found.persons[1].name.as_deref(), Some("Anna"));
    assert_eq!(found.persons.iter().filter(|person| person.name.is_some()).count(), 1);
}

#[test]
fn the_user_merges_splits_and_drops() {
    let tracks = films();
    let merged = identified(&tracks, &[edit("merge", &[face("0", 3, 0), face("0", 7, 1)])]);
    assert!(merged.0.iter().all(|person| *person == Some(0)), "{:?}: also over a shared frame", merged.0);
    let from = Some(face("0", 3, 0));
    let split = identified(&tracks, &[Edit { from, ..edit("split", &[face("0", 25, 2)]) }]);
    assert_ne!(split.0[2], split.0[0]);
    assert_eq!(split.0[0], split.0[3]);
    let (dropped, found) = identified(&tracks, &[edit("drop", &[face("0", 7, 1)])]);
    assert_eq!(dropped, [Some(0), None, Some(0), Some(0), None, Some(0)]);
    assert_eq!(found.dropped, [1, 4]);
}

#[test]
fn two_names_are_two_persons_and_one_name_is_one() {
    let name = |name: &str, target| Edit { name: name.to_owned(), ..edit("name", &[target]) };
    let apart = identified(&films(), &[name("Anna", face("0", 3, 0)), name("Ann", face("0", 25, 2))]);
    assert_ne!(apart.0[0], apart.0[2]);
    let (one, found) = identified(&films(), &[name("Anna", face("0", 3, 0)), name("Anna", face("1", 3, 0))]);
    assert_eq!(one, [0, 1, 0, 0, 0, 0].map(Some), "who is beside Anna in a frame is somebody else");
    assert_eq!(found.persons[0].name.as_deref(), Some("Anna"));
}
