//! coco.json where persons are joined: one annotation each, whatever parts they have.
use framefleet_ledger::{Ledger, Output};
use framefleet_objects::{Object, Objects};
use framefleet_records::{RecordsOptions, complete_step, verify};
use framefleet_testkit_ledger::people::{self, EMPTY, FAILED, FRAMES, MASKLESS, SIZE, STEPS};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// An output with these steps, and its folder.
async fn output(steps: &[&str]) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let (ledger, manifests) = people::write(&output, steps).await.unwrap();
    for manifest in manifests {
        complete_step(&ledger, manifest, RecordsOptions::default()).await.unwrap();
    }
    (folder, ledger)
}

async fn coco(steps: &[&str]) -> Json {
    let (folder, _ledger) = output(steps).await;
    serde_json::from_slice(&std::fs::read(folder.path().join("coco.json")).unwrap()).unwrap()
}

fn list<'j>(coco: &'j Json, name: &str) -> &'j [Json] {
    coco[name].as_array().unwrap()
}

/// Annotations by item, frame and instance.
fn annotations(coco: &Json) -> BTreeMap<(String, u64, u64), Json> {
    let images: BTreeMap<u64, &Json> =
        list(coco, "images").iter().map(|image| (image["id"].as_u64().unwrap(), image)).collect();
    let place = |one: &Json| {
        let image = images[&one["image_id"].as_u64().unwrap()];
        let item = image["item"].as_str().unwrap().to_owned();
        (item, image["frame"].as_u64().unwrap(), one["instance"].as_u64().unwrap())
    };
    list(coco, "annotations").iter().map(|one| (place(one), one.clone())).collect()
}

#[tokio::test]
async fn a_person_is_one_annotation_with_all_parts() {
    let coco = coco(&STEPS).await;
    // Two people in six frames of the film (one is empty, one failed), and one in each of three stills.
    assert_eq!(list(&coco, "annotations").len(), 2 * (FRAMES as usize - 2) + 3);
    let all = annotations(&coco);
    for ((item, frame, instance), one) in &all {
        assert_eq!((&one["category_id"], &one["iscrowd"], &one["num_keypoints"]), (&json!(1), &json!(0), &json!(12)));
        assert_eq!(one["keypoints"].as_array().unwrap().len(), 51);
        let [x, y, width, height] = [0, 1, 2, 3].map(|at| one["bbox"][at].as_f64().unwrap());
        assert!(one["face"]["quality"]["sharpness"].is_number());
        let is_film = item == "walk.mp4";
        assert_eq!(one.get("track_id"), is_film.then(|| json!(instance)).as_ref());
        if is_film {
            let truth = people::in_film(*frame)[*instance as usize].inside(SIZE).map(f64::from);
            assert_eq!([x, y, x + width, y + height], truth, "frame {frame}");
            let has_mask = (*frame, *instance) != (MASKLESS, 1);
            let empty = json!({"size": [SIZE.1, SIZE.0], "counts": "PP3"});
            assert_eq!(one["segmentation"] == empty, !has_mask, "frame {frame} {instance}: {}", one["segmentation"]);
            assert_eq!(one["area"].as_f64().unwrap(), width * height);
        }
    }
    assert_eq!(
        (&all[&("walk.mp4".to_owned(), 0, 0)]["name"], &all[&("walk.mp4".to_owned(), 0, 1)]["identity"]),
        (&json!("Ada"), &json!(1))
    );
}

#[tokio::test]
async fn images_have_their_own_sizes_and_open_under_one_root() {
    let coco = coco(&STEPS).await;
    let images: BTreeMap<&str, (u64, u64)> = list(&coco, "images")
        .iter()
        .map(|image| {
            (
                image["file_name"].as_str().unwrap(),
                (image["width"].as_u64().unwrap(), image["height"].as_u64().unwrap()),
            )
        })
        .collect();
    assert_eq!(coco["info"]["root"], "/footage");
    assert_eq!(images["photos/root.jpg"], (40, 30));
    assert_eq!(images["photos/wide.jpg"], (60, 20));
    assert_eq!(images["photos/a/001.jpg"], (30, 40));
    let film = |frame: u64| images.get(format!("walk/{frame:06}.jpg").as_str()).copied();
    assert_eq!(
        (film(EMPTY), film(FAILED)),
        (Some((64, 48)), None),
        "a frame with nobody is an image, one that failed is none"
    );
    assert_eq!(images.len(), FRAMES as usize - 1 + 3);
}

#[tokio::test]
async fn without_subjects_every_result_is_an_annotation_and_none_lacks_a_field() {
    let coco = coco(&["face-clustering", "pose", "segmentation"]).await;
    let people = 2 * (FRAMES as usize - 2) + 3;
    assert_eq!(list(&coco, "annotations").len(), 3 * people - 1);
    for one in list(&coco, "annotations") {
        let has = |field: &str| assert!(one.get(field).is_some(), "{field} of {one}");
        ["segmentation", "keypoints", "num_keypoints", "area", "bbox", "iscrowd"].into_iter().for_each(has);
    }
}

#[tokio::test]
async fn ids_stay_when_steps_come() {
    let (few, many) = (coco(&["pose", "subjects"]).await, coco(&STEPS).await);
    let ids = |coco: &Json, name: &str| -> BTreeSet<u64> {
        list(coco, name).iter().map(|one| one["id"].as_u64().unwrap()).collect()
    };
    for name in ["images", "annotations", "categories"] {
        assert_eq!(ids(&few, name), ids(&many, name), "{name}");
        assert!(ids(&few, name).iter().all(|id| *id < 1 << 53));
    }
}

#[tokio::test]
async fn it_is_what_the_ledger_has_of_the_steps() {
    let (folder, _ledger) = output(&STEPS).await;
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let report = verify(&output, true).await.unwrap();
    assert_eq!(report.problems, [""; 0]);
    let path = folder.path().join("coco.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("/footage", "/elsewhere")).unwrap();
    let moved = verify(&output, false).await.unwrap();
    assert!(moved.problems[0].contains("coco.json"), "{:?}", moved.problems);
}

/// Frames are read in one pass over all steps, in their order, whichever steps have them.
#[tokio::test]
async fn objects_come_in_the_order_of_the_output() {
    let (_folder, ledger) = output(&STEPS).await;
    let mut manifests = ledger.manifests().await.unwrap();
    manifests.sort_by(|a, b| a.step.cmp(&b.step));
    let mut objects = Objects::open(&ledger, &manifests, &[], true).await.unwrap().unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = objects.next().await.unwrap() {
        let names: Vec<&str> = frame.records.iter().map(|(step, _)| *step).collect();
        assert_eq!(names, STEPS);
        seen.push((frame.item.name.clone(), frame.number, frame.objects.iter().filter_map(Object::person).collect()));
    }
    let film = (0..FRAMES).filter(|frame| *frame != FAILED).map(|frame| {
        let people: Vec<String> = if frame == EMPTY { vec![] } else { vec!["Ada".to_owned(), "identity 1".to_owned()] };
        ("walk.mp4".to_owned(), frame, people)
    });
    let still = |(item, frame): (&str, u64)| (item.to_owned(), frame, vec!["Ada".to_owned()]);
    let stills = [("photos", 0), ("photos", 1), ("photos/a", 0)].map(still);
    assert_eq!(seen, film.chain(stills).collect::<Vec<_>>());
}
