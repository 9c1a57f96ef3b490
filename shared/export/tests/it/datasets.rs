//! Data sets of one output, each opened by what reads it.
use crate::people::{Gone, Painted, everything, exported, files, format, opens, output, stills};
use framefleet_export::{ExportError, Request, Settings, SplitBy, Splits, YoloTask, export};
use framefleet_testkit_ledger::people::{CUT, FAILED, FILM, FRAMES, STEPS};
use std::collections::BTreeSet;
use std::path::Path;

/// Two people in the film's frames but for the empty one and the failed one, and one in each still.
fn people() -> u64 {
    2 * (FRAMES - 2) + stills() as u64
}

fn images() -> u64 {
    FRAMES - 1 + stills() as u64
}

#[tokio::test]
async fn coco_evaluates_and_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { frames: true, ..Settings::default() };
    let done = exported(&everything().await, folder.path(), "coco", &settings, &mut Painted).await;
    assert_eq!((done.frames, done.objects, done.files.len() as u64), (images(), people(), images() + 2));
    opens("coco.py", folder.path(), &[]);
}

#[tokio::test]
async fn coco_without_pictures_names_those_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    exported(&everything().await, folder.path(), "coco", &Settings::default(), &mut Gone).await;
    let text = std::fs::read_to_string(folder.path().join("annotations/instances_default.json")).unwrap();
    assert!(text.contains("\"root\": \"/footage\"") && text.contains("\"file_name\":\"photos/a/001.jpg\""), "{text}");
}

#[tokio::test]
async fn yolo_is_imported_whatever_its_labels_say() {
    for (task, name) in [(YoloTask::Detect, "detect"), (YoloTask::Segment, "segment"), (YoloTask::Pose, "pose")] {
        let folder = tempfile::tempdir().unwrap();
        let splits = Splits { by: SplitBy::Shot, .."train=0.6,val=0.4".parse().unwrap() };
        let settings = Settings { yolo: task, splits, ..Settings::default() };
        let done = exported(&everything().await, folder.path(), "yolo", &settings, &mut Painted).await;
        assert_eq!(done.left_out, u64::from(task == YoloTask::Segment), "one person has no mask");
        opens("yolo.py", folder.path(), &[Path::new(name)]);
    }
}

#[tokio::test]
async fn a_shot_is_never_on_both_sides() {
    for by in [SplitBy::Item, SplitBy::Shot, SplitBy::Identity] {
        let folder = tempfile::tempdir().unwrap();
        let splits = Splits { by, .."train=1,val=1".parse().unwrap() };
        let settings = Settings { splits, ..Settings::default() };
        exported(&everything().await, folder.path(), "yolo", &settings, &mut Painted).await;
        let split_of = |frame: u64| {
            let found = files(&folder.path().join("images"));
            let of = found
                .into_iter()
                .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("walk_{frame:06}")));
            of.unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
        };
        let of = |frames: std::ops::Range<u64>| -> BTreeSet<String> {
            frames.filter(|frame| *frame != FAILED).map(split_of).collect()
        };
        assert_eq!((of(0..CUT).len(), of(CUT..FRAMES).len()), (1, 1), "{by:?}");
        if by != SplitBy::Shot {
            assert_eq!(of(0..FRAMES).len(), 1, "{by:?}: a film, and a person that both shots show, are not divided");
        }
    }
}

#[tokio::test]
async fn cvat_imports_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { frames: true, ..Settings::default() };
    exported(&everything().await, folder.path(), "cvat-images", &settings, &mut Painted).await;
    opens("cvat_images.py", folder.path(), &[]);
}

#[tokio::test]
async fn cvat_imports_tracks() {
    let folder = tempfile::tempdir().unwrap();
    exported(&everything().await, folder.path(), "cvat-video", &Settings::default(), &mut Gone).await;
    opens("cvat_video.py", folder.path(), &[]);
}

#[tokio::test]
async fn mot_is_evaluated_and_imported() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { frames: true, ..Settings::default() };
    let done = exported(&everything().await, folder.path(), "mot", &settings, &mut Painted).await;
    assert_eq!((done.objects, done.left_out), (people() - stills() as u64, stills() as u64));
    opens("mot.py", folder.path(), &[]);
}

#[tokio::test]
async fn voc_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let splits = Splits { by: SplitBy::Shot, .."train=0.6,val=0.4".parse().unwrap() };
    exported(&everything().await, folder.path(), "voc", &Settings { splits, ..Settings::default() }, &mut Painted)
        .await;
    opens("voc.py", folder.path(), &[]);
}

#[tokio::test]
async fn shards_open_and_finished_ones_are_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { shard_frames: 4, ..Settings::default() };
    let ledger = everything().await;
    let first = exported(&ledger, folder.path(), "webdataset", &settings, &mut Painted).await;
    assert_eq!((first.files.len(), first.kept.len()), (3 + 1, 0));
    opens("shards.py", folder.path(), &[]);
    // All are there: not a picture is read.
    let again = exported(&ledger, folder.path(), "webdataset", &settings, &mut Gone).await;
    assert_eq!((again.files.len(), again.kept.len()), (1, 3));
    // One is missing, as after an interruption: it alone is written, as it was.
    let second = folder.path().join("shard-000001.tar");
    let bytes = std::fs::read(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    let resumed = exported(&ledger, folder.path(), "webdataset", &settings, &mut Painted).await;
    assert_eq!((resumed.files.len(), resumed.kept.len()), (2, 2));
    assert_eq!(std::fs::read(&second).unwrap(), bytes);
}

#[tokio::test]
async fn kohya_has_captions_that_stay_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = everything().await;
    exported(&ledger, folder.path(), "kohya", &Settings::default(), &mut Painted).await;
    let captions = || files(folder.path()).into_iter().filter(|path| path.extension().is_some_and(|of| of == "txt"));
    let mine = captions().next().unwrap();
    std::fs::write(&mine, "of mine").unwrap();
    let again = exported(&ledger, folder.path(), "kohya", &Settings::default(), &mut Painted).await;
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "of mine");
    assert_eq!((again.kept.len(), again.handed_over.len()), (captions().count(), captions().count()));
    opens("kohya.py", folder.path(), &[]);
}

#[tokio::test]
async fn captions_say_what_records_say() {
    let folder = tempfile::tempdir().unwrap();
    let caption = "{{ name or 'somebody' }} of {{ item }}, {{ face.quality.sharpness | int }}, {{ records.pose.pose | length }} people{{ pose.nothing.here }}";
    let settings = Settings { caption: caption.to_owned(), crop: true, context: 1, ..Settings::default() };
    exported(&everything().await, folder.path(), "kohya", &settings, &mut Painted).await;
    let all: Vec<String> = files(folder.path())
        .iter()
        .filter(|path| path.extension().is_some_and(|of| of == "txt"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(all.contains(&"Ada of walk.mp4, 10, 2 people".to_owned()), "{all:?}");
    assert!(all.contains(&"somebody of walk.mp4, 10, 2 people".to_owned()), "{all:?}");
    let settings = Settings { caption: "{{ name".to_owned(), ..Settings::default() };
    let request = Request {
        format: format("kohya"),
        steps: &[],
        folder: folder.path(),
        every: 1,
        selection: None,
        settings: &settings,
    };
    let wrong = export(&everything().await, &request, &mut Gone).await.unwrap_err();
    assert!(matches!(&wrong, ExportError::Caption { .. }), "{wrong}");
}

#[tokio::test]
async fn tables_say_the_same() {
    let (csv, parquet) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = everything().await;
    exported(&ledger, csv.path(), "csv", &Settings::default(), &mut Gone).await;
    let done = exported(&ledger, parquet.path(), "parquet", &Settings::default(), &mut Gone).await;
    assert_eq!((done.frames, done.objects), (images(), people()));
    opens("tables.py", parquet.path(), &[csv.path()]);
}

/// Two films of one stem, and stills in a folder of a folder: every file is one that was reported.
#[tokio::test]
async fn equal_stems_never_meet() {
    let ledger = output(&STEPS, &[FILM, "walk.mov"]).await;
    let films = 2 * (FRAMES - 1);
    let settings = Settings { frames: true, ..Settings::default() };
    let pictures = films as usize + stills();
    for (name, expected) in
        [("coco", pictures + 2), ("yolo", 2 * pictures + 1), ("voc", 2 * pictures + 2), ("cvat-images", pictures + 1)]
    {
        let folder = tempfile::tempdir().unwrap();
        let done = exported(&ledger, folder.path(), name, &settings, &mut Painted).await;
        assert_eq!(done.files.len(), expected, "{name}");
    }
    for name in ["masks", "cutouts", "kohya", "webdataset", "mot", "cvat-video"] {
        let folder = tempfile::tempdir().unwrap();
        let done = exported(&ledger, folder.path(), name, &settings, &mut Painted).await;
        assert_eq!(done.files.iter().collect::<BTreeSet<_>>().len(), done.files.len(), "{name}");
    }
}

#[tokio::test]
async fn without_subjects_a_person_comes_once_where_twice_would_be_wrong() {
    let ledger = output(&["face-clustering", "pose", "segmentation"], &[FILM]).await;
    for (name, count) in [("yolo", people()), ("mot", people() - stills() as u64), ("coco", 3 * people() - 1)] {
        let folder = tempfile::tempdir().unwrap();
        let done = exported(&ledger, folder.path(), name, &Settings::default(), &mut Painted).await;
        assert_eq!(done.objects, count, "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (steps, settings) = (["segmentation".to_owned()], Settings::default());
    let request = Request {
        format: format("coco"),
        steps: &steps,
        folder: folder.path(),
        every: 2,
        selection: None,
        settings: &settings,
    };
    let done = export(&ledger, &request, &mut Gone).await.unwrap();
    assert_eq!((done.steps, done.frames), (vec!["segmentation".to_owned()], 3 + 2));
    let unknown = ["lighting".to_owned()];
    let wrong = export(&ledger, &Request { steps: &unknown, ..request }, &mut Gone).await.unwrap_err().to_string();
    assert!(wrong.contains("lighting") && wrong.contains("segmentation"), "{wrong}");
}
