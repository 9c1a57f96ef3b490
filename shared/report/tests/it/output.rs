//! The report of an output, through a ledger.

use crate::fixture::{Drawings, facts, film, head, motion_block, pts_ns, task};
use framefleet_frames::{
    Annotation, AnnotationBlock, FrameAnnotations, FrameFailure, FrameRange, Item, Lighting, Outcomes,
};
use framefleet_ledger::{Ledger, OpenOptions, Output, TaskKey};
use framefleet_proto::v1::{Entry, StepManifest, TaskId, TaskKind, TaskResult, annotation::Value};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_report::gather;
use framefleet_report::model::Counts;

const FRAMES: u64 = 300;

fn key(number: u8) -> Vec<u8> {
    TaskKey::from_bytes(&[number; 32]).unwrap().as_bytes().to_vec()
}

fn lit(frame: u64) -> FrameAnnotations {
    let lighting = Lighting { exposure_ev: frame as f32 / 100.0, ..Lighting::default() };
    FrameAnnotations { frame, annotations: vec![Annotation { instance: 0, value: Some(Value::Lighting(lighting)) }] }
}

/// One task over the whole film, in which frame 7 failed.
async fn commit_lighting(ledger: &Ledger, item: &Item) {
    let id = TaskId {
        kind: TaskKind::Process.into(),
        step: "lighting".to_owned(),
        item: item.name.clone(),
        range: Some(FrameRange { start: 0, end: FRAMES }),
        ..TaskId::default()
    };
    let failed = FrameFailure { frame: 7, code: "decode".to_owned(), reason: "the packet is cut short".to_owned() };
    let entry = Entry {
        key: key(1).into(),
        id: Some(id),
        stage: "lighting".to_owned(),
        outcomes: Some(Outcomes { failed: vec![failed], ..Outcomes::default() }),
        frames_done: FRAMES - 1,
        stage_seconds: 2.5,
        ..Entry::default()
    };
    let frames = (0..FRAMES).filter(|frame| *frame != 7).map(lit).collect();
    ledger.commit(entry, AnnotationBlock { frames, ..AnnotationBlock::default() }, Vec::new()).await.unwrap();
}

async fn commit_finish(ledger: &Ledger, item: &Item) {
    let id = TaskId { kind: TaskKind::Finish.into(), step: "lighting".to_owned(), ..TaskId::default() };
    let entry = Entry {
        key: key(2).into(),
        id: Some(id),
        stage: "lighting".to_owned(),
        stage_seconds: 0.5,
        ..Entry::default()
    };
    ledger.commit(entry, motion_block(&[(item.clone(), FRAMES)]), Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_report_says_what_the_ledger_holds() {
    let item = film("a.mov", FRAMES);
    let ledger = Ledger::open(Output::in_memory(), OpenOptions::default()).await.unwrap();
    commit_lighting(&ledger, &item).await;
    commit_finish(&ledger, &item).await;
    let mut writer = ledger.write_manifest();
    writer.item(&item).await.unwrap();
    writer.task(TaskResult { key: key(1).into(), ..task(FRAMES) }).await.unwrap();
    let manifest = StepManifest { finish_key: key(2).into(), ..head("lighting") };
    let manifest = writer.finish(manifest).await.unwrap();
    complete_step(&ledger, manifest, RecordsOptions { parquet: false, ..RecordsOptions::default() }).await.unwrap();

    let mut facts = facts();
    facts.task_seconds.clear();
    let report = gather(&ledger, facts, &Drawings).await.unwrap();

    let step = &report.steps[0];
    assert_eq!(step.counts, Counts { result: FRAMES - 1, failed: 1, skipped: 0 });
    assert_eq!(step.task_seconds, Some(3.0));
    let item = &report.items[0];
    let exposure = item.series.iter().find(|series| series.name == "Exposure").unwrap();
    assert_eq!((exposure.mean[6], exposure.mean[7], exposure.mean[250]), (Some(0.06), None, Some(2.5)));
    assert_eq!(item.shots.len(), 2);
    assert_eq!(report.failures.shown[0].pts_ns, pts_ns(7));
    assert!(!item.thumbnails.is_empty());
    ledger.close().await.unwrap();
}
