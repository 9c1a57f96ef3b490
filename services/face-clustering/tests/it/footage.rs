//! Faces of real persons in footage whose truth is known.

use crate::harness::{Results, canvas, finish, fitted, part, photograph, put, resized, run, step, video};
use face_clustering::{FaceClusteringSettings, FaceClusteringStage};
use framefleet_frames::{Edit, EditTarget, Face};
use framefleet_stage::Stage as _;
use framefleet_testkit_stage::{Film, golden, shot};
use opencv::core::{Mat, MatTraitConst};

/// A portrait so that the face is about 100 pixels wide.
fn portrait(name: &str) -> Mat {
    match name {
        "obama" => resized(&part(&photograph("obama.jpg"), 200, 0, 500, 600), 250, 300),
        "obama2" => fitted(&part(&photograph("obama2.jpg"), 100, 100, 450, 600), 300),
        "biden" => fitted(&part(&photograph("biden.jpg"), 300, 50, 480, 600), 300),
        other => panic!("no portrait of {other}"),
    }
}

/// Frames in which an image moves over grey, from one place by a step per frame.
fn moving(picture: &Mat, frames: i32, (x, y): (i32, i32), (dx, dy): (i32, i32)) -> Vec<Mat> {
    let frame = |n: i32| {
        let mut frame = canvas(640, 360);
        put(&mut frame, picture, x + n * dx, y + n * dy);
        frame
    };
    (0..frames).map(frame).collect()
}

/// With default settings.
fn plain(films: &[Film]) -> Results {
    run(&FaceClusteringSettings::default(), films)
}

fn width(face: &Face) -> f32 {
    face.r#box[2] - face.r#box[0]
}

#[test]
fn footage_without_faces_gives_an_empty_result_and_no_error() {
    let results = plain(&[video("empty.mp4", vec![canvas(320, 180); 5])]);
    assert!(results.faces.len() == 5 && results.faces.values().all(Vec::is_empty) && results.failed.is_empty());
    assert!(results.tracks.is_empty() && results.identities.is_empty() && results.artifacts.is_empty());
    let statistics = &results.statistics;
    assert_eq!(
        (
            &statistics["frames_without_faces"],
            &statistics["faces"],
            &statistics["identities"],
            &statistics["noise_share"]
        ),
        (&5.into(), &0.into(), &0.into(), &0.0.into())
    );
    assert!(statistics["silhouette"].is_null());
}

#[test]
fn one_face_is_one_track_and_one_identity() {
    let results = plain(&[video("a.mp4", moving(&portrait("obama"), 12, (60, 30), (6, 1)))]);
    assert!(results.faces.values().all(|faces| faces.len() == 1), "{:?}", results.statistics);
    assert_eq!((results.tracks.len(), results.identities.len()), (1, 1));
    assert!((0..12).all(|frame| results.who("a.mp4", frame) == [Some(0)]));
    // The box follows the image: 6 pixels per frame.
    let left = |frame: u64| results.faces[&("a.mp4".to_owned(), frame)][0].r#box[0];
    assert!((left(11) - left(0) - 66.0).abs() < 3.0, "{} {}", left(0), left(11));
    let face = &results.faces[&("a.mp4".to_owned(), 5)][0];
    let quality = face.quality.unwrap();
    assert!(quality.value > 0.5 && quality.yaw.abs() < 20.0 && quality.roll.abs() < 10.0, "{quality:?}");
    assert!((face.embedding.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-4 && face.embedding.len() == 128);
    let crop = &results.artifacts[&results.identities[0].crops[0]];
    assert_eq!(crop[..3], [0xff, 0xd8, 0xff], "a JPEG file");
}

#[test]
fn the_same_person_over_a_cut_is_two_tracks_and_one_identity() {
    let mut frames = moving(&portrait("obama"), 10, (60, 30), (4, 0));
    frames.extend(moving(&portrait("obama2"), 10, (300, 20), (-3, 1)));
    let mut film = video("a.mp4", frames);
    film.scoped = vec![shot("a.mp4", 0..10), shot("a.mp4", 10..20)];
    let results = plain(std::slice::from_ref(&film));
    assert_eq!(results.tracks.iter().map(|(range, _)| range.start..range.end).collect::<Vec<_>>(), [0..10, 10..20]);
    assert_eq!(results.identities.len(), 1, "{:?}", results.statistics);
    assert!((0..20).all(|frame| results.who("a.mp4", frame) == [Some(0)]));
    // Without shots, who stays where they were may be one track; it is one person all the same.
    film.scoped.clear();
    assert_eq!(plain(&[film]).identities.len(), 1);
}

#[test]
fn two_persons_who_cross_stay_who_they_are() {
    let (obama, biden) = (fitted(&portrait("obama"), 170), fitted(&portrait("biden"), 170));
    let frames = (0..30).map(|n| {
        let mut frame = canvas(640, 360);
        put(&mut frame, &obama, 20 + n * 15, 20);
        put(&mut frame, &biden, 460 - n * 15, 170);
        frame
    });
    let results = plain(&[video("a.mp4", frames.collect())]);
    assert_eq!(results.identities.len(), 2, "{:?}", results.statistics);
    for frame in 0..30 {
        let faces = &results.faces[&("a.mp4".to_owned(), frame)];
        for (face, who) in faces.iter().zip(results.who("a.mp4", frame)) {
            // The first person is above the other.
            let upper = face.r#box[1] < 130.0;
            assert_eq!(who, results.who("a.mp4", 0)[usize::from(!upper)], "frame {frame}");
        }
    }
}

#[test]
fn faces_of_twenty_pixels_are_found_and_small_ones_on_full_frames() {
    let small = fitted(&portrait("obama"), 60);
    let results = plain(&[video("a.mp4", moving(&small, 6, (100, 100), (2, 0)))]);
    let widths: Vec<f32> = results.faces.values().flatten().map(width).collect();
    assert!(widths.len() == 6 && widths.iter().all(|width| (14.0..30.0).contains(width)), "{widths:?}");
    assert!(results.faces.values().flatten().all(|face| face.quality.unwrap().value < 0.5));
    // On a frame four times as large the same face vanishes from the proxy, and full frames have it.
    let mut frame = canvas(2560, 1440);
    put(&mut frame, &small, 1700, 1000);
    let film = video("b.mp4", vec![frame; 3]);
    assert_eq!(plain(std::slice::from_ref(&film)).faces.values().flatten().count(), 0);
    let results = run(&FaceClusteringSettings { small_faces: true, ..FaceClusteringSettings::default() }, &[film]);
    assert!(results.faces.values().all(|faces| faces.len() == 1), "{:?}", results.statistics);
    let face = &results.faces[&("b.mp4".to_owned(), 0)][0];
    assert!((1700.0..1760.0).contains(&face.r#box[0]) && (14.0..30.0).contains(&width(face)), "{face:?}");
}

#[test]
fn a_face_in_profile_is_found_and_known_to_be_one() {
    // The woman on the left of this image looks to the viewer's left.
    let picture = part(&photograph("sample2.jpg"), 250, 30, 600, 600);
    let results = plain(&[video("a.mp4", vec![picture; 4])]);
    let faces = &results.faces[&("a.mp4".to_owned(), 0)];
    let profile = faces.iter().filter_map(|face| face.quality).find(|quality| quality.yaw.abs() > 35.0);
    assert!(
        profile.is_some_and(|quality| quality.value < 0.6),
        "{:?}",
        faces.iter().map(|face| face.quality).collect::<Vec<_>>()
    );
}

/// A picture that was turned by so many degrees clockwise, without a word of it.
fn turned(picture: &Mat, degrees: f64) -> Mat {
    let side = f64::from(picture.cols()).hypot(f64::from(picture.rows())).ceil();
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (x, y) = (f64::from(picture.cols()) / 2.0, f64::from(picture.rows()) / 2.0);
    let (tx, ty) = (side / 2.0 - cosine * x + sine * y, side / 2.0 - sine * x - cosine * y);
    let around = framefleet_vision::alignment::Similarity { a: cosine, b: sine, tx, ty };
    around.warp(picture, (side as u32, side as u32), opencv::core::BORDER_CONSTANT, 110.0.into()).unwrap()
}

#[test]
fn faces_of_turned_photographs_are_found_with_their_roll_and_known() {
    let angles = [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0];
    let pictures = angles.map(|angle| turned(&portrait("obama2"), angle));
    let results = plain(&[video("turned", pictures.to_vec()).stills()]);
    let first = &results.faces[&("turned".to_owned(), 0)][0].embedding;
    for (frame, angle) in (0..).zip(angles) {
        let faces = &results.faces[&("turned".to_owned(), frame)];
        let [face] = &faces[..] else { panic!("{angle}: {} faces", faces.len()) };
        let roll = f64::from(face.quality.unwrap().roll);
        let off = (roll - angle).rem_euclid(360.0);
        assert!(off.min(360.0 - off) < 15.0, "{angle}: roll {roll}");
        let cosine: f32 = first.iter().zip(&face.embedding).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.6, "{angle}: {cosine}");
        let side = results.faces[&("turned".to_owned(), 0)][0].r#box[2];
        assert!(face.r#box.iter().all(|at| (0.0..=600.0).contains(at)) && side > 0.0);
    }
    assert_eq!(results.identities.len(), 1, "{:?}", results.statistics);
}

/// A film that lies on its side: the first frame tells, and the others follow.
#[test]
fn a_film_on_its_side_has_faces() {
    let on_side = |frame: Mat| {
        let mut turned = Mat::default();
        opencv::core::rotate(&frame, &mut turned, opencv::core::RotateFlags::ROTATE_90_CLOCKWISE as i32).unwrap();
        turned
    };
    let upright = moving(&portrait("biden"), 6, (60, 30), (6, 1));
    let results = plain(&[video("a.mp4", upright.into_iter().map(on_side).collect())]);
    assert!(results.faces.values().all(|faces| faces.len() == 1), "{:?}", results.statistics);
    let faces: Vec<&Face> = results.faces.values().flatten().collect();
    assert!(faces.iter().all(|face| (face.quality.unwrap().roll - 90.0).abs() < 15.0));
    // What moves to the right in the film as it was moves down in this one.
    let down = faces[5].r#box[1] - faces[0].r#box[1];
    assert!((down - 30.0).abs() < 4.0, "{down}");
}

/// A blurred head in the background is found, and is nobody.
#[test]
fn what_is_no_face_makes_no_identity() {
    let blur = part(&photograph("sample1.jpg"), 0, 0, 1280, 800);
    let results = plain(&[video("a.mp4", vec![fitted(&blur, 636); 4])]);
    let doubtful = |face: &Face| face.quality.unwrap().confirmed.unwrap() < 0.7;
    let faces: Vec<&Face> = results.faces.values().flatten().collect();
    assert!(faces.iter().filter(|face| doubtful(face)).all(|face| face.quality.unwrap().value < 0.15));
    let who = results.who("a.mp4", 0);
    for (face, who) in results.faces[&("a.mp4".to_owned(), 0)].iter().zip(who) {
        assert_eq!(who.is_some(), !doubtful(face), "{:?}", face.quality);
    }
}

#[test]
fn boxes_are_in_pixels_of_the_full_frame() {
    let portrait = portrait("obama");
    let small = moving(&portrait, 1, (60, 30), (0, 0)).remove(0);
    let large = resized(&small, 1920, 1080);
    let results = plain(&[video("s.mp4", vec![small]), video("l.mp4", vec![large])]);
    let (small, large) = (&results.faces[&("s.mp4".to_owned(), 0)][0], &results.faces[&("l.mp4".to_owned(), 0)][0]);
    for (small, large) in small.r#box.iter().zip(&large.r#box).chain(small.landmarks.iter().zip(&large.landmarks)) {
        assert!((small * 3.0 - large).abs() < 6.0, "{small} {large}");
    }
}

#[test]
fn borders_of_batches_change_nothing() {
    let frames = || {
        let mut frames = moving(&portrait("obama"), 9, (60, 30), (4, 0));
        frames.extend(moving(&portrait("biden"), 6, (300, 20), (-3, 1)));
        frames
    };
    let by = |batch| {
        // Which crops are kept is decided by batch: a grid that depends on the item alone.
        let settings = FaceClusteringSettings { crops: 0, ..FaceClusteringSettings::default() };
        run(&settings, &[Film { batch, ..video("a.mp4", frames()) }])
    };
    let (one, other) = (by(32), by(4));
    assert_eq!(one.faces, other.faces);
    assert_eq!((one.tracks, one.identities), (other.tracks, other.identities));
    assert_eq!((one.amended, one.statistics), (other.amended, other.statistics));
}

#[test]
fn corrections_need_no_new_process_and_hold_for_more_films() {
    let mut films = vec![
        video("a.mp4", moving(&portrait("obama"), 8, (60, 30), (4, 0))),
        video("b.mp4", moving(&portrait("biden"), 8, (60, 30), (4, 0))),
    ];
    let mut step = step(&FaceClusteringSettings::default());
    let records = step.process(&films).unwrap().records;
    let target = |item: &str| EditTarget { item: item.to_owned(), frame: 3, instance: 0, ..EditTarget::default() };
    let edit = |verb: &str, targets: &[&str], name: &str| Edit {
        step: "faces".to_owned(),
        verb: verb.to_owned(),
        targets: targets.iter().map(|item| target(item)).collect(),
        name: name.to_owned(),
        ..Edit::default()
    };
    assert_eq!(finish(&step, &films, &records).identities.len(), 2);
    step.edits = vec![edit("name", &["b.mp4"], "Joe")];
    let named = finish(&step, &films, &records);
    assert_eq!(named.identities.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["", "Joe"]);
    step.edits.push(edit("drop", &["a.mp4"], ""));
    let dropped = finish(&step, &films, &records);
    assert_eq!((dropped.identities.len(), dropped.identities[0].name.as_str()), (1, "Joe"));
    assert_eq!(dropped.who("a.mp4", 0), [None]);
    step.edits = vec![edit("merge", &["a.mp4", "b.mp4"], "")];
    assert_eq!(finish(&step, &films, &records).identities.len(), 1);
    // Another film before: numbers change, the name does not.
    let film = fitted(&part(&photograph("sample3.jpg"), 900, 100, 500, 700), 350);
    films.insert(0, video("0.mp4", moving(&film, 6, (60, 0), (4, 0))));
    step.edits = vec![edit("name", &["b.mp4"], "Joe")];
    let records = step.process(&films).unwrap().records;
    let grown = finish(&step, &films, &records);
    let joe = grown.identities.iter().find(|one| one.name == "Joe").unwrap();
    assert_eq!((joe.items.as_slice(), joe.number > 1), (["b.mp4".to_owned()].as_slice(), true));
}

#[test]
fn golden_digest() {
    let mut frames = moving(&portrait("obama"), 6, (60, 30), (4, 0));
    frames.extend(moving(&portrait("biden"), 6, (300, 20), (-3, 1)));
    frames.extend(moving(&portrait("obama2"), 6, (200, 30), (2, 0)));
    let results = plain(&[Film { scoped: vec![shot("a.mp4", 0..6), shot("a.mp4", 6..18)], ..video("a.mp4", frames) }]);
    let mut text = String::new();
    for ((item, frame), faces) in results.faces.iter().filter(|((_, frame), _)| frame.is_multiple_of(4)) {
        for (face, who) in faces.iter().zip(results.who(item, *frame)) {
            let places: Vec<f32> = face.r#box.iter().chain(&face.landmarks).map(|at| (at / 8.0).round()).collect();
            let quality = face.quality.unwrap();
            text +=
                &format!("{frame} {who:?} {places:?} {:.1} {}\n", quality.value, (quality.yaw / 30.0).round() as i32);
        }
    }
    let vector = |frame: u64| &results.faces[&("a.mp4".to_owned(), frame)][0].embedding;
    for (one, other) in [(0, 5), (0, 8), (0, 14), (8, 14)] {
        let cosine: f32 = vector(one).iter().zip(vector(other)).map(|(a, b)| a * b).sum();
        text += &format!("{one} and {other}: {cosine:.1}\n");
    }
    for (range, track) in &results.tracks {
        text += &format!("{} {}..{} {:?}\n", track.number, range.start, range.end, track.identity);
    }
    for one in &results.identities {
        text += &format!(
            "{} {} faces {} tracks {:.1} {}\n",
            one.number,
            one.faces,
            one.tracks,
            one.cohesion,
            one.crops.len()
        );
    }
    golden(&text, FaceClusteringStage::VERSION, (4, "c225784dc3af9f6d"));
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let settings = FaceClusteringSettings::default();
    let host =
        framefleet_testkit_models::host(FaceClusteringStage::NAME, &FaceClusteringStage::needs(&settings)).unwrap();
    let films = [video("a.mp4", moving(&portrait("obama"), 3, (60, 30), (4, 0)))];
    framefleet_testkit_stage::process_reads_no_finish_setting::<FaceClusteringStage>(&host, &settings, &films);
}
