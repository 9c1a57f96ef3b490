//! Pictures of masks from a ledger with known results.
use framefleet_export::{ExportError, Exported, Format, Request, Settings, export};
use framefleet_frames::times::Times;
use framefleet_frames::{
    Annotation, AnnotationBlock, Frame, FrameAnnotations, FrameFailure, FrameRange, Image, Item, ItemKind, Mask,
    Outcomes, Pictures, PixelFormat, Rational, annotation::Value,
};
use framefleet_ledger::{Ledger, OpenOptions, Output, StepManifest, TaskKey};
use framefleet_masks::Rle;
use framefleet_proto::v1::{Entry, FrameTimes, TaskId, TaskKind, TaskResult};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_testkit::decode_rgb8;
use opencv::core::{self, Mat, Rect, Scalar};
use opencv::imgcodecs;
use opencv::prelude::*;
use std::path::{Path, PathBuf};

const FRAMES: u64 = 6;
/// The frame that failed.
const FAILED: u64 = 3;
const SIZE: (u32, u32) = (160, 90);

/// Where instance 0 lies; instance 1 is 10 pixels square in the right bottom corner.
fn place(frame: u64) -> Rect {
    Rect::new(20 + 4 * frame as i32, 30, 30, 40)
}

fn mask(place: Rect, size: (u32, u32)) -> Mask {
    let mut picture =
        Mat::new_rows_cols_with_default(size.1 as i32, size.0 as i32, core::CV_8UC1, Scalar::default()).unwrap();
    picture.roi_mut(place).unwrap().set_to(&Scalar::all(255.0), &core::no_array()).unwrap();
    let runs = Rle::of(&picture).unwrap();
    let corners = [place.x, place.y, place.x + place.width, place.y + place.height].map(|side| side as f32);
    Mask {
        r#box: corners.to_vec(),
        area: runs.area(),
        run_lengths: Some(runs.text()),
        track: Some(4),
        ..Mask::default()
    }
}

fn key(number: u8) -> Vec<u8> {
    TaskKey::from_bytes(&[number; 32]).unwrap().as_bytes().to_vec()
}

/// An output whose step `masks` found two things on every frame; masks are of `size`.
async fn output(size: (u32, u32)) -> Ledger {
    let ledger = Ledger::open(Output::in_memory(), OpenOptions::default()).await.unwrap();
    let item = Item {
        name: "a/walk".to_owned(),
        kind: ItemKind::Sequence.into(),
        width: SIZE.0,
        height: SIZE.1,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        time_base: Some(Rational { num: 1, den: 25 }),
        ..Item::default()
    };
    let range = Some(FrameRange { start: 0, end: FRAMES });
    let id = |kind: TaskKind| TaskId { kind: kind.into(), step: "masks".to_owned(), ..TaskId::default() };
    let process = Entry {
        key: key(1).into(),
        id: Some(TaskId { item: item.name.clone(), range, ..id(TaskKind::Process) }),
        stage: "segmentation".to_owned(),
        outcomes: Some(Outcomes {
            failed: vec![FrameFailure { frame: FAILED, code: "decode".to_owned(), reason: "cut short".to_owned() }],
            ..Outcomes::default()
        }),
        frames_done: FRAMES - 1,
        ..Entry::default()
    };
    let found = |frame: u64| {
        let places = [place(frame), Rect::new(size.0 as i32 - 10, size.1 as i32 - 10, 10, 10)];
        let annotation =
            |(instance, place): (u32, Rect)| Annotation { instance, value: Some(Value::Mask(mask(place, size))) };
        FrameAnnotations { frame, annotations: (0..).zip(places).map(annotation).collect() }
    };
    let frames = (0..FRAMES).filter(|frame| *frame != FAILED).map(found).collect();
    ledger.commit(process, AnnotationBlock { frames, ..AnnotationBlock::default() }, Vec::new()).await.unwrap();
    let finish = Entry { key: key(2).into(), id: Some(id(TaskKind::Finish)), ..Entry::default() };
    ledger.commit(finish, AnnotationBlock::default(), Vec::new()).await.unwrap();
    let pts_ns: Vec<i64> = (0..FRAMES as i64).map(|frame| frame * 40_000_000).collect();
    let times = Some(FrameTimes::from(&Times::new(&pts_ns)));
    let mut writer = ledger.write_manifest();
    writer.item(&item).await.unwrap();
    writer.task(TaskResult { key: key(1).into(), range, times, ..TaskResult::default() }).await.unwrap();
    let manifest = StepManifest {
        step: "masks".to_owned(),
        stage: "segmentation".to_owned(),
        finish_key: key(2).into(),
        complete: true,
        kinds: vec!["mask".to_owned()],
        ..StepManifest::default()
    };
    let manifest = writer.finish(manifest).await.unwrap();
    complete_step(&ledger, manifest, RecordsOptions { parquet: false, ..RecordsOptions::default() }).await.unwrap();
    ledger
}

/// Grey footage whose things are brighter.
struct Footage;

impl Pictures for Footage {
    fn picture(&mut self, _: &Item, frame: u64) -> Result<Option<Frame>, String> {
        let inside = |x: i32, y: i32| place(frame).contains(core::Point::new(x, y));
        let pixel = |at: u32| if inside((at % SIZE.0) as i32, (at / SIZE.0) as i32) { [200; 3] } else { [60; 3] };
        let pixels: Vec<u8> = (0..SIZE.0 * SIZE.1).flat_map(pixel).collect();
        let image = Image::new(PixelFormat::Rgb8, SIZE.0, SIZE.1, pixels).unwrap();
        Ok(Some(Frame { number: frame, pts_ns: frame as i64 * 40_000_000, image }))
    }
}

async fn exported(format: &str, folder: &Path, every: u64) -> Result<Exported, ExportError> {
    let settings = Settings { context: 5, ..Settings::default() };
    let format = format.parse::<Format>()?;
    let request = Request { format, steps: &[], folder, every, selection: None, settings: &settings };
    export(&output(SIZE).await, &request, &mut Footage).await
}

fn names(files: &[PathBuf], folder: &Path) -> Vec<String> {
    files.iter().map(|file| file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
}

fn open(folder: &Path, name: &str) -> Mat {
    let path = folder.join(name);
    imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_UNCHANGED).unwrap()
}

fn mean(picture: &Mat, part: Rect) -> f64 {
    core::mean_def(&Mat::roi(picture, part).unwrap()).unwrap()[0]
}

#[tokio::test]
async fn every_instance_has_its_mask_under_the_stages_name() {
    let folder = tempfile::tempdir().unwrap();
    let made = exported("masks", folder.path(), 1).await.unwrap();
    assert_eq!((made.steps, made.frames), (vec!["masks".to_owned()], FRAMES - 1));
    let expected: Vec<String> = (0..FRAMES)
        .filter(|frame| *frame != FAILED)
        .flat_map(|frame| [0, 1].map(|instance| format!("a/walk/masks/{frame:06}_inst{instance}_mask.png")))
        .collect();
    assert_eq!(names(&made.files, folder.path()), expected);
    let mask_of_4 = open(folder.path(), "a/walk/masks/000004_inst0_mask.png");
    let truth = Rle::parse(mask(place(4), SIZE).run_lengths.as_ref().unwrap()).unwrap();
    assert_eq!(Rle::of(&mask_of_4).unwrap(), truth);
}

#[tokio::test]
async fn instances_are_cut_out_with_and_without_surroundings() {
    let folder = tempfile::tempdir().unwrap();
    for product in ["cutouts", "context", "blurred"] {
        assert_eq!(exported(product, folder.path(), 1).await.unwrap().files.len(), 10, "{product}");
    }
    let cutout = open(folder.path(), "a/walk/cutouts/000002_inst0.png");
    assert_eq!((cutout.cols(), cutout.rows(), cutout.channels()), (30, 40, 4));
    let context = open(folder.path(), "a/walk/context/000002_inst0_ctx.png");
    assert_eq!((context.cols(), context.rows(), context.channels()), (40, 50, 3));
    assert_eq!((mean(&context, Rect::new(5, 5, 30, 40)), mean(&context, Rect::new(0, 0, 40, 5))), (200.0, 60.0));
    // What lies in a corner has surroundings on two sides.
    let corner = open(folder.path(), "a/walk/context/000002_inst1_ctx.png");
    assert_eq!((corner.cols(), corner.rows()), (15, 15));
    let blurred = open(folder.path(), "a/walk/blurred/000002_inst0_blur.png");
    assert_eq!(mean(&blurred, Rect::new(5, 5, 30, 40)), 200.0, "the instance itself is sharp");
    assert!(mean(&blurred, Rect::new(0, 0, 40, 5)) > 80.0, "its surroundings are not");
}

#[tokio::test]
async fn backgrounds_are_painted_and_frames_are_sampled() {
    let folder = tempfile::tempdir().unwrap();
    let made = exported("backgrounds", folder.path(), 2).await.unwrap();
    let expected = ["a/walk/backgrounds/000000.jpg", "a/walk/backgrounds/000002.jpg", "a/walk/backgrounds/000004.jpg"];
    assert_eq!((names(&made.files, folder.path()), made.frames), (expected.map(str::to_owned).to_vec(), 3));
    let background = open(folder.path(), "a/walk/backgrounds/000002.jpg");
    assert!((mean(&background, place(2)) - 60.0).abs() < 8.0, "{}", mean(&background, place(2)));
}

#[tokio::test]
async fn an_overlay_shows_masks_in_the_colour_of_their_track() {
    let folder = tempfile::tempdir().unwrap();
    let made = exported("overlay", folder.path(), 1).await.unwrap();
    let frames = decode_rgb8(&made.files[0]).unwrap();
    assert_eq!(frames.len() as u64, FRAMES);
    let inside = frames[5].get(place(5).x as u32 + 15, 50);
    let outside = frames[5].get(5, 50);
    let spread = |pixel: [u8; 3]| pixel.iter().max().unwrap() - pixel.iter().min().unwrap();
    assert!(spread(inside) > 30 && spread(outside) < 12, "{inside:?} {outside:?}");
}

#[tokio::test]
async fn masks_of_another_size_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request {
        format: "cutouts".parse().unwrap(),
        steps: &[],
        folder: folder.path(),
        every: 1,
        selection: None,
        settings: &Settings::default(),
    };
    let problem = export(&output((80, 90)).await, &request, &mut Footage).await.unwrap_err().to_string();
    assert!(problem.contains("80×90") && problem.contains("160"), "{problem}");
}
