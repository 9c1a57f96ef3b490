//! The same work without a fleet: plain loops in as many threads as there are cores.
use crate::fleet::work::spin;
use framefleet_frames::frame::batch_frames;
use framefleet_frames::{BatchInfo, Frame, FrameRange, Item, Rendition};
use framefleet_stage::{Batch, HeapSink, Host, IndexRequest, IngestRequest, LoadedStage, Outputs, SourceStage};
use framefleet_testkit_stage::job;
use ingest::Ingest;
use serde_json::Map;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A stage of so many milliseconds a frame, on all cores.
pub fn loops(stage: &str, milliseconds: f64, frames: u64, cores: usize) {
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(move || {
                for _ in 0..frames / cores as u64 / 32 {
                    match stage {
                        "spin" => (0..32).for_each(|_| spin(milliseconds)),
                        _ => std::thread::sleep(Duration::from_secs_f64(milliseconds * 32.0 / 1e3)),
                    }
                }
            });
        }
    });
}

/// Decodes a clip batch by batch and runs stages over the batches; nothing is kept. Returns the number of frames.
pub fn pass(clip: &Path, stages: &[Arc<dyn LoadedStage>]) -> u64 {
    let source = Ingest::new(ingest::Settings::default());
    let item = source.probe(&clip.to_string_lossy()).expect("the clip can be read").items.remove(0);
    let mut batches = Vec::new();
    let (item, _) = source
        .index(&item, IndexRequest::fresh(batch_frames(&item)), &mut |found| {
            batches.extend(found);
            true
        })
        .expect("the clip can be indexed");
    let scratch = tempfile::tempdir().expect("a folder");
    let job = job("bench", vec![item.clone()], scratch.path());
    let mut frames = 0;
    let mut last: Option<Frame> = None;
    for info in batches {
        let (batch, newest) = decode(&source, &item, &info, last.take());
        frames += info.pts_ns.len() as u64;
        last = newest;
        for stage in stages {
            let mut out = Outputs::new(scratch.path());
            stage.process(&job, &batch, &mut out).expect("the stage works");
            std::hint::black_box(out.into_output());
        }
    }
    frames
}

/// The proxies of a batch, with the last frame of the batch before as its halo.
fn decode(source: &Ingest, item: &Item, info: &BatchInfo, before: Option<Frame>) -> (Batch, Option<Frame>) {
    let range = FrameRange { start: info.start, end: info.start + info.pts_ns.len() as u64 };
    let numbers: Vec<u64> = (range.start..range.end).collect();
    let mut sink = HeapSink::default();
    let request = IngestRequest { batch: info.clone(), proxy: numbers.clone(), full: Vec::new() };
    let (places, _) = source.ingest(item, &request, &mut sink).expect("the batch can be decoded");
    let frames = sink.into_frames(Rendition::Proxy, &places).expect("pixels fit");
    let start = range.start.saturating_sub(u64::from(before.is_some()));
    let times = before.iter().map(|frame| frame.pts_ns).chain(info.pts_ns.iter().copied()).collect();
    let window = FrameRange { start, end: range.end };
    let mut batch = Batch::new(item.clone(), range, window, numbers, times);
    before.into_iter().for_each(|frame| batch.insert_frame(Rendition::Proxy, frame));
    let newest = frames.last().cloned();
    frames.into_iter().for_each(|frame| batch.insert_frame(Rendition::Proxy, frame));
    (batch, newest)
}

/// Stages with their default settings.
pub fn loaded(names: &[&str]) -> Vec<Arc<dyn LoadedStage>> {
    let registry = registry::stages().expect("the registry");
    let load = |name: &&str| {
        let stage = registry.get(name).expect("a known stage");
        let settings = stage.resolve(None, &Map::new()).expect("defaults").settings;
        stage.load(&Host::default(), &settings).expect("the stage loads")
    };
    names.iter().map(load).collect()
}
