//! Records, summaries and failures, line by line.
use crate::completion::{complete, run};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use framefleet_frames::{Annotation, Face, FrameAnnotations, annotation};
use framefleet_ledger::{Ledger, Output, StepManifest};
use framefleet_records::{RecordsOptions, verify, write_failures};
use framefleet_testkit_ledger::{BATCH, FAILED, ITEMS, Job, Results, commit, extension, open, result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

async fn text(ledger: &Ledger, path: &str) -> String {
    String::from_utf8(ledger.read_file(path).await.unwrap().unwrap().to_vec()).unwrap()
}

async fn lines(ledger: &Ledger, path: &str) -> Vec<Value> {
    text(ledger, path).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn parquet(ledger: &Ledger, path: &str) -> Vec<RecordBatch> {
    let bytes = ledger.read_file(path).await.unwrap().unwrap();
    ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn records_have_every_frame_once_with_its_outcome_and_amendments() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    let records = lines(&ledger, "records/light.jsonl").await;
    assert_eq!(records.len(), 20);
    let fields: Vec<&String> = records[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["schema", "item", "frame", "pts_ns", "lighting"]);
    let of = |frame: usize, field: &str| records[frame]["lighting"][0][field].clone();
    assert_eq!((of(0, "instance"), of(0, "exposure_ev"), of(0, "scene")), (json!(0), json!(0.25), Value::Null));
    assert_eq!((of(1, "instance"), of(1, "exposure_ev"), of(1, "scene")), (json!(0), json!(1.25), json!(3)));
    let failed = json!({"schema": 1, "item": "a/one.mp4", "frame": FAILED, "pts_ns": 200_000_000,
        "outcome": {"failed": {"code": "dark", "reason": "nothing to see"}}, "lighting": []});
    assert_eq!(records[5], failed);
    let frames: Vec<u64> = records
        .iter()
        .filter(|record| record["item"] == ITEMS[1])
        .map(|record| record["frame"].as_u64().unwrap())
        .collect();
    assert_eq!(frames, [0, 1, 2, 3, 4, 5, 6, 7, 8, 11], "sampled-out frames have no line");

    let summary: Value = serde_json::from_str(&text(&ledger, "summary/light.json").await).unwrap();
    let counts = json!({"result": 9, "failed": 1, "skipped": 2});
    assert_eq!(summary["items"], json!({ITEMS[0]: counts, ITEMS[1]: counts}));
    assert_eq!(summary["statistics"], json!({"mean": 1.5}));
    assert_eq!(summary["trajectory"], json!([]), "a kind that finish makes is there even when nothing was found");
    let shot = &summary["shot"][0];
    assert_eq!(
        (&shot["item"], &shot["start"], &shot["end"], &shot["number"]),
        (&json!(ITEMS[0]), &json!(0), &json!(12), &json!(7))
    );
}

#[tokio::test]
async fn failures_name_frame_time_step_and_a_command() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let job = Job::new(1);
    run(&ledger, &job).await.unwrap();
    assert_eq!(write_failures(&ledger, &ledger.manifests().await.unwrap(), &[]).await.unwrap().lines, 2);
    let failures = lines(&ledger, "failures.jsonl").await;
    let expected = json!({"item": ITEMS[1], "frame": 5, "time": 0.2, "step": "light", "code": "dark", "reason": "nothing to see",
        "replay": "framefleet failures replay memory:///"});
    assert_eq!(failures[1], expected);
    assert_eq!(write_failures(&ledger, &[], &[]).await.unwrap().lines, 0);
    assert!(ledger.read_file("failures.jsonl").await.unwrap().is_none(), "no failures, no file");
}

#[tokio::test]
async fn parquet_has_the_same_rows_in_typed_columns() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    let batches = parquet(&ledger, "records/light.parquet").await;
    let batch = &batches[0];
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 20);
    assert_eq!(batch.column_by_name("frame").unwrap().as_primitive::<UInt64Type>().value(5), 5);
    assert_eq!(batch.column_by_name("outcome").unwrap().as_string::<i32>().value(5), "failed");
    assert_eq!(batch.column_by_name("code").unwrap().as_string::<i32>().value(5), "dark");
    assert!(batch.column_by_name("code").unwrap().is_null(4));
    let lighting = batch.column_by_name("lighting").unwrap().as_list::<i32>();
    assert_eq!(lighting.value_length(5), 0);
    let exposure =
        lighting.value(4).as_struct().column_by_name("exposure_ev").unwrap().as_primitive::<Float32Type>().value(0);
    assert_eq!(exposure, 4.25);
}

/// Commits one batch of extensions and motion without any finding, as step "x".
async fn step_of(ledger: &Ledger, kinds: &[&str], frames: Vec<FrameAnnotations>) -> Results {
    let mut task = Job { step: "x".to_owned(), setting: 50 + frames.len() as u64 }.process().remove(0);
    task.block.frames = frames;
    task.files.clear();
    commit(ledger, &task).await.unwrap();
    let item = framefleet_frames::Item { name: ITEMS[0].to_owned(), ..Default::default() };
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let head =
        StepManifest { step: "x".to_owned(), stage: "y".to_owned(), kinds, complete: true, ..Default::default() };
    Results { head, items: vec![(item, vec![result(&task)])] }
}

#[tokio::test]
async fn the_schema_follows_from_kinds_and_other_peoples_kinds_are_json() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let empty = step_of(&ledger, &["motion", "other"], Vec::new()).await;
    complete(&ledger, &empty, RecordsOptions::default()).await.unwrap();
    let before = parquet(&ledger, "records/x.parquet").await;
    let found =
        vec![FrameAnnotations { frame: 2, annotations: vec![extension(1, r#"{"b": [1]}"#), extension(0, "{}")] }];
    let full = step_of(&ledger, &["motion", "other"], found).await;
    complete(&ledger, &full, RecordsOptions::default()).await.unwrap();
    let after = parquet(&ledger, "records/x.parquet").await;
    assert_eq!(before[0].schema(), after[0].schema());
    assert!(matches!(after[0].schema().field_with_name("motion").unwrap().data_type(), DataType::List(_)));
    let other = after[0].column_by_name("other").unwrap().as_string::<i32>();
    assert_eq!(other.value(2), r#"[{"instance":0},{"instance":1,"b":[1]}]"#);
    assert_eq!(other.value(0), "[]");
}

#[tokio::test]
async fn a_kind_that_the_step_does_not_declare_is_an_error_not_a_loss() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let found = vec![FrameAnnotations { frame: 2, annotations: vec![extension(0, "{}")] }];
    let manifest = step_of(&ledger, &["motion"], found).await;
    let error = complete(&ledger, &manifest, RecordsOptions::default()).await.unwrap_err().to_string();
    assert!(error.contains("frame 2") && error.contains("\"other\""), "{error}");
    assert!(ledger.read_file("records/x.jsonl").await.unwrap().is_none(), "half-written records show");
}

#[tokio::test]
async fn fields_can_be_left_to_parquet() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let job = Job::new(1);
    run(&ledger, &job).await.unwrap();
    let options = RecordsOptions { parquet: false, parquet_only: vec!["lighting.exposure_ev".to_owned()] };
    complete(&ledger, &job.results(), options).await.unwrap();
    let record = lines(&ledger, "records/light.jsonl").await.remove(0);
    assert_eq!(record["lighting"][0]["instance"], 0);
    assert!(record["lighting"][0].get("exposure_ev").is_none());
    assert!(ledger.read_file("records/light.parquet").await.unwrap().is_none());
}

#[tokio::test]
async fn embeddings_are_in_parquet_alone() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let face = Face { score: 0.5, embedding: vec![0.6, 0.8], ..Face::default() };
    let made = Annotation { instance: 0, value: Some(annotation::Value::Face(face)) };
    let found = vec![FrameAnnotations { frame: 2, annotations: vec![made] }];
    let manifest = step_of(&ledger, &["face"], found).await;
    complete(&ledger, &manifest, RecordsOptions::default()).await.unwrap();
    let record = lines(&ledger, "records/x.jsonl").await.remove(2);
    assert_eq!((&record["face"][0]["score"], record["face"][0].get("embedding")), (&0.5.into(), None));
    let batches = parquet(&ledger, "records/x.parquet").await;
    let faces = batches[0].column_by_name("face").unwrap().as_list::<i32>().value(2);
    let embeddings = faces.as_struct().column_by_name("embedding").unwrap().as_list::<i32>().value(0);
    assert_eq!(embeddings.as_primitive::<Float32Type>().values(), &[0.6, 0.8]);
}

#[tokio::test]
async fn an_incomplete_result_shows_but_never_replaces_a_complete_one() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let job = Job::new(1);
    for task in job.tasks() {
        commit(&ledger, &task).await.unwrap();
    }
    let mut preview = job.results();
    preview.head.complete = false;
    preview.items.truncate(1);
    complete(&ledger, &preview, RecordsOptions::default()).await.unwrap();
    assert_eq!(lines(&ledger, "records/light.jsonl").await.len(), 10);
    complete(&ledger, &job.results(), RecordsOptions::default()).await.unwrap();
    complete(&ledger, &preview, RecordsOptions::default()).await.unwrap();
    assert_eq!(lines(&ledger, "records/light.jsonl").await.len(), 20);
}

#[tokio::test]
async fn two_steps_may_share_tasks_and_each_has_the_artifacts() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    run(&ledger, &Job { step: "again".to_owned(), setting: 1 }).await.unwrap();
    assert_eq!(ledger.len(), 7);
    run(&ledger, &Job::new(2)).await.unwrap();
    let report = verify(&output, true).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.steps.iter().map(|step| step.result).collect::<Vec<_>>(), [18, 18]);
    assert_eq!(text(&ledger, "artifacts/again/a/one.mp4/0.png").await, "picture 1 a/one.mp4 0");
    assert_eq!(text(&ledger, "artifacts/light/a/one.mp4/0.png").await, "picture 2 a/one.mp4 0");
}

#[tokio::test]
async fn changed_settings_replace_the_old_result_and_its_leavings() {
    let output = Output::in_memory();
    run(&open(&output).await.unwrap(), &Job::new(1)).await.unwrap();
    let old = open(&output).await.unwrap();
    old.compact_from(1).await.unwrap();
    drop(old);
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(2)).await.unwrap();
    assert_eq!(ledger.len(), 7);
    assert_eq!(lines(&ledger, "records/light.jsonl").await[0]["lighting"][0]["exposure_ev"], 0.5);
    let reopened = open(&output).await.unwrap();
    assert!(Job::new(1).tasks().iter().all(|task| reopened.entry(&task.key).is_none()));
    assert_eq!(reopened.len(), 7);
    assert_eq!(BATCH * 6, 24);
}
