//! An output with people whose boxes, masks, poses, faces and identities are known: a film in which two cross, and two folders of stills of
//! different sizes. Five steps, as stages would have made them.
use crate::job::open;
use framefleet_frames::times::Times;
use framefleet_frames::{
    Annotation, AnnotationBlock, Face, FaceQuality, FrameAnnotations, FrameFailure, FrameRange, Identity, ImageFile,
    Item, ItemKind, Mask, Outcomes, Pose, Rational, RunLengths, ScopedAnnotation, Shot, Subject, annotation::Value,
};
use framefleet_ledger::{Entry, Ledger, LedgerError, Output, StepManifest, TaskKey};
use framefleet_proto::v1::{FrameTimes, TaskId, TaskKind, TaskResult};

/// Name of the film.
pub const FILM: &str = "walk.mp4";
/// Frames of the film.
pub const FRAMES: u64 = 8;
/// Its frame in which nobody is.
pub const EMPTY: u64 = 3;
/// Its frame that failed.
pub const FAILED: u64 = 6;
/// Its frame that the second shot begins with.
pub const CUT: u64 = 4;
/// Width and height of the film.
pub const SIZE: (u32, u32) = (64, 48);
/// The film's frame in which the second person has no mask.
pub const MASKLESS: u64 = 2;

/// The steps that joined subjects are made of, and that step.
pub const STEPS: [&str; 5] = ["face-clustering", "motion", "pose", "segmentation", "subjects"];

/// One person in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Number of the subject, of its track and of its identity.
    pub number: u32,
    /// x0, y0, x1, y1 as the stage found it: it may leave the picture.
    pub corners: [f32; 4],
    /// Whether it has a mask.
    pub has_mask: bool,
    /// Sharpness of its face.
    pub sharpness: f32,
}

impl Person {
    /// The box inside a picture of `size`.
    pub fn inside(&self, size: (u32, u32)) -> [f32; 4] {
        let [x0, y0, x1, y1] = self.corners;
        let (width, height) = (size.0 as f32, size.1 as f32);
        [x0.clamp(0.0, width), y0.clamp(0.0, height), x1.clamp(0.0, width), y1.clamp(0.0, height)]
    }
}

/// A folder of stills: its name, and names and sizes of its files.
pub type StillFolder = (&'static str, &'static [(&'static str, u32, u32)]);

/// The folders of stills.
pub const STILLS: [StillFolder; 2] =
    [("photos", &[("root.jpg", 40, 30), ("wide.jpg", 60, 20)]), ("photos/a", &[("001.jpg", 30, 40)])];

/// The people of a frame of the film.
pub fn in_film(frame: u64) -> Vec<Person> {
    if frame == EMPTY {
        return Vec::new();
    }
    let at = 4.0 * frame as f32;
    // The first one enters at the edge.
    let first = [at - 2.0, 8.0, at + 10.0, 40.0];
    let second = [44.0 - at, 6.0, 56.0 - at, 42.0];
    let person = |number, corners, has_mask| Person { number, corners, has_mask, sharpness: 10.0 * (frame + 1) as f32 };
    vec![person(0, first, true), person(1, second, frame != MASKLESS)]
}

/// The people of a still: the first one, in the middle.
pub fn in_still(width: u32, height: u32) -> Vec<Person> {
    let (width, height) = (width as f32, height as f32);
    let corners = [width / 2.0 - 5.0, height / 2.0 - 8.0, width / 2.0 + 5.0, height / 2.0 + 8.0];
    vec![Person { number: 0, corners, has_mask: true, sharpness: 100.0 }]
}

/// The film, under a name.
pub fn film(name: &str) -> Item {
    Item {
        name: name.to_owned(),
        location: format!("/footage/{name}"),
        kind: ItemKind::Video.into(),
        width: SIZE.0,
        height: SIZE.1,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        time_base: Some(Rational { num: 1, den: 25 }),
        estimated_frames: FRAMES,
        ..Item::default()
    }
}

/// The folders of stills.
pub fn stills() -> Vec<(Item, Vec<ImageFile>)> {
    let folder = |(name, files): &StillFolder| {
        let file = |(frame, (name, width, height)): (u64, &(&str, u32, u32))| ImageFile {
            frame,
            name: (*name).to_owned(),
            width: *width,
            height: *height,
            bit_depth: 8,
            ..ImageFile::default()
        };
        let most = |side: fn(&(&str, u32, u32)) -> u32| files.iter().map(side).max().unwrap_or_default();
        let item = Item {
            name: (*name).to_owned(),
            location: format!("/footage/{name}"),
            kind: ItemKind::Stills.into(),
            width: most(|file| file.1),
            height: most(|file| file.2),
            estimated_frames: files.len() as u64,
            ..Item::default()
        };
        (item, (0..).zip(*files).map(file).collect())
    };
    STILLS.iter().map(folder).collect()
}

/// An output with the tasks of some of [`STEPS`] on [`FILM`] and the stills, and the manifests of these.
pub async fn write(output: &Output, steps: &[&str]) -> Result<(Ledger, Vec<StepManifest>), LedgerError> {
    let ledger = open(output).await?;
    let mut manifests = Vec::new();
    for step in steps {
        manifests.push(write_step(&ledger, step, &[FILM]).await?);
    }
    Ok((ledger, manifests))
}

/// Commits the tasks of a step on films of these names and the stills, and writes its manifest, which `complete_step` of the records then
/// publishes.
pub async fn write_step(ledger: &Ledger, step: &str, films: &[&str]) -> Result<StepManifest, LedgerError> {
    let mut writer = ledger.write_manifest();
    for film in films.iter().map(|name| film(name)) {
        writer.item(&film).await?;
        writer.task(process(ledger, step, &film, &[], FRAMES, &|frame| (SIZE, in_film(frame))).await?).await?;
    }
    for (item, files) in stills() {
        writer.item(&item).await?;
        let sizes = files.clone();
        let people = move |frame: u64| {
            let file = &sizes[frame as usize];
            ((file.width, file.height), in_still(file.width, file.height))
        };
        let count = files.len() as u64;
        writer.task(process(ledger, step, &item, &files, count, &people).await?).await?;
    }
    let head = StepManifest {
        step: step.to_owned(),
        stage: step.to_owned(),
        finish_key: finish(ledger, step).await?.into(),
        complete: true,
        kinds: vec![kind(step).to_owned()],
        ..StepManifest::default()
    };
    writer.finish(head).await
}

fn kind(step: &str) -> &'static str {
    match step {
        "face-clustering" => "face",
        "motion" => "motion",
        "pose" => "pose",
        "segmentation" => "mask",
        _ => "subject",
    }
}

fn key(of: &[&str]) -> Vec<u8> {
    let mut hasher = framefleet_ledger::KeyHasher::new("people");
    for part in of {
        hasher = hasher.field("part", part.as_bytes());
    }
    TaskKey::as_bytes(&hasher.finish()).to_vec()
}

async fn process(
    ledger: &Ledger,
    step: &str,
    item: &Item,
    files: &[ImageFile],
    count: u64,
    people: &(dyn Fn(u64) -> ((u32, u32), Vec<Person>) + Sync),
) -> Result<TaskResult, LedgerError> {
    let key = key(&[step, &item.name]);
    let range = Some(FrameRange { start: 0, end: count });
    let is_film = files.is_empty();
    let failed = FrameFailure { frame: FAILED, code: "decode".to_owned(), reason: "cut short".to_owned() };
    let id = TaskId {
        kind: TaskKind::Process.into(),
        step: step.to_owned(),
        item: item.name.clone(),
        range,
        ..TaskId::default()
    };
    let entry = Entry {
        key: key.clone().into(),
        id: Some(id),
        stage: step.to_owned(),
        outcomes: Some(Outcomes { failed: is_film.then_some(failed).into_iter().collect(), ..Outcomes::default() }),
        frames_done: count - u64::from(is_film),
        ..Entry::default()
    };
    let frames = (0..count).filter(|frame| !is_film || *frame != FAILED);
    let annotated = |frame: u64| {
        let (size, people) = people(frame);
        FrameAnnotations { frame, annotations: annotations(step, size, &people, is_film) }
    };
    let block = AnnotationBlock { frames: frames.map(annotated).collect(), ..AnnotationBlock::default() };
    ledger.commit(entry, block, Vec::new()).await?;
    let pts_ns: Vec<i64> = (0..count as i64).map(|frame| frame * 40_000_000).collect();
    let times = Some(FrameTimes::from(&Times::new(&pts_ns)));
    Ok(TaskResult { key: key.into(), range, times, files: files.to_vec(), ..TaskResult::default() })
}

async fn finish(ledger: &Ledger, step: &str) -> Result<Vec<u8>, LedgerError> {
    let key = key(&[step, "finish"]);
    let id = TaskId { kind: TaskKind::Finish.into(), step: step.to_owned(), ..TaskId::default() };
    let entry = Entry { key: key.clone().into(), id: Some(id), stage: step.to_owned(), ..Entry::default() };
    let identity = |(number, name): (u32, &str)| {
        let identity = Identity { number, name: name.to_owned(), ..Identity::default() };
        scoped("", None, Value::Identity(identity))
    };
    let shot = |(number, start, end): (u32, u64, u64)| {
        let shot = Shot { number, ..Shot::default() };
        scoped(FILM, Some(FrameRange { start, end }), Value::Shot(shot))
    };
    let scoped = match step {
        "face-clustering" => [(0, "Ada"), (1, "")].map(identity).to_vec(),
        "motion" => [(0, 0, CUT), (1, CUT, FRAMES)].map(shot).to_vec(),
        _ => Vec::new(),
    };
    ledger.commit(entry, AnnotationBlock { scoped, ..AnnotationBlock::default() }, Vec::new()).await?;
    Ok(key)
}

fn scoped(item: &str, range: Option<FrameRange>, value: Value) -> ScopedAnnotation {
    ScopedAnnotation { item: item.to_owned(), range, annotation: Some(Annotation { instance: 0, value: Some(value) }) }
}

/// What a step finds of people. Masks are numbered from the last person on: instances of kinds differ.
fn annotations(step: &str, size: (u32, u32), people: &[Person], is_film: bool) -> Vec<Annotation> {
    let track = |person: &Person| is_film.then_some(person.number);
    let last = people.len().saturating_sub(1) as u32;
    let mut made = Vec::new();
    for (at, person) in (0..).zip(people) {
        let value = match step {
            "face-clustering" => Value::Face(face(person, track(person))),
            "pose" => Value::Pose(pose(person, track(person))),
            "segmentation" if person.has_mask => Value::Mask(mask(person, size, track(person))),
            "subjects" => Value::Subject(Subject {
                r#box: person.corners.to_vec(),
                score: 0.75,
                label: "person".to_owned(),
                face: Some(at),
                pose: Some(at),
                mask: person.has_mask.then_some(last - at),
                subject: track(person),
                identity: Some(person.number),
                name: (person.number == 0).then(|| "Ada".to_owned()),
                ..Subject::default()
            }),
            _ => continue,
        };
        let instance = if step == "segmentation" { last - at } else { at };
        made.push(Annotation { instance, value: Some(value) });
    }
    made
}

fn face(person: &Person, track: Option<u32>) -> Face {
    let [x0, y0, x1, _] = person.corners;
    let quality = FaceQuality { sharpness: person.sharpness, value: 0.5, ..FaceQuality::default() };
    Face {
        r#box: vec![x0 + 2.0, y0, x1 - 2.0, y0 + 8.0],
        score: 0.9,
        quality: Some(quality),
        track,
        identity: Some(person.number),
        ..Face::default()
    }
}

/// Nine points are seen, three hidden, five anywhere.
fn pose(person: &Person, track: Option<u32>) -> Pose {
    let [x0, y0, x1, y1] = person.corners;
    let visibility = |point| match point {
        0..9 => 0.9,
        9..12 => 0.3,
        _ => 0.1,
    };
    let x = (x0 + x1) / 2.0;
    let keypoints = (0..17_u8).flat_map(|point| [x, y0 + (y1 - y0) * f32::from(point) / 17.0, visibility(point)]);
    Pose { r#box: person.corners.to_vec(), score: 0.8, keypoints: keypoints.collect(), track, ..Pose::default() }
}

/// All of the box that is in the picture.
fn mask(person: &Person, size: (u32, u32), track: Option<u32>) -> Mask {
    let corners = person.inside(size);
    let [x0, y0, x1, y1] = corners.map(|side| side as u32);
    let run_lengths = Some(RunLengths { height: size.1, width: size.0, counts: rectangle(size, [x0, y0, x1, y1]) });
    let area = u64::from((x1 - x0) * (y1 - y0));
    Mask {
        r#box: corners.to_vec(),
        area,
        score: 0.7,
        label: "person".to_owned(),
        run_lengths,
        track,
        ..Mask::default()
    }
}

/// A rectangle as COCO's compressed text.
fn rectangle((width, height): (u32, u32), [x0, y0, x1, y1]: [u32; 4]) -> String {
    let is_set = |place: u32| (x0..x1).contains(&(place / height)) && (y0..y1).contains(&(place % height));
    let mut runs: Vec<i64> = vec![0];
    for place in 0..width * height {
        // Runs of zeros have even places.
        if is_set(place) == (runs.len() % 2 == 1) {
            runs.push(0);
        }
        if let Some(last) = runs.last_mut() {
            *last += 1;
        }
    }
    let delta = |at: usize| if at > 2 { runs[at] - runs[at - 2] } else { runs[at] };
    (0..runs.len()).flat_map(|at| characters(delta(at))).collect()
}

/// A number in groups of five bits, lowest first, each with a bit that says whether more follow.
fn characters(mut rest: i64) -> Vec<char> {
    let mut text = Vec::new();
    loop {
        let group = (rest & 0x1f) as u8;
        rest >>= 5;
        let is_last = if group & 0x10 > 0 { rest == -1 } else { rest == 0 };
        text.push(char::from(b'0' + if is_last { group } else { group | 0x20 }));
        if is_last {
            return text;
        }
    }
}
