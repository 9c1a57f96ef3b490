//! `framefleet up`: a fleet on this machine.
use crate::args::UpArguments;
use crate::client::ServerArguments;
use crate::failure::Failure;
use crate::machine;
use crate::supervisor::{Supervised, describe};
use framefleet_bus_nats::{NatsServer, ServerOptions};
use framefleet_proto::control::WorkersRequest;
use framefleet_service::{Exit, stop_signal};
use framefleet_stage::Registry;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often children are checked.
const LOOK: Duration = Duration::from_millis(100);
/// How long a fleet may take to come up.
const START: Duration = Duration::from_secs(60);
/// How long children have to drain.
const DRAIN: Duration = Duration::from_secs(40);

/// Starts the fleet and looks after it until Ctrl-C.
pub fn run(arguments: &UpArguments, registry: &Registry) -> Result<Exit, Failure> {
    let counts = counts(arguments, registry)?;
    let state = state_folder(arguments)?;
    let logs = state.join("logs");
    std::fs::create_dir_all(&logs)
        .map_err(|error| Failure::configuration(format!("--state {}: {error}", state.display())))?;
    let _lock = lock(&state)?;
    let server = ServerOptions {
        port: (arguments.nats_port > 0).then_some(arguments.nats_port),
        ..ServerOptions::new(state.join("nats"))
    };
    let mut nats = NatsServer::start(server).map_err(Failure::failed)?;
    let fleet = fleet_arguments(arguments, &nats.url(), &state);
    let mut children = Vec::new();
    let api = format!("127.0.0.1:{}", arguments.port);
    let orchestrator = [words(&["orchestrator", "--log-json", "--listen", &api]), fleet.clone()].concat();
    children.push(Supervised::start("orchestrator", orchestrator, &logs)?);
    for (stage, count) in &counts {
        for number in 1..=*count {
            let mut worker = [words(&["worker", "--log-json", "--stage", stage]), fleet.clone()].concat();
            worker.extend(arguments.slots.iter().flat_map(|slots| words(&["--slots", &slots.to_string()])));
            children.push(Supervised::start(&format!("{stage}-{number}"), worker, &logs)?);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = runtime.block_on(async { stop_signal() })?;
    let address = format!("http://{api}");
    println!("fleet: {} workers; API {address}; bus {}; logs in {}", children.len() - 1, nats.url(), logs.display());
    runtime.block_on(async {
        let ready = tokio::spawn(tell_when_ready(address, children.len() - 1));
        let ended = look_after(&mut nats, &mut children, stop).await;
        ready.abort();
        ended
    })?;
    eprintln!("framefleet: draining; running tasks come to their end");
    drain(&mut children)?;
    Ok(Exit::Done)
}

/// Workers by stage.
fn counts(arguments: &UpArguments, registry: &Registry) -> Result<BTreeMap<String, usize>, Failure> {
    let known: Vec<&str> = std::iter::once(ingest::NAME).chain(registry.names()).collect();
    let chosen: Vec<&str> = arguments.stages.iter().map(String::as_str).collect();
    // Whatever is served, somebody has to decode.
    let served = if chosen.is_empty() { known.clone() } else { [&[ingest::NAME], &chosen[..]].concat() };
    let mut counts: BTreeMap<String, usize> = served.into_iter().map(|stage| (stage.to_owned(), 1)).collect();
    counts.extend(arguments.workers.iter().map(|of| (of.stage.clone(), of.count)));
    match counts.keys().find(|stage| !known.contains(&stage.as_str())) {
        Some(unknown) => {
            Err(Failure::usage(format!("there is no stage {unknown}; known stages: {}", known.join(", "))))
        }
        None => Ok(counts),
    }
}

fn state_folder(arguments: &UpArguments) -> Result<PathBuf, Failure> {
    let folder = match &arguments.state {
        Some(folder) => folder.clone(),
        None => {
            let home = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
            home.ok_or_else(|| {
                Failure::usage("there is no home folder: say with --state where the fleet may keep its jobs")
            })?
            .join("framefleet")
        }
    };
    Ok(std::path::absolute(folder)?)
}

/// One fleet at a time keeps its jobs in a folder.
fn lock(state: &Path) -> Result<File, Failure> {
    let file = File::options().create(true).truncate(false).write(true).open(state.join("lock"))?;
    file.try_lock().map_err(|_| {
        Failure::configuration(format!(
            "another fleet keeps its jobs in {}: stop it, or give another --state",
            state.display()
        ))
    })?;
    Ok(file)
}

/// Arguments of every process of the fleet.
fn fleet_arguments(arguments: &UpArguments, nats: &str, state: &Path) -> Vec<OsString> {
    let memory = arguments.memory.map_or_else(machine::default_memory, |size| size.as_u64());
    let blobs = arguments.blobs.clone().unwrap_or_else(|| blob_folder(state, memory));
    let mut all = words(&["--nats", nats, "--blob-capacity", &memory.to_string(), "--blobs"]);
    all.push(blobs.into_os_string());
    all
}

/// In memory where there is room for it, else among what the fleet keeps.
fn blob_folder(state: &Path, memory: u64) -> PathBuf {
    let shared = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(shared).map(|of| of.f_bavail * of.f_frsize).unwrap_or_default();
    let id = blake3::hash(state.as_os_str().as_encoded_bytes()).to_hex();
    if room > memory { shared.join(format!("framefleet-{}", &id[..8])) } else { state.join("blobs") }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Starts again what dies, until it is stopped.
async fn look_after(
    nats: &mut NatsServer,
    children: &mut [Supervised],
    stop: CancellationToken,
) -> Result<(), Failure> {
    while !stop.is_cancelled() {
        for child in &mut *children {
            if let Some(status) = child.look_after()? {
                eprintln!("framefleet: {} {}; it is started again", child.name, describe(status));
            }
        }
        if !nats.is_running() {
            eprintln!("framefleet: the bus ended; it is started again");
            nats.restart().map_err(Failure::failed)?;
        }
        let _ = tokio::time::timeout(LOOK, stop.cancelled()).await;
    }
    Ok(())
}

/// Workers first, so that nobody is left with work and nobody to tell; then the orchestrator. The bus ends when it is dropped.
fn drain(children: &mut [Supervised]) -> Result<(), Failure> {
    let Some((orchestrator, workers)) = children.split_first_mut() else { return Ok(()) };
    workers.iter().for_each(Supervised::terminate);
    let began = Instant::now();
    for worker in workers {
        worker.wait(DRAIN.saturating_sub(began.elapsed()))?;
    }
    orchestrator.terminate();
    Ok(orchestrator.wait(DRAIN)?)
}

/// Says when jobs can be handed in.
async fn tell_when_ready(address: String, workers: usize) {
    let server = ServerArguments { server: Some(address) };
    let began = Instant::now();
    while began.elapsed() < START {
        if let Ok(mut client) = server.connect().await
            && let Ok(found) = client.workers(WorkersRequest {}).await
            && found.into_inner().workers.len() >= workers
        {
            println!("ready; submit a job with: framefleet submit SOURCE --watch");
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    eprintln!("framefleet: not everything is up after {} s; see the logs", START.as_secs());
}
