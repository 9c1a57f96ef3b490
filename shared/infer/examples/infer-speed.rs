//! What `infer` costs beside bare loops over `ort`, and what a pool of sessions takes; prints the tables of docs/performance.md.
//!
//!     cargo run --release -p framefleet-infer --example infer-speed -- rates LIBRARY MODEL.onnx
//!     cargo run --release -p framefleet-infer --example infer-speed -- report LIBRARY MODEL.onnx [DIMENSION=SIZE …]
//!     cargo run --release -p framefleet-infer --example infer-speed -- memory LIBRARY MODEL.onnx on|off SESSIONS
use framefleet_infer::ndarray::{ArrayD, IxDyn};
use framefleet_infer::{
    CacheUse, DeviceChoice, Engine, EngineOptions, InferError, Model, Runtime, Session, SessionOptions, TensorSpec,
};
use ort::value::TensorRef;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

type Problem = Box<dyn Error + Send + Sync>;

/// Seconds of each measurement, and how often each pair is measured; the median of the ratios counts.
const SECONDS: f64 = 0.7;
const ROUNDS: usize = 15;

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["rates", library, model] => rates(library.as_ref(), model.as_ref()),
        ["report", library, model, ref dims @ ..] => report(library.as_ref(), model.as_ref(), dims),
        ["memory", library, model, cache, sessions] => {
            memory(library.as_ref(), model.as_ref(), cache == "on", sessions.parse()?)
        }
        _ => Err("see the comment at the top of examples/infer-speed.rs".into()),
    }
}

fn model(path: &Path) -> Result<Model, Problem> {
    let sha256 = hex::encode(Sha256::digest(std::fs::read(path)?));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Model { name, path: path.to_owned(), sha256 })
}

fn engine(library: &Path, cache: &Path, cached: bool) -> Result<(Runtime, Engine), Problem> {
    let runtime = Runtime::open(library)?;
    let cache_use = if cached { CacheUse::On } else { CacheUse::Off };
    let options = EngineOptions { device: DeviceChoice::Cpu, cache_use, ..EngineOptions::new(cache) };
    let engine = Engine::new(&runtime, options)?;
    Ok((runtime, engine))
}

/// Items per CPU-second (other work on the machine then matters little), by micro-batch and threads: `threads` loops beside each other,
/// one session each.
fn rates(library: &Path, path: &Path) -> Result<(), Problem> {
    let cache = tempfile::tempdir()?;
    let (runtime, engine) = engine(library, cache.path(), true)?;
    println!(
        "| {} | infer, items per CPU-second | bare ort | ratio |\n|---|---|---|---|",
        path.file_name().unwrap_or_default().display()
    );
    for batch in [1, 8, 32] {
        for threads in [1, 2] {
            let options = SessionOptions { micro_batch: Some(batch), pool: threads, ..SessionOptions::default() };
            let session = engine.open(&model(path)?, &options)?;
            let spec = session.inputs()?.remove(0);
            let mut pairs = Vec::new();
            for _ in 0..ROUNDS {
                pairs.push((ours(&session, &spec, batch, threads)?, bare(&runtime, path, &spec, batch, threads)?));
            }
            pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
            let (ours, bare) = pairs[ROUNDS / 2];
            println!("| batch {batch}, {threads} threads | {ours:.0} | {bare:.0} | {:.3} |", ours / bare);
            engine.evict_idle();
        }
    }
    Ok(())
}

fn noise(shape: &[usize]) -> ArrayD<f32> {
    let mut state = 1u32;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    })
}

type Loop<'l> = Box<dyn FnMut() -> Result<(), Problem> + 'l>;

/// Items per CPU-second of several loops together; each repeats until the time is over.
fn loops<'l>(
    threads: usize,
    batch: usize,
    start: impl Fn() -> Result<Loop<'l>, Problem> + Sync,
) -> Result<f64, Problem> {
    let one = || -> Result<(u32, f64), Problem> {
        let mut once = start()?;
        once()?;
        let (began, cpu, mut count) = (Instant::now(), cpu_seconds()?, 0);
        while began.elapsed().as_secs_f64() < SECONDS {
            once()?;
            count += 1;
        }
        Ok((count, cpu_seconds()? - cpu))
    };
    let done: Result<Vec<(u32, f64)>, Problem> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Err("a loop panicked".into()))).collect()
    });
    let done = done?;
    let (runs, seconds): (u32, f64) = done.iter().fold((0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    Ok(f64::from(runs) * batch as f64 / seconds)
}

/// Time that the calling thread has computed.
fn cpu_seconds() -> Result<f64, Problem> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the time and nothing else.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// By way of micro-batches, filled item by item and read item by item, as a stage does.
fn ours(session: &Session, spec: &TensorSpec, batch: usize, threads: usize) -> Result<f64, Problem> {
    let shape = spec.planned(batch).ok_or("the model has open sizes besides the batch")?;
    let output = session.outputs()?.remove(0).name;
    loops(threads, batch, || {
        let (items, session, input, output) = (noise(&shape), session.clone(), spec.name.clone(), output.clone());
        Ok(Box::new(move || {
            let mut seen = 0.0;
            session.run_batches::<InferError>(
                batch,
                &[],
                |item, inputs| {
                    inputs.input::<f32>(&input)?.assign(&items.index_axis(framefleet_infer::ndarray::Axis(0), item));
                    Ok(())
                },
                |_, outputs| {
                    seen += outputs.output::<f32>(&output)?.first().copied().unwrap_or_default();
                    Ok(())
                },
            )?;
            std::hint::black_box(seen);
            Ok(())
        }))
    })
}

/// `ort` by itself: a session a loop, on an array that is ready.
fn bare(runtime: &Runtime, path: &Path, spec: &TensorSpec, batch: usize, threads: usize) -> Result<f64, Problem> {
    let shape = spec.planned(batch).ok_or("the model has open sizes besides the batch")?;
    loops(threads, batch, || {
        let items = noise(&shape);
        let mut session = ort::session::Session::builder(runtime.environment())?
            .with_intra_threads(1)
            .map_err(|error| error.to_string())?
            .commit_from_file(path)?;
        Ok(Box::new(move || {
            let outputs = session.run(ort::inputs![TensorRef::from_array_view(items.view())?])?;
            std::hint::black_box(outputs[0].try_extract_array::<f32>()?.first().copied());
            Ok(())
        }))
    })
}

/// What really runs when a model is opened, and how much faster than the plain session it is.
fn report(library: &Path, path: &Path, dims: &[&str]) -> Result<(), Problem> {
    let cache = tempfile::tempdir()?;
    let (_runtime, engine) = engine(library, cache.path(), true)?;
    let dims = dims.iter().map(|text| {
        let (name, size) = text.split_once('=').ok_or("a dimension is NAME=SIZE")?;
        Ok((name.to_owned(), size.parse()?))
    });
    let dims = dims.collect::<Result<_, Problem>>()?;
    let session =
        engine.open(&model(path)?, &SessionOptions { micro_batch: Some(1), dims, ..SessionOptions::default() })?;
    if session.report()?.warm_up_ms.is_some() {
        session.measure_speed_up(Duration::from_secs(1))?;
    }
    let specs = |specs: Vec<TensorSpec>| specs.iter().map(TensorSpec::to_string).collect::<Vec<_>>().join("; ");
    println!("{} → {}", specs(session.inputs()?), specs(session.outputs()?));
    println!("{}", serde_json::to_string_pretty(&session.report()?)?);
    Ok(())
}

/// Memory of a pool of which every session has run, in a process of its own.
fn memory(library: &Path, path: &Path, cached: bool, sessions: usize) -> Result<(), Problem> {
    let cache = tempfile::tempdir()?;
    let (_runtime, engine) = engine(library, cache.path(), cached)?;
    if cached {
        // Compiling takes memory of its own: it happens in the first engine, and is over.
        let options = SessionOptions { micro_batch: Some(1), ..SessionOptions::default() };
        engine.open(&model(path)?, &options)?;
        engine.evict_idle();
    }
    let before = anonymous()?;
    let options = SessionOptions { micro_batch: Some(1), pool: sessions, warm_up: 1, ..SessionOptions::default() };
    let session = engine.open(&model(path)?, &options)?;
    fill_pool(&session, sessions)?;
    let report = session.report()?;
    println!(
        "{} sessions, shared weights {}: {:.1} MB of the process alone; reported: {:.1} MB shared, {:.1} MB of the sessions",
        report.sessions,
        if cached { "on" } else { "off" },
        (anonymous()? - before) / 1e6,
        report.memory.shared as f64 / 1e6,
        report.memory.sessions as f64 / 1e6
    );
    Ok(())
}

/// Makes every session of the pool: each run starts the next while it looks at its own outputs.
fn fill_pool(session: &Session, left: usize) -> Result<(), Problem> {
    let spec = session.inputs()?.remove(0);
    let items = noise(&spec.planned(1).ok_or("the model has open sizes besides the batch")?);
    session
        .run_with(&[(&spec.name, (&items).into())], |_| if left > 1 { fill_pool(session, left - 1) } else { Ok(()) })?
}

/// Bytes of memory that no file backs.
fn anonymous() -> Result<f64, Problem> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find(|line| line.starts_with("Anonymous:")).ok_or("the kernel does not say")?;
    Ok(line.split_whitespace().nth(1).ok_or("the kernel does not say")?.parse::<f64>()? * 1024.0)
}
