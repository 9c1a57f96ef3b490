//! Who of one frame is who of the others.
use crate::harness::{Person, face_track, film, identity, mask_track, person_track, run, tracks};
use framefleet_frames::{Subject, SubjectTrack};
use framefleet_stage::{Host, Stage};
use framefleet_testkit_stage::{Film, golden, only};
use serde_json::json;
use subjects::{SubjectsSettings, SubjectsStage};

const CLIP: &str = "clip.mp4";

/// Two persons cross. Faces are seen in every third frame, that of the second alone; instances are in no order.
fn crossing() -> Film {
    let at = |n: u64| (40.0 + 12.0 * n as f32, 280.0 - 12.0 * n as f32);
    let mut film = film(20, |n| {
        let (a, b) = (Person::at(at(n).0), Person::at(at(n).1));
        let faces = if n.is_multiple_of(3) { vec![b.face()] } else { vec![] };
        let masks = match n % 2 {
            0 => vec![a.mask(Some(0)), b.mask(Some(1))],
            _ => vec![b.mask(Some(1)), a.mask(Some(0))],
        };
        [faces, vec![a.pose(), b.pose()], masks]
    });
    let all: Vec<u64> = (0..20).collect();
    let poses = |instance: u32| all.iter().map(|n| (*n, instance)).collect::<Vec<_>>();
    // Masks were followed by their overlap: at frame 10 each goes on with the other.
    let masks = |of_a: fn(u64) -> bool| {
        all.iter().map(|n| (*n, u32::from(of_a(*n) == n.is_multiple_of(2)) ^ 1)).collect::<Vec<_>>()
    };
    let faces: Vec<(u64, u32)> = (0..20).step_by(3).map(|n| (n, 0)).collect();
    film.scoped = vec![
        person_track(CLIP, 0, &poses(0)),
        person_track(CLIP, 1, &poses(1)),
        mask_track(CLIP, 0, &masks(|n| n < 10)),
        mask_track(CLIP, 1, &masks(|n| n >= 10)),
        face_track(CLIP, 0, Some(5), &faces),
        identity(5, "Bo"),
    ];
    film
}

#[test]
fn persons_who_cross_stay_who_they_are_though_their_masks_do_not() {
    let (processed, finished) = run(&crossing(), &SubjectsSettings::default());
    let tracks: Vec<SubjectTrack> = finished.on_frames(only!(SubjectTrack)).into_iter().map(|(_, of)| of).collect();
    assert_eq!(tracks.len(), 2);
    // The mask of the first is instance 0 in even frames and 1 in odd ones.
    assert_eq!(tracks[0].masks, (0..20).map(|n| n % 2).collect::<Vec<u32>>());
    assert_eq!(tracks[1].masks, (0..20).map(|n| 1 - n % 2).collect::<Vec<u32>>());
    assert_eq!((tracks[0].identity, tracks[0].name.as_str()), (None, ""));
    assert_eq!((tracks[1].identity, tracks[1].name.as_str()), (Some(5), "Bo"));
    assert_eq!((&tracks[1].person_tracks[..], &tracks[1].face_tracks[..]), (&[1][..], &[0][..]));
    // Rows say it, too.
    let rows: Vec<Vec<Subject>> = processed.records.each(only!(Subject)).map(|(_, rows)| rows).collect();
    for (frame, instance, fields) in finished.amended().unwrap() {
        let expected = match rows[frame as usize][instance as usize].pose {
            Some(0) => json!({"subject": 0}),
            _ => json!({"subject": 1, "identity": 5, "name": "Bo"}),
        };
        assert_eq!(fields, expected, "{frame}");
    }
    assert_eq!(finished.statistics["subjects"], 2);
    assert_eq!((&finished.statistics["with_face"], &finished.statistics["complete"]), (&json!(7), &json!(7)));
}

/// Somebody is there in frames 0–4 and 10–14, by a face of the same identity.
fn back_again(identities: [Option<u32>; 2]) -> Film {
    let person = |n: u64| if n < 5 { Person::at(60.0) } else { Person::at(200.0) };
    let mut film = film(15, |n| match n {
        0..5 | 10.. => [vec![person(n).face()], vec![person(n).pose()], vec![]],
        _ => [vec![], vec![], vec![]],
    });
    let (first, second): (Vec<_>, Vec<_>) = ((0..5).map(|n| (n, 0)).collect(), (10..15).map(|n| (n, 0)).collect());
    film.scoped = vec![
        person_track(CLIP, 0, &first),
        person_track(CLIP, 1, &second),
        face_track(CLIP, 0, identities[0], &first),
        face_track(CLIP, 1, identities[1], &second),
    ];
    film
}

#[test]
fn who_leaves_and_comes_back_is_the_same_subject() {
    let count = |identities, by_identity| {
        tracks(&back_again(identities), &SubjectsSettings { by_identity, ..SubjectsSettings::default() }).len()
    };
    assert_eq!(count([Some(2), Some(2)], true), 1);
    assert_eq!(count([Some(2), Some(2)], false), 2);
    assert_eq!(count([Some(2), Some(3)], true), 2);
    assert_eq!(count([None, None], true), 2);
}

#[test]
fn two_who_are_there_together_are_two_whatever_their_identity() {
    let (a, b) = (Person::at(80.0), Person::at(220.0));
    let mut twins = film(4, |_| [vec![a.face(), b.face()], vec![a.pose(), b.pose()], vec![]]);
    let places = |instance| (0..4).map(|n| (n, instance)).collect::<Vec<_>>();
    twins.scoped = vec![face_track(CLIP, 0, Some(1), &places(0)), face_track(CLIP, 1, Some(1), &places(1))];
    let found = tracks(&twins, &SubjectsSettings::default());
    assert_eq!(
        found.iter().map(|one| (one.identity, one.frames.len())).collect::<Vec<_>>(),
        [(Some(1), 4), (Some(1), 4)]
    );
}

#[test]
fn a_track_that_broke_goes_on_where_another_part_was_followed_through() {
    let a = Person::at(80.0);
    let mut broken = film(10, |n| [vec![], if n == 5 { vec![] } else { vec![a.pose()] }, vec![a.mask(None)]]);
    let places = |range: std::ops::Range<u64>| range.map(|n| (n, 0)).collect::<Vec<_>>();
    broken.scoped = vec![
        person_track(CLIP, 0, &places(0..5)),
        person_track(CLIP, 1, &places(6..10)),
        mask_track(CLIP, 0, &places(0..10)),
    ];
    let found = tracks(&broken, &SubjectsSettings::default());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].frames.len(), &found[0].person_tracks[..]), (10, &[0, 1][..]));
}

#[test]
fn photographs_have_subjects_too_and_identities_join_them() {
    let (a, b) = (Person::at(80.0), Person::at(220.0));
    let mut photos = film(3, |n| match n {
        0 => [vec![a.face()], vec![a.pose()], vec![]],
        1 => [vec![], vec![b.pose()], vec![b.mask(None)]],
        _ => [vec![a.face()], vec![a.pose()], vec![]],
    })
    .stills();
    photos.scoped = vec![face_track(CLIP, 0, Some(0), &[(0, 0)]), face_track(CLIP, 1, Some(0), &[(2, 0)])];
    let found = tracks(&photos, &SubjectsSettings::default());
    let frames: Vec<_> = found.iter().map(|one| (one.identity, one.frames.clone())).collect();
    assert_eq!(frames, [(Some(0), vec![0, 2]), (None, vec![1])]);
}

#[test]
fn who_was_seen_too_briefly_is_nobody() {
    let mut brief = film(3, |n| [vec![], if n == 1 { vec![Person::at(90.0).pose()] } else { vec![] }, vec![]]);
    let (processed, finished) = run(&brief, &SubjectsSettings::default());
    assert_eq!(processed.records.each(only!(Subject)).map(|(_, rows)| rows.len()).sum::<usize>(), 1);
    assert!(finished.scoped.is_empty() && finished.amendments.is_empty());
    brief.scoped = vec![mask_track(CLIP, 0, &[(1, 0)]), person_track(CLIP, 0, &[(1, 0)])];
    assert_eq!(tracks(&brief, &SubjectsSettings::default()), []);
    assert_eq!(tracks(&brief, &SubjectsSettings { min_frames: 1, ..SubjectsSettings::default() }).len(), 1);
}

#[test]
fn golden_digest() {
    let (processed, finished) = run(&crossing(), &SubjectsSettings::default());
    let answers = format!(
        "{:?}\n{:?}",
        processed.records.each(only!(Subject)).map(|(_, rows)| rows).collect::<Vec<_>>(),
        finished
    );
    golden(&answers, SubjectsStage::VERSION, (1, "470cdf838883be46"));
}

#[test]
fn process_reads_no_finish_setting() {
    let films = [crossing()];
    framefleet_testkit_stage::process_reads_no_finish_setting::<SubjectsStage>(
        &Host::default(),
        &SubjectsSettings::default(),
        &films,
    );
}
