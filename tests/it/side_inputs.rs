//! What a finish reads of the items' files is in its key.
use crate::fleet::TestJob;
use crate::scheduling::{indexed, made};
use framefleet_frames::Content;
use framefleet_ledger::TaskKey;
use framefleet_orchestration::{Fact, JobState, Work};
use framefleet_stage::SideInputs;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tasks of a job over two items of such contents, by their keys; the finish of `level` reads this beside its records.
fn tasks(side_inputs: SideInputs, contents: [Option<Content>; 2]) -> BTreeMap<TaskKey, String> {
    tasks_of([SideInputs::default(), side_inputs], contents)
}

/// The same with what both halves of `level` read.
fn tasks_of([process, finish]: [SideInputs; 2], contents: [Option<Content>; 2]) -> BTreeMap<TaskKey, String> {
    let mut job = TestJob::new("[steps.level]\n[steps.brighten]\n[steps.surround]\n[steps.normalise]\n", &[40, 70]);
    for (item, content) in job.source.items.iter_mut().zip(contents) {
        item.content = content;
    }
    let mut plan = job.plan().unwrap();
    for step in plan.steps.iter_mut().filter(|step| step.name == "level") {
        step.process.as_mut().unwrap().side_inputs = process;
        step.finish.side_inputs = finish;
    }
    let mut state = JobState::new(Arc::new(plan), job.source.items.clone(), Default::default());
    let mut done: BTreeMap<TaskKey, String> = BTreeMap::new();
    for _ in 0..1000 {
        let mut facts: Vec<Fact> = Vec::new();
        state.advance(&|key| done.contains_key(key).then(Default::default));
        if state.is_finished() {
            return done;
        }
        for (step, key) in state.unread_finishes() {
            facts.push(Fact::Finished { step, key, scoped: Arc::default() });
        }
        for task in state.desired(4) {
            if task.kind == Work::Index {
                facts.push(indexed(&job, task.item));
                continue;
            }
            let Some(message) = state.message("job", task, &|key| done.contains_key(key).then(Default::default)) else {
                continue;
            };
            let key = TaskKey::from_bytes(&message.key).unwrap();
            let id = message.id.clone().unwrap();
            done.insert(key, format!("{} {}", id.kind().as_str_name(), id.step));
            facts.push(Fact::Done { task, key, made: made(&message) });
        }
        for fact in facts {
            state.apply(fact, &|key| done.contains_key(key).then(Default::default));
        }
        state.take_unneeded();
    }
    panic!("the job never ends");
}

/// Tasks whose keys differ.
fn redone(before: &BTreeMap<TaskKey, String>, after: &BTreeMap<TaskKey, String>) -> Vec<String> {
    after.iter().filter(|(key, _)| !before.contains_key(key)).map(|(_, task)| task.clone()).collect()
}

#[test]
fn what_finish_reads_of_the_files_is_in_its_key_and_in_no_other() {
    let content = |sound: &'static [u8], rest: &'static [u8]| {
        Some(Content { pictures: (&b"pictures"[..]).into(), audio: sound.into(), metadata: rest.into() })
    };
    let finish = ["TASK_KIND_FINISH level"];
    let none: [&str; 0] = [];
    let [listens, reads] = [SideInputs { audio: true, metadata: false }, SideInputs { audio: false, metadata: true }];
    for (side_inputs, by_sound, by_rest) in [
        (SideInputs::default(), &none[..], &none[..]),
        (listens, &finish[..], &none[..]),
        (reads, &none[..], &finish[..]),
        (SideInputs { audio: true, metadata: true }, &finish[..], &finish[..]),
    ] {
        let before = tasks(side_inputs, [content(b"a", b"x"), content(b"b", b"y")]);
        assert!(before.len() > 10);
        // Of one item of two.
        assert_eq!(
            redone(&before, &tasks(side_inputs, [content(b"a", b"x"), content(b"c", b"y")])),
            by_sound,
            "{side_inputs:?}"
        );
        assert_eq!(
            redone(&before, &tasks(side_inputs, [content(b"a", b"z"), content(b"b", b"y")])),
            by_rest,
            "{side_inputs:?}"
        );
        // It makes a difference whose sound it is, and whether there is any.
        assert_eq!(
            redone(&before, &tasks(side_inputs, [content(b"b", b"x"), content(b"a", b"y")])),
            by_sound,
            "{side_inputs:?}"
        );
        assert_eq!(
            redone(&before, &tasks(side_inputs, [content(b"", b"x"), content(b"b", b"y")])),
            by_sound,
            "{side_inputs:?}"
        );
    }
    // Items without sound, as images: their keys are those of outputs that were made before there were digests of it.
    let silent = || content(b"", b"");
    assert_eq!(tasks(listens, [silent(), silent()]), tasks(SideInputs::default(), [None, None]));
}

/// Of one item of two: its batches, and what is made of their results.
#[test]
fn what_process_reads_of_a_file_is_in_the_keys_of_that_items_tasks() {
    let content = |sound: &'static [u8]| {
        Some(Content { pictures: (&b"pictures"[..]).into(), audio: sound.into(), metadata: (&b"rest"[..]).into() })
    };
    let listens = [SideInputs { audio: true, metadata: false }, SideInputs::default()];
    let before = tasks_of(listens, [content(b"a"), content(b"b")]);
    let after = tasks_of(listens, [content(b"a"), content(b"c")]);
    let again = redone(&before, &after);
    let of_level = again.iter().filter(|task| *task == "TASK_KIND_PROCESS level").count();
    assert_eq!(of_level, 70usize.div_ceil(32), "{again:?}");
    assert!(again.iter().all(|task| !task.contains("INGEST")), "{again:?}");
    assert_eq!(again.iter().filter(|task| *task == "TASK_KIND_FINISH level").count(), 1, "{again:?}");
}
