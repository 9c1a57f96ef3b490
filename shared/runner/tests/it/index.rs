//! Index tasks: batches in events of bounded size, and by reference the second time.
use crate::rig::Rig;
use crate::source::item;
use framefleet_proto::v1::{IndexWork, Indexed, Task, TaskKind, event::Kind as EventKind, task::Work};
use futures::TryStreamExt;
use std::sync::atomic::Ordering;

async fn indexed(rig: &mut Rig) -> Indexed {
    match rig.event().await.kind {
        Some(EventKind::Indexed(indexed)) => indexed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_index_is_reported_as_it_is_found_and_by_reference_when_it_is_known() {
    let mut rig = Rig::new().await;
    let work = Some(Work::Index(IndexWork { batch_frames: 32 }));
    let task = Task { item: Some(item("clip", 3200)), ..rig.task("index", "ingest", TaskKind::Index, work) };
    let running = rig.start();
    rig.publish(&task).await;
    let mut starts = Vec::new();
    let document = loop {
        let event = indexed(&mut rig).await;
        assert_eq!(event.from, starts.len() as u64);
        starts.extend(event.batches.iter().map(|batch| batch.start));
        if event.complete {
            assert_eq!(event.item.unwrap().name, "clip");
            break event.document;
        }
    };
    assert_eq!(starts, (0..3200).step_by(32).collect::<Vec<u64>>());
    rig.publish(&task).await;
    let again = indexed(&mut rig).await;
    assert_eq!((again.document.clone(), again.batches.len()), (document, 0));
    let list: Vec<Indexed> = rig.ledger.read_document(&again.document).try_collect().await.unwrap();
    let listed: Vec<u64> = list.iter().flat_map(|of| &of.batches).map(|batch| batch.start).collect();
    assert_eq!(listed, starts);
    assert!(list.last().unwrap().complete);
    running.stop().await;
    assert_eq!(rig.source.indexed.load(Ordering::Relaxed), 1, "files that have not changed were read again");
    assert_eq!(rig.left("ingest").await, 0);
}
