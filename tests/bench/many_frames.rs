//! A job of a fleet over so many frames that whatever grows with them would stand in its way: it has to end done and verified.
use crate::processes::Fleet;
use crate::processes::api::{Api, has_ended, request};
use crate::processes::program::framefleet;
use crate::{Effort, row};
use framefleet_proto::control::{Job, JobStatus};
use framefleet_testkit::{Clip, Picture, repeat};
use futures::StreamExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Films of the job.
const FILMS: u64 = 30;
/// Frames of a film, and of the clip that it repeats: whole batches, so that each begins with a key frame.
const FILM: u64 = 100_000;
const CLIP: u64 = 4_000;
/// Frames of a batch.
const BATCH: u32 = 32;
/// One frame of so many is looked at.
const EVERY: u64 = 1_000;
/// How long the job may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);

/// The row of the table, which takes minutes.
pub fn rows(effort: &Effort) {
    if effort.quick {
        return;
    }
    let mut fleet = Fleet::bus_only();
    let footage = fleet.path("footage");
    write_films(&footage);
    let largest = Largest::listen(&fleet.bus);
    fleet.start_orchestrator();
    fleet.start_worker(&["--slots", &effort.cores.to_string()]);
    let output = fleet.path("output");
    let pipeline = format!("[steps.lighting]\nframes = \"every {EVERY}\"\n");
    let api = fleet.api();
    let name = api.submit(&request(&footage, &output, &pipeline));
    let job = wait(&api, &name);
    assert_eq!(job.status(), JobStatus::Done, "{}\n{}", job.message, fleet.logs());
    let progress = job.progress.unwrap_or_default();
    let tasks: u64 = progress.steps.iter().map(|step| step.tasks).sum();
    let peak = fleet.orchestrators[0].peak_memory();
    let wall = job.ended - job.started;
    verify(&output);
    row(
        &format!("a job of {} frames over NATS, every {EVERY}th looked at, done and verified", FILMS * FILM),
        &format!(
            "{wall:.0} s, {tasks} tasks; largest message {} bytes; orchestrator {peak:.0} MiB at most",
            largest.bytes()
        ),
        "–",
        None,
        "messages ≤ 64 KiB",
    );
}

/// Films of tiny pictures that grow lighter.
fn write_films(folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    let work = tempfile::tempdir().expect("a folder");
    let clip = Clip::new(16, 16, CLIP).gop(BATCH).b_frames(0);
    let level = |frame: u64| (frame * 200 / CLIP) as u8 + 20;
    let clip = clip
        .write(&work.path().join("clip.mp4"), |frame| Picture::from_fn(16, 16, |_, _| [level(frame); 3]))
        .expect("a clip");
    let film = repeat(&clip, &work.path().join("film.mp4"), (FILM / CLIP) as u32).expect("a film");
    for number in 0..FILMS {
        std::fs::copy(&film, folder.join(format!("{number:02}.mp4"))).expect("room for films");
    }
}

/// Waits for a job's end.
fn wait(api: &Api, name: &str) -> Job {
    let began = Instant::now();
    loop {
        let job = api.job(name);
        if has_ended(&job) {
            return job;
        }
        assert!(began.elapsed() < PATIENCE, "the job does not end: {job:#?}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Every frame has its outcome, and all that the output lists is there.
fn verify(output: &Path) {
    let ran = framefleet(["verify", output.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let steps = report["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == "lighting").expect("the step");
    let sampled = FILMS * FILM.div_ceil(EVERY);
    let counts = |what: &str| step[what].as_u64().expect("a count");
    assert_eq!(
        (counts("result"), counts("failed"), counts("skipped")),
        (sampled, 0, FILMS * FILM - sampled),
        "{report:#}"
    );
}

/// Hears all that a server carries, what its clients ask of it and what it answers among it.
struct Largest {
    bytes: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Largest {
    fn listen(url: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let mut messages = runtime.block_on(async {
            let client = async_nats::connect(url).await.expect("the server");
            let messages = client.subscribe(">").await.expect("a subscription");
            client.flush().await.expect("the server");
            messages
        });
        let bytes = Arc::new(AtomicUsize::new(0));
        let largest = Arc::clone(&bytes);
        runtime.spawn(async move {
            while let Some(message) = messages.next().await {
                largest.fetch_max(message.payload.len(), Ordering::Relaxed);
            }
        });
        Self { bytes, _runtime: runtime }
    }

    /// Bytes of the largest message so far.
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
