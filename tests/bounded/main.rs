//! Nothing that travels grows with the footage: 300 hours and a million stills are planned, tasks of every kind are taken from all over
//! them, and each message is measured. So is what the orchestrator remembers of a frame.
#![cfg(test)]

use framefleet_frames::frame::batch_frames;
use framefleet_frames::{BatchInfo, ImageFile, Item, ItemKind, Rational};
use framefleet_ledger::TaskKey;
use framefleet_orchestration::{Batch, Fact, JobOptions, JobState, TaskRef};
use framefleet_pipeline::{JobRange, ModelMode, Models, Pipeline, Plan, PlanRequest, PlannedModel, Position, plan};
use framefleet_proto::v1::{
    BlobRef, Done, EntryOutcomes, Event, FramePixels, Pixels, Task, TaskKind, event::Kind as EventKind,
    task::Work as Wire,
};
use framefleet_stage::ModelNeed;
use prost::Message as _;
use serde_json::Map;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most that any message may be.
const LIMIT: usize = 64 << 10;
/// 300 hours at 25 frames per second.
const FRAMES: u64 = 300 * 3600 * 25;
const STILLS: u64 = 1_000_000;
/// What the orchestrator remembers of a frame of a film until its tasks are done, at most.
const BYTES_PER_FRAME: usize = 8;

/// The system's allocator, counting what is held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's; a counter changes beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: what others hold must not count.
static ALONE: Mutex<()> = Mutex::new(());

/// Any model, under a long name.
struct AnyModel;

impl Models for AnyModel {
    fn choose(&self, _: &str, _: &str, need: &ModelNeed) -> Result<PlannedModel, String> {
        let mode = ModelMode {
            class: "tensorrt-sm90".to_owned(),
            precision: "fp16".to_owned(),
            optimisation: "extended".to_owned(),
        };
        Ok(PlannedModel {
            role: need.role.clone(),
            id: "a-model-with-a-long-name".to_owned(),
            sha256: "0".repeat(64),
            licence: "Apache-2.0".to_owned(),
            gated: false,
            micro_batch: 16,
            one_by_one: None,
            dims: need.dims.clone(),
            mode,
            half: need.half,
        })
    }
}

fn item(name: &str, kind: ItemKind, frames: u64) -> Item {
    let rate = if kind == ItemKind::Stills { Rational { num: 0, den: 1 } } else { Rational { num: 25, den: 1 } };
    Item {
        name: name.to_owned(),
        location: format!("/{}/{name}", "deep/".repeat(50)),
        kind: kind.into(),
        width: 1920,
        height: 1080,
        bit_depth: 8,
        frame_rate: Some(rate),
        time_base: Some(Rational { num: 1, den: 25 }),
        estimated_frames: frames,
        ..Item::default()
    }
}

/// The batches of an item, some thousand at a time.
fn index(state: &mut JobState, number: usize, of: &Item) {
    let (size, images) = (batch_frames(of), of.kind() != ItemKind::Video);
    let count = of.estimated_frames.div_ceil(size);
    for first in (0..count).step_by(4096) {
        let batch = |number: u64| {
            let (start, end) = (number * size, ((number + 1) * size).min(of.estimated_frames));
            let file = |frame| ImageFile {
                frame,
                name: format!("{}{frame:08}.jpg", "a long name ".repeat(20)),
                width: 1920,
                height: 1080,
                bit_depth: 8,
                digest: vec![7; 32].into(),
                ..ImageFile::default()
            };
            Batch::from(BatchInfo {
                start,
                pts_ns: (start..end).map(|frame| frame as i64 * 40_000_000).collect(),
                digest: blake3::hash(&number.to_le_bytes()).as_bytes().to_vec().into(),
                seekable: number.is_multiple_of(8),
                files: if images { (start..end).map(file).collect() } else { Vec::new() },
                ..BatchInfo::default()
            })
        };
        let last = (first + 4096).min(count);
        let fact = Fact::Indexed {
            item: number,
            from: first as usize,
            batches: (first..last).map(batch).collect(),
            complete: last == count,
            damage: None,
            corrected: None,
        };
        state.apply(fact, &|_| None);
    }
}

fn planned(preset: &str, items: &[Item], range: JobRange) -> Plan {
    let pipeline = Pipeline::from_toml(preset, "preset").unwrap();
    let request = PlanRequest {
        pipeline: &pipeline,
        items,
        range,
        files: &[],
        ingest: (Map::new(), 1),
        class: "cpu-x86-64-v4".to_owned(),
        seed: 1,
        memory_budget: u64::MAX,
    };
    plan(&request, &registry::stages().unwrap(), &AnyModel).unwrap()
}

/// Films without the people in them, with the widest window and the longest pieces.
const WIDE: &str = "name = \"wide\"\n[steps.pose]\n[steps.segmentation]\n[steps.inpainting.settings]\nlabels = [\"person\"]\n\
                    window = 64\ngap = 8\n[steps.assemble.settings]\ngroup = 16\nencoding = \"h264\"\n";
const PEOPLE: &str = include_str!("../../pipelines/dataset-people.toml");

/// Frames as a task leaves them.
fn made(task: &Task) -> Vec<Pixels> {
    let of = |rendition: i32, frames: &[u64]| {
        let frame = |frame: &u64| FramePixels {
            frame: *frame,
            pts_ns: *frame as i64 * 40_000_000,
            format: 2,
            width: 1920,
            height: 1080,
            offset: 256 << 20,
        };
        let blob = BlobRef { store: "dir".to_owned(), place: "p".repeat(64), key: "k".repeat(160), length: 256 << 20 };
        Pixels { rendition, blob: Some(blob), frames: frames.iter().map(frame).collect(), ..Pixels::default() }
    };
    match &task.work {
        Some(Wire::Ingest(work)) => vec![of(1, &work.proxy), of(2, &work.full)],
        Some(Wire::Process(work)) => vec![of(2, &work.frames)],
        _ => Vec::new(),
    }
}

/// The largest message of each kind.
#[derive(Debug, Default)]
struct Largest {
    tasks: BTreeMap<i32, usize>,
    events: usize,
    seen: usize,
}

impl Largest {
    /// A task as it is published, with what the driver adds, and what is reported of it.
    fn note(&mut self, mut task: Task) {
        task.output = format!("/{}", "output/".repeat(50));
        task.project = "p".repeat(64);
        task.traceparent = "0".repeat(55);
        (task.epoch, task.published_ns) = (u64::from(u32::MAX), u64::MAX);
        if framefleet_orchestration::take_long_files(&mut task).is_some() {
            task.files = vec![7; 32].into();
        }
        if let Some(Wire::Finish(work)) = &mut task.work {
            (work.items, work.tasks, work.edits) = (vec![7; 32].into(), vec![7; 32].into(), vec![7; 32].into());
        }
        let event = Event {
            job: task.job.clone(),
            id: task.id.clone(),
            key: task.key.clone(),
            worker: "w".repeat(100),
            kind: Some(EventKind::Done(Done { made: made(&task), ..Done::default() })),
            ..Event::default()
        };
        self.events = self.events.max(event.encoded_len());
        let largest = self.tasks.entry(task.id.as_ref().unwrap().kind).or_default();
        *largest = (*largest).max(task.encoded_len());
        self.seen += 1;
    }
}

/// Does what the state wants until there is nothing left, and measures every message.
fn drive(state: &mut JobState) -> Largest {
    let (mut largest, mut ledger) = (Largest::default(), HashMap::<TaskKey, EntryOutcomes>::new());
    loop {
        state.advance(&|key| ledger.get(key).cloned());
        let finished = state.unread_finishes();
        for &(step, key) in &finished {
            state.apply(Fact::Finished { step, key, scoped: Arc::default() }, &|key| ledger.get(key).cloned());
        }
        // What follows from a finish is known when the state has advanced.
        if !finished.is_empty() {
            continue;
        }
        state.take_unneeded();
        let tasks: Vec<TaskRef> = state.desired(8);
        if tasks.is_empty() {
            assert!(state.is_finished(), "the job stands still: {:?}", state.stopped());
            return largest;
        }
        for task in tasks {
            let Some(message) = state.message("job-6571f0a0-0", task, &|key| ledger.get(key).cloned()) else {
                continue;
            };
            let key = TaskKey::from_bytes(&message.key).unwrap();
            let frames = match &message.work {
                Some(Wire::Process(work)) => work.frames.len() as u64,
                _ => 0,
            };
            ledger.insert(key, EntryOutcomes { frames_done: frames.max(1), ..EntryOutcomes::default() });
            let pixels = made(&message);
            largest.note(message);
            state.apply(Fact::Done { task, key, made: pixels }, &|key| ledger.get(key).cloned());
        }
    }
}

/// Messages of jobs over the beginning, the middle and the end of these items, with their finishes.
fn measured(preset: &str, items: Vec<Item>) -> Largest {
    let last = items.iter().map(|item| item.estimated_frames).max().unwrap_or_default();
    let mut largest = Largest::default();
    for start in [0, last / 2, last - 100] {
        let range = JobRange { start: Some(Position::Frame(start)), end: Some(Position::Frame(start + 100)) };
        let plan = Arc::new(planned(preset, &items, range));
        let mut state = JobState::new(plan, items.clone(), JobOptions::default());
        items.iter().enumerate().for_each(|(number, item)| index(&mut state, number, item));
        let part = drive(&mut state);
        for (kind, bytes) in part.tasks {
            let most = largest.tasks.entry(kind).or_default();
            *most = (*most).max(bytes);
        }
        largest.events = largest.events.max(part.events);
        largest.seen += part.seen;
    }
    largest
}

fn assert_bounded(what: &str, largest: &Largest, kinds: &[TaskKind]) {
    println!("{what}: {largest:?}");
    let expected: Vec<i32> = kinds.iter().map(|kind| *kind as i32).collect();
    assert_eq!(largest.tasks.keys().copied().collect::<Vec<_>>(), expected, "{what}");
    assert!(largest.seen > 40, "{what}: {} messages", largest.seen);
    let most = largest.tasks.values().copied().max().unwrap_or_default().max(largest.events);
    assert!(most <= LIMIT, "{what}: {largest:?}");
}

#[test]
fn messages_of_three_hundred_hours_are_small() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    use TaskKind::{Finish, Group, Ingest, Process};
    let one = vec![item("one.mp4", ItemKind::Video, FRAMES)];
    assert_bounded("300 h in one film", &measured(WIDE, one), &[Ingest, Process, Group, Finish]);
    let many = (0..300).map(|number| item(&format!("{number}.mp4"), ItemKind::Video, FRAMES / 300)).collect();
    assert_bounded("300 h in 300 films", &measured(PEOPLE, many), &[Ingest, Process, Finish]);
}

#[test]
fn messages_of_a_million_images_are_small() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    use TaskKind::{Finish, Group, Ingest, Process};
    let stills = vec![item("stills", ItemKind::Stills, STILLS)];
    assert_bounded("a million stills", &measured(PEOPLE, stills), &[Ingest, Process, Finish]);
    let sequence = vec![item("sequence", ItemKind::Sequence, 100_000)];
    assert_bounded("a sequence with long names", &measured(WIDE, sequence), &[Ingest, Process, Group, Finish]);
}

/// A preview, and a job over a part, cost what they do, however long the film is.
#[test]
fn what_a_job_leaves_out_of_a_long_film_is_passed_over() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let items = vec![item("one.mp4", ItemKind::Video, FRAMES / 10)];
    let middle = FRAMES / 20;
    let part = JobRange { start: Some(Position::Frame(middle)), end: Some(Position::Frame(middle + 256)) };
    for (range, preview) in [(JobRange::default(), Some(8)), (part, None)] {
        let plan = Arc::new(planned(PEOPLE, &items, range));
        let options = JobOptions { preview, ..JobOptions::default() };
        let mut state = JobState::new(plan, items.clone(), options);
        index(&mut state, 0, &items[0]);
        state.set_slots(64);
        state.advance(&|_| None);
        assert!(!state.desired(8).is_empty());
        // All eight batches and some neighbours of each, of close to a hundred thousand.
        let examined = state.examined();
        assert!((8..200).contains(&examined), "{examined} batches were examined");
    }
}

#[test]
fn a_frame_of_a_film_is_remembered_in_few_bytes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let items = vec![item("one.mp4", ItemKind::Video, FRAMES / 10)];
    let plan = Arc::new(planned(PEOPLE, &items, JobRange::default()));
    let before = HELD.load(Ordering::Relaxed);
    let mut state = JobState::new(plan, items.clone(), JobOptions::default());
    index(&mut state, 0, &items[0]);
    let held = HELD.load(Ordering::Relaxed).saturating_sub(before);
    let per_frame = held as f64 / (FRAMES / 10) as f64;
    println!("{per_frame:.2} bytes a frame");
    assert!(per_frame <= BYTES_PER_FRAME as f64, "{per_frame} bytes a frame");
}
