//! Compiled forms are made once, loaded by all, and change no answer.
use crate::fixture::{Bench, library, model, pictures};
use framefleet_infer::{CacheUse, DeviceChoice, Engine, EngineOptions, Optimisation, Runtime, SessionOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn entries(cache: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(cache.join("graphs")).into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.is_dir()).collect()
}

fn options(batch: usize) -> SessionOptions {
    SessionOptions { micro_batch: Some(batch), ..SessionOptions::default() }
}

#[test]
fn the_second_engine_finds_what_the_first_made() {
    let bench = Bench::new();
    let first = bench.open("classifier", &options(4));
    let made = first.report().unwrap();
    assert!(!made.cache_hit && made.compile_ms > 0.0);
    let other = Engine::new(
        &crate::fixture::runtime(),
        EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(bench.cache.path()) },
    )
    .unwrap();
    let second = other.open(&model("classifier"), &options(4)).unwrap();
    let found = second.report().unwrap();
    assert!(found.cache_hit && found.compile_ms == 0.0);
    let pixels = pictures(4);
    let run = |session: &framefleet_infer::Session| session.run(&[("pixels", (&pixels).into())]).unwrap();
    assert_eq!(run(&first), run(&second));
    assert_eq!(entries(bench.cache.path()).len(), 1);
    bench.open("classifier", &options(8));
    assert_eq!(entries(bench.cache.path()).len(), 2, "another batch is another form");
}

#[test]
fn off_writes_nothing_and_refresh_makes_it_anew() {
    let off = Bench::with(|options| options.cache_use = CacheUse::Off);
    let report = off.open("classifier", &options(4)).report().unwrap();
    assert!(!report.cache_hit && report.compile_ms == 0.0 && entries(off.cache.path()).is_empty());
    let bench = Bench::new();
    bench.open("classifier", &options(4));
    let entry = entries(bench.cache.path()).remove(0);
    std::fs::write(entry.join("mark"), "old").unwrap();
    let refresh = EngineOptions {
        device: DeviceChoice::Cpu,
        cache_use: CacheUse::Refresh,
        ..EngineOptions::new(bench.cache.path())
    };
    let engine = Engine::new(&crate::fixture::runtime(), refresh).unwrap();
    assert!(!engine.open(&model("classifier"), &options(4)).unwrap().report().unwrap().cache_hit);
    assert!(entry.is_dir() && !entry.join("mark").exists());
}

#[test]
fn a_damaged_entry_is_made_anew() {
    let bench = Bench::new();
    bench.open("classifier", &options(4));
    bench.engine.evict_idle();
    let entry = entries(bench.cache.path()).remove(0);
    std::fs::write(entry.join("model.onnx"), "broken").unwrap();
    let report = bench.open("classifier", &options(4)).report().unwrap();
    assert!(!report.cache_hit && report.compile_ms > 0.0);
    assert!(std::fs::read(entry.join("model.onnx")).unwrap() != b"broken");
}

#[test]
fn optimisation_is_really_off_when_it_is_off() {
    let bench = Bench::new();
    let nodes = |optimisation| {
        let session = bench.open("classifier", &SessionOptions { optimisation, ..options(4) });
        session.report().unwrap().nodes["CPUExecutionProvider"]
    };
    assert_eq!(nodes(Optimisation::Off), 4, "convolution, ReLU, mean and product, one by one");
    assert!(nodes(Optimisation::Extended) < 4, "convolution and ReLU in one");
}

#[test]
fn two_processes_make_it_once() {
    let cache = tempfile::tempdir().unwrap();
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "compiled::child", "--ignored", "--nocapture"])
            .env("TEST_CACHE", cache.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| child()).collect();
    let said: Vec<String> = children
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    assert_eq!(said.iter().filter(|text| text.contains("hit false")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("hit true")).count(), 3, "{said:?}");
    let entry = entries(cache.path());
    assert_eq!(entry.len(), 1);
    assert!(
        !std::fs::read_dir(cache.path().join("graphs"))
            .unwrap()
            .flatten()
            .any(|file| { file.file_name().to_string_lossy().starts_with('.') })
    );
}

#[test]
#[ignore = "started by two_processes_make_it_once"]
fn child() {
    let cache = std::env::var_os("TEST_CACHE").unwrap();
    let runtime = Runtime::open(&library()).unwrap();
    let engine =
        Engine::new(&runtime, EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(cache) }).unwrap();
    let session = engine.open(&model("classifier"), &options(4)).unwrap();
    println!("hit {}", session.report().unwrap().cache_hit);
}
