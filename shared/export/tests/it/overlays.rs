//! Overlays from a ledger with known results.
use framefleet_export::{ExportError, Format, Request, Settings, export};
use framefleet_frames::times::Times;
use framefleet_frames::{
    Amendment, Annotation, AnnotationBlock, Frame, FrameAnnotations, FrameFailure, FrameRange, Image, Item, ItemKind,
    Outcomes, Pictures, PixelFormat, Pose, Rational, annotation::Value,
};
use framefleet_ledger::{Ledger, OpenOptions, Output, StepManifest, TaskKey};
use framefleet_proto::v1::{Entry, FrameTimes, TaskId, TaskKind, TaskResult};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_testkit::{decode_rgb8, ffprobe};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

const FRAMES: u64 = 20;
const RATE: i64 = 25;
/// The frame that failed.
const FAILED: u64 = 7;
/// The frame in which the person was not seen, and is interpolated.
const BETWEEN: u64 = 11;
const SIZE: (u32, u32) = (320, 180);

fn item(name: &str) -> Item {
    Item {
        name: name.to_owned(),
        location: "nowhere".to_owned(),
        kind: ItemKind::Sequence.into(),
        width: SIZE.0,
        height: SIZE.1,
        frame_rate: Some(Rational { num: RATE, den: 1 }),
        time_base: Some(Rational { num: 1, den: RATE }),
        ..Item::default()
    }
}

/// Someone who moves 4 pixels a frame; the left wrist is hidden, the right one hardly visible.
fn pose(frame: u64) -> Pose {
    let x = 40.0 + 4.0 * frame as f32;
    let mut keypoints: Vec<f32> =
        (0..17).flat_map(|at| [x + (at % 3) as f32 * 8.0, 20.0 + 8.0 * at as f32, 0.9]).collect();
    (keypoints[9 * 3 + 2], keypoints[10 * 3 + 2]) = (0.1, 0.3);
    Pose { r#box: vec![x - 4.0, 10.0, x + 24.0, 160.0], score: 0.75, keypoints, ..Pose::default() }
}

fn key(number: u8) -> Vec<u8> {
    TaskKey::from_bytes(&[number; 32]).unwrap().as_bytes().to_vec()
}

fn amend(frame: u64, fields: Json) -> Amendment {
    Amendment { item: "a/walk".to_owned(), frame, instance: 0, kind: "pose".to_owned(), json: fields.to_string() }
}

/// An output in which step `pose` found one person, and finish followed it.
async fn output() -> Ledger {
    let ledger = Ledger::open(Output::in_memory(), OpenOptions::default()).await.unwrap();
    let range = Some(FrameRange { start: 0, end: FRAMES });
    let id = |kind: TaskKind| TaskId { kind: kind.into(), step: "pose".to_owned(), ..TaskId::default() };
    let process = Entry {
        key: key(1).into(),
        id: Some(TaskId { item: "a/walk".to_owned(), range, ..id(TaskKind::Process) }),
        stage: "pose".to_owned(),
        outcomes: Some(Outcomes {
            failed: vec![FrameFailure { frame: FAILED, code: "decode".to_owned(), reason: "cut short".to_owned() }],
            ..Outcomes::default()
        }),
        frames_done: FRAMES - 1,
        ..Entry::default()
    };
    let seen = |frame: u64| FrameAnnotations {
        frame,
        annotations: vec![Annotation { instance: 0, value: Some(Value::Pose(pose(frame))) }],
    };
    let frames = (0..FRAMES).filter(|frame| ![FAILED, BETWEEN].contains(frame)).map(seen).collect();
    ledger.commit(process, AnnotationBlock { frames, ..AnnotationBlock::default() }, Vec::new()).await.unwrap();
    let between = serde_json::to_value(pose(BETWEEN)).unwrap();
    let amendments = (0..FRAMES).map(|frame| match frame {
        BETWEEN => amend(
            frame,
            json!({"box": between["box"], "score": 0.5, "keypoints": between["keypoints"], "track": 3, "interpolated": true}),
        ),
        _ => amend(frame, json!({"track": 3, "interpolated": false})),
    });
    let block = AnnotationBlock { amendments: amendments.collect(), ..AnnotationBlock::default() };
    let finish =
        Entry { key: key(2).into(), id: Some(id(TaskKind::Finish)), stage: "pose".to_owned(), ..Entry::default() };
    ledger.commit(finish, block, Vec::new()).await.unwrap();
    let pts_ns: Vec<i64> = (0..FRAMES as i64).map(|frame| frame * 1_000_000_000 / RATE).collect();
    let times = Some(FrameTimes::from(&Times::new(&pts_ns)));
    let mut writer = ledger.write_manifest();
    writer.item(&item("a/walk")).await.unwrap();
    writer.task(TaskResult { key: key(1).into(), range, times, ..TaskResult::default() }).await.unwrap();
    let manifest = StepManifest {
        step: "pose".to_owned(),
        stage: "pose".to_owned(),
        finish_key: key(2).into(),
        complete: true,
        kinds: vec!["pose".to_owned()],
        ..StepManifest::default()
    };
    let manifest = writer.finish(manifest).await.unwrap();
    complete_step(&ledger, manifest, RecordsOptions { parquet: false, ..RecordsOptions::default() }).await.unwrap();
    ledger
}

/// Grey frames, so many times as large as the footage, and how often one was asked for.
struct Grey(u32, Vec<u64>);

impl Pictures for Grey {
    fn picture(&mut self, _: &Item, frame: u64) -> Result<Option<Frame>, String> {
        self.1.push(frame);
        let (width, height) = (self.0 * SIZE.0, self.0 * SIZE.1);
        let image = Image::new(PixelFormat::Rgb8, width, height, vec![90; (width * height * 3) as usize]).unwrap();
        Ok(Some(Frame { number: frame, pts_ns: frame as i64 * 1_000_000_000 / RATE, image }))
    }
}

/// No source.
struct Gone;

impl Pictures for Gone {
    fn picture(&mut self, _: &Item, _: u64) -> Result<Option<Frame>, String> {
        Err("no such file".to_owned())
    }
}

async fn exported(format: Format, folder: &Path, pictures: &mut dyn Pictures) -> Vec<PathBuf> {
    let settings = Settings::default();
    let request = Request { format, steps: &[], folder, every: 1, selection: None, settings: &settings };
    let exported = export(&output().await, &request, pictures).await.unwrap();
    assert_eq!((exported.steps, exported.frames), (vec!["pose".to_owned()], FRAMES - 1));
    exported.files
}

#[tokio::test]
async fn an_overlay_is_a_film_with_the_person_drawn_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut pictures = Grey(1, Vec::new());
    let files = exported(Format::Overlay, folder.path(), &mut pictures).await;
    assert_eq!(pictures.1, (0..FRAMES).collect::<Vec<_>>());
    assert_eq!(files, [folder.path().join("a/walk.overlay.mp4")]);
    assert_eq!(ffprobe(&files[0]).unwrap()["streams"][0]["nb_read_packets"], FRAMES.to_string());
    let frames = decode_rgb8(&files[0]).unwrap();
    // The colour of track 3 on a limb (left hip to left knee), grey beside it; nothing on the frame that failed.
    let pixel = |frame: u64, x: usize, y: usize| {
        let at = (y * SIZE.0 as usize + x) * 3;
        let rgb = &frames[frame as usize].rgb[at..at + 3];
        rgb.iter().map(|value| value.abs_diff(90)).max().unwrap()
    };
    let limb = |frame: u64| (4 * frame as usize + 40 + 16, 20 + 8 * 11);
    let (x, y) = limb(4);
    assert!(pixel(4, x, y) > 60 && pixel(4, 250, 90) < 10, "{} {}", pixel(4, x, y), pixel(4, 250, 90));
    let (x, y) = limb(FAILED);
    assert!(pixel(FAILED, x, y) < 30, "{}", pixel(FAILED, x, y));
    assert!(!folder.path().join("a/walk.nut").exists());
}

/// Coordinates are pixels of the footage, whatever size the pictures have that are drawn on.
#[tokio::test]
async fn an_overlay_fits_frames_that_were_enlarged() {
    let folder = tempfile::tempdir().unwrap();
    let files = exported(Format::Overlay, folder.path(), &mut Grey(2, Vec::new())).await;
    let frames = decode_rgb8(&files[0]).unwrap();
    assert_eq!((frames[4].width, frames[4].height), (2 * SIZE.0, 2 * SIZE.1));
    let off = |x: u32, y: u32| frames[4].get(x, y).iter().map(|value| value.abs_diff(90)).max().unwrap();
    // On the limb from left hip to left knee, and where it would be in a picture of the footage's size.
    let (x, y) = (4 * 4 + 40 + 16, 20 + 8 * 11);
    assert!(off(2 * x, 2 * y) > 60 && off(x, y) < 10, "{} {}", off(2 * x, 2 * y), off(x, y));
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    let request = Request {
        format: Format::Overlay,
        steps: &[],
        folder: folder.path(),
        every: 1,
        selection: None,
        settings: &settings,
    };
    let gone = export(&output().await, &request, &mut Gone).await.unwrap_err().to_string();
    assert!(gone.contains("a/walk frame 0") && gone.contains("no such file"), "{gone}");
    let motion = ["motion".to_owned()];
    let wrong = export(&output().await, &Request { steps: &motion, ..request }, &mut Gone).await.unwrap_err();
    assert!(matches!(&wrong, ExportError::WrongStep { fitting, .. } if fitting == "pose"), "{wrong}");
    let empty = Ledger::open(Output::in_memory(), OpenOptions::default()).await.unwrap();
    let nothing = export(&empty, &request, &mut Gone).await.unwrap_err();
    assert!(matches!(nothing, ExportError::NoStep { .. }), "{nothing}");
}
