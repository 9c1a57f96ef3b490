//! Votes of tracks and shots, and the user's corrections.
use crate::harness::{edit, host, named, photograph, rows, run};
use categorizer::{CategorizerSettings, CategorizerStage, Of};
use framefleet_classifier::{Examples, Probe};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Edit, PersonTrack, Pose};
use framefleet_stage::{FileSetting, Files};
use framefleet_testkit::Picture;
use framefleet_testkit_stage::{Film, Finished, Found, Step, on_range, only, rgb8, shot};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Six frames: a man, but nothing in the third; his pose is all of the frame, and one track.
fn film() -> Film {
    let man = photograph("faces/obama.jpg");
    let nothing = Picture::filled(man.width, man.height, [90, 110, 120]);
    let frame = |number: usize| rgb8(if number == 2 { &nothing } else { &man });
    let mut film = Film::new((0..6).map(frame).collect());
    let place = vec![0.0, 0.0, man.width as f32, man.height as f32];
    let pose = || vec![Value::Pose(Pose { r#box: place.clone(), ..Pose::default() })];
    film.found = vec![Found::new("pose", "pose", (0..6).map(|frame| (frame, pose())))];
    let track = PersonTrack { track: 7, frames: (0..5).collect(), instances: vec![0; 5], ..PersonTrack::default() };
    film.scoped =
        vec![on_range("clip.mp4", 0..5, 7, Value::PersonTrack(track)), shot("clip.mp4", 0..3), shot("clip.mp4", 3..6)];
    film
}

fn settings(of: Of) -> CategorizerSettings {
    CategorizerSettings { of, categories: named(&["ball", "person", "animal"]), ..Default::default() }
}

/// Category and who says it, of each frame.
fn called(finished: &Finished) -> Vec<(String, String)> {
    let word = |row: &Json, field: &str| row[field].as_str().unwrap().to_owned();
    rows(finished).values().map(|row| (word(row, "category"), word(row, "by"))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(category, by)| ((*category).to_owned(), (*by).to_owned())).collect()
}

fn poses(edits: Vec<Edit>, vote: bool) -> Finished {
    run(&[film()], &CategorizerSettings { vote, ..settings(Of::Pose) }, edits).1
}

#[test]
fn a_track_has_the_category_of_its_mean() {
    let alone = poses(vec![], false);
    let (sure, unsure) = (("person", "words"), ("uncertain", "words"));
    assert_eq!(called(&alone), pairs(&[sure, sure, unsure, sure, sure, sure]));
    // Four of five are likely enough for all of them; the sixth is on no track.
    let settings = CategorizerSettings { threshold: 0.6, ..settings(Of::Pose) };
    let voted = run(&[film()], &settings, vec![]).1;
    let vote = ("person", "vote");
    assert_eq!(called(&voted), pairs(&[vote, vote, vote, vote, vote, sure]));
    let found = voted.each(only!(Category));
    assert_eq!(found.len(), 1);
    let (range, track) = &found[0];
    assert_eq!((range.unwrap().start, range.unwrap().end), (0, 5));
    assert_eq!((track.voters.as_str(), track.track, track.votes), ("person_track", Some(7), 5));
    assert_eq!((track.category.as_str(), track.by.as_str(), track.status.as_str()), ("person", "vote", "confident"));
    assert!(track.share >= 0.8 && track.p1 < rows(&voted)[&(0, 0)]["p1"].as_f64().unwrap(), "{track:?}");
    assert_eq!((&voted.statistics["tracks"], &voted.statistics["uncertain_predictions"]), (&json!(1), &json!(0)));
}

#[test]
fn an_unlikely_mean_decides_nothing() {
    let settings = CategorizerSettings { threshold: 0.99, ..settings(Of::Pose) };
    let finished = run(&[film()], &settings, vec![]).1;
    assert!(called(&finished).iter().all(|(category, by)| category == "uncertain" && by == "words"));
    assert_eq!(finished.each(only!(Category))[0].1.status, "uncertain");
}

#[test]
fn shots_vote_and_their_frames_keep_their_own() {
    let finished = run(&[film()], &settings(Of::Frame), vec![]).1;
    let (sure, unsure) = (("person", "words"), ("uncertain", "words"));
    assert_eq!(called(&finished), pairs(&[sure, sure, unsure, sure, sure, sure]));
    let shots: Vec<_> =
        finished.each(only!(Category)).into_iter().map(|(range, of)| (range.unwrap().start, of)).collect();
    assert_eq!(
        shots.iter().map(|(start, of)| (*start, of.voters.as_str(), of.votes)).collect::<Vec<_>>(),
        [(0, "shot", 3), (3, "shot", 3)]
    );
    assert_eq!((shots[1].1.category.as_str(), shots[1].1.share), ("person", 1.0));
    assert_eq!(finished.statistics["shots"], 2);
}

#[test]
fn the_user_has_the_last_word() {
    let edits =
        vec![edit("assign", &[(1, 0)], "president"), edit("drop", &[(0, 0)], ""), edit("assign", &[(90, 0)], "ball")];
    let finished = poses(edits, true);
    // Who is called otherwise by the user makes all of the track that; who is dropped stays dropped.
    let (vote, user) = (("president", "vote"), ("president", "user"));
    assert_eq!(called(&finished), pairs(&[("", "user"), user, vote, vote, vote, ("person", "words")]));
    let track = &finished.each(only!(Category))[0].1;
    assert_eq!(
        (track.category.as_str(), track.by.as_str(), track.raw.as_str(), track.votes),
        ("president", "user", "person", 4)
    );
    let statistics = &finished.statistics;
    let count = |key: &str| statistics[key].as_u64().unwrap();
    assert_eq!(["total_instances", "dropped", "corrected", "lost_targets"].map(count), [5, 1, 2, 1]);
    assert_eq!(statistics["category_distribution"]["president"], 4);
}

#[test]
fn what_is_kept_is_what_it_was_taken_for() {
    let finished = poses(vec![edit("drop", &[(2, 0)], ""), edit("keep", &[(2, 0)], "")], false);
    let row = &rows(&finished)[&(2, 0)];
    assert_eq!((&row["category"], &row["status"], &row["by"]), (&row["raw"], &json!("confident"), &json!("user")));
}

/// A probe of two classes that takes a vector for the one whose example it is nearer to.
fn probe(model: &str) -> Vec<u8> {
    let film = Film::new(vec![rgb8(&photograph("faces/obama.jpg")), rgb8(&photograph("messi5.jpg"))]).stills();
    let embeddings = run(&[film], &settings(Of::Frame), vec![]).0;
    let vectors = embeddings.iter().map(|found| {
        let bytes = found[0].vector.as_chunks::<2>().0;
        bytes.iter().map(|pair| half::f16::from_le_bytes(*pair).to_f32()).collect::<Vec<f32>>()
    });
    let mut examples = Examples::new(1280);
    for (vector, class) in vectors.zip(["man", "sport"]) {
        examples.push(&vector, class).unwrap();
    }
    Probe::fit(&examples, model, 100.0).unwrap().to_bytes()
}

#[test]
fn a_probe_has_classes_of_its_own() {
    let load = |content: &[u8]| {
        let probe = FileSetting::of_content(content);
        let settings = CategorizerSettings { probe, ..settings(Of::Frame) };
        let host = host(&settings).with(Arc::new(Files::of([content.to_vec()])));
        Step::<CategorizerStage>::load(&host, &settings)
    };
    let film = Film::new(vec![rgb8(&photograph("messi5.jpg")), rgb8(&photograph("faces/obama2.jpg"))]);
    let finished = load(&probe("efficientnet-lite0")).unwrap().run(&[film]).unwrap().1;
    let raw: Vec<Json> = rows(&finished).into_values().map(|row| row["raw"].clone()).collect();
    assert_eq!(raw, ["sport", "man"]);
    assert!(rows(&finished).values().all(|row| row["by"] == "probe" && row["scores"].as_array().unwrap().len() == 2));
    assert_eq!(finished.statistics["category_distribution"].as_object().unwrap().len(), 2);
    let refused = load(&probe("another")).err().unwrap().to_string();
    assert!(refused.contains("embeddings of another, and this step's are of efficientnet-lite0"), "{refused}");
}
