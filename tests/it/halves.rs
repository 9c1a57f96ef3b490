//! Halves own their settings and models: what finish alone reads redoes finish alone, everything else redoes every frame.
use crate::fleet::TestJob;
use crate::footage::{folder, moving};
use crate::program::{digest, framefleet, json, run, worked};
use crate::scheduling::{indexed, made};
use framefleet_ledger::TaskKey;
use framefleet_orchestration::{Fact, JobState, Work};
use framefleet_pipeline::{GivenFile, JobRange, ModelMode, Models, Pipeline, PlanRequest, PlannedModel, plan};
use framefleet_proto::v1::{EntryOutcomes, Task};
use framefleet_stage::{AnyStage, Half, ModelNeed, Registry, file};
use framefleet_testkit_stage::variation;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Values of settings whose schema does not say what may stand there: (stage, setting, value).
fn by_hand() -> Vec<(&'static str, &'static str, Value)> {
    vec![("composite", "colour", json!("#102030"))]
}

/// Names models after what they are for; those of one role are other ones than usual.
#[derive(Clone, Copy, Default)]
struct Named<'a> {
    replaced: Option<&'a str>,
}

impl Models for Named<'_> {
    fn choose(&self, stage: &str, _profile: &str, need: &ModelNeed) -> Result<PlannedModel, String> {
        let replaced = self.replaced == Some(need.role.as_str());
        let id = format!("{stage}-{}-{}-{replaced}", need.role, need.choice.as_deref().unwrap_or("usual"));
        Ok(PlannedModel {
            role: need.role.clone(),
            sha256: id.clone(),
            id,
            licence: "MIT".to_owned(),
            gated: false,
            micro_batch: need.micro_batch.unwrap_or(1),
            one_by_one: None,
            dims: need.dims.clone(),
            mode: ModelMode { class: "cpu".to_owned(), precision: "fp32".to_owned(), optimisation: "all".to_owned() },
            half: need.half,
        })
    }
}

/// The tasks of a step in a job done from its beginning to its end.
struct Done {
    process: Vec<Task>,
    finish: Task,
}

impl Done {
    fn keys(&self) -> BTreeSet<&[u8]> {
        self.process.iter().map(|task| task.key.as_ref()).collect()
    }
}

/// Does a job of one stage, with whatever it needs, as far as tasks and keys go.
fn done(stage: &str, settings: &Map<String, Value>, models: Named<'_>, registry: &Registry) -> Done {
    // What joins others' results needs somebody who finds something.
    let joins = registry.get(stage).unwrap().resolve(None, settings).unwrap().needs.joins;
    let names = if joins { vec!["pose", stage] } else { vec![stage] };
    let mut pipeline = Pipeline::of_stages(&names, registry).unwrap();
    let step = pipeline.steps.iter_mut().find(|step| step.name == stage).unwrap();
    step.settings = settings.clone();
    pipeline.add_providers(registry).unwrap();
    let needs = registry.get(stage).unwrap().resolve(None, settings).unwrap().files.into_iter();
    let files: Vec<GivenFile> = needs
        .map(|need| GivenFile {
            step: stage.to_owned(),
            digest: file::digest(need.path.as_bytes()),
            setting: need.setting,
            path: need.path,
            bytes: 1,
        })
        .collect();
    let job = TestJob::new("", &[70]);
    let request = PlanRequest {
        pipeline: &pipeline,
        items: &job.source.items,
        range: JobRange::default(),
        files: &files,
        ingest: (Map::new(), 1),
        class: "cpu".to_owned(),
        seed: 0,
        memory_budget: 1 << 40,
    };
    let plan = plan(&request, registry, &models).unwrap();
    let step = plan.step(stage).unwrap().0;
    let mut state = JobState::new(Arc::new(plan), job.source.items.clone(), Default::default());
    state.apply(indexed(&job, 0), &|_| None);
    let (mut ledger, mut all) = (BTreeSet::<TaskKey>::new(), BTreeMap::new());
    while !state.is_finished() {
        let lookup = |key: &TaskKey| ledger.contains(key).then(EntryOutcomes::default);
        state.advance(&lookup);
        state.take_unneeded();
        for (step, key) in state.unread_finishes() {
            state.apply(Fact::Finished { step, key, scoped: Arc::default() }, &lookup);
        }
        let tasks = state.desired(1000);
        let tasks: Vec<_> =
            tasks.into_iter().filter_map(|task| Some((task, state.message("job", task, &lookup)?))).collect();
        for (task, message) in tasks {
            let key = TaskKey::from_bytes(&message.key).unwrap();
            ledger.insert(key);
            let fact = Fact::Done { task, key, made: made(&message) };
            state.apply(fact, &|key| ledger.contains(key).then(EntryOutcomes::default));
            all.insert(task, message);
        }
    }
    let of = |kind: Work| all.iter().filter(move |(task, _)| task.kind == kind && task.step == step);
    Done {
        process: of(Work::Process).map(|(_, message)| message.clone()).collect(),
        finish: of(Work::Finish).next().unwrap().1.clone(),
    }
}

/// Another value of a setting: by its schema, or by hand.
fn other(stage: &dyn AnyStage, settings: &Map<String, Value>, key: &str) -> Value {
    let name = stage.describe().name;
    let by_hand = by_hand().into_iter().find(|(of, setting, _)| *of == name && *setting == key);
    let value = variation(stage, settings, key).or(by_hand.map(|(_, _, value)| value));
    value.unwrap_or_else(|| panic!("no other valid value of {name}.{key} is known: add one to `by_hand`"))
}

fn settings_in(task: &Task) -> BTreeSet<String> {
    serde_json::from_str::<Map<String, Value>>(&task.settings).unwrap().into_iter().map(|(key, _)| key).collect()
}

#[test]
fn every_setting_redoes_what_reads_it_and_nothing_else() {
    let registry = registry::stages().unwrap();
    let mut finish_only = 0;
    for name in registry.names() {
        let stage = registry.get(name).unwrap();
        let usual = stage.resolve(None, &Map::new()).unwrap();
        let before = done(name, &Map::new(), Named::default(), &registry);
        assert!(!before.process.is_empty(), "{name} has no process tasks");
        for key in usual.settings.keys() {
            let changed = Map::from_iter([(key.clone(), other(stage.as_ref(), &usual.settings, key))]);
            let after = done(name, &changed, Named::default(), &registry);
            assert_ne!(after.finish.key, before.finish.key, "{name}.{key} does not change finish");
            if usual.finish_settings.contains(key) {
                finish_only += 1;
                assert_eq!(after.keys(), before.keys(), "{name}.{key} changes process");
            } else {
                assert!(after.keys().is_disjoint(&before.keys()), "{name}.{key} leaves tasks of process as they are");
            }
            for task in &after.process {
                let given = settings_in(task);
                assert!(given.is_disjoint(&usual.finish_settings), "{name}: process is given {given:?}");
                assert_eq!(given.len() + usual.finish_settings.len(), usual.settings.len(), "{name}: {given:?}");
            }
            assert_eq!(settings_in(&after.finish).len(), usual.settings.len(), "{name}: finish is given everything");
        }
    }
    assert!(finish_only > 30, "{finish_only} settings of finish alone were met");
}

#[test]
fn every_model_redoes_what_runs_it_and_nothing_else() {
    let registry = registry::stages().unwrap();
    let (mut of_process, mut of_finish) = (0, 0);
    for name in registry.names() {
        let needs = registry.get(name).unwrap().resolve(None, &Map::new()).unwrap().needs;
        let before = done(name, &Map::new(), Named::default(), &registry);
        for need in &needs.models {
            let after = done(name, &Map::new(), Named { replaced: Some(&need.role) }, &registry);
            let is_given = |task: &Task| task.models.iter().any(|model| model.role == need.role);
            assert_ne!(after.finish.key, before.finish.key, "{} of {name} does not change finish", need.role);
            assert!(is_given(&after.finish), "finish is given every model");
            match need.half {
                Half::Process => {
                    of_process += 1;
                    assert!(after.keys().is_disjoint(&before.keys()), "{} of {name}", need.role);
                    assert!(after.process.iter().all(is_given));
                }
                Half::Finish => {
                    of_finish += 1;
                    assert_eq!(after.keys(), before.keys(), "{} of {name}", need.role);
                    assert!(!after.process.iter().any(is_given));
                }
            }
        }
    }
    assert!(of_process > 4 && of_finish > 0, "{of_process} models of process, {of_finish} of finish");
}

#[test]
fn what_is_chosen_by_hand_is_needed_and_valid() {
    let registry = registry::stages().unwrap();
    for (name, key, value) in by_hand() {
        let stage = registry.get(name).unwrap();
        let usual = stage.resolve(None, &Map::new()).unwrap().settings;
        assert!(usual.get(key).is_some_and(|now| *now != value), "{name}.{key} has another default");
        assert_eq!(variation(stage.as_ref(), &usual, key), None, "{name}.{key} needs no value by hand");
        stage.resolve(None, &Map::from_iter([(key.to_owned(), value)])).unwrap();
    }
}

/// Marks of schemas are read by name: one that is misspelt would be no mark.
#[test]
fn schemas_have_no_unknown_marks_and_process_can_do_without_what_is_finishs() {
    let registry = registry::stages().unwrap();
    for name in registry.names() {
        let stage = registry.get(name).unwrap();
        let description = stage.describe();
        for (key, property) in description.schema["properties"].as_object().unwrap() {
            let marks = property.as_object().unwrap().keys().filter(|mark| mark.starts_with("x-"));
            let unknown: Vec<&String> =
                marks.filter(|mark| !["x-half", "x-max-bytes"].contains(&mark.as_str())).collect();
            assert_eq!(unknown, Vec::<&String>::new(), "{name}.{key}");
        }
        for (profile, settings) in &description.profiles {
            let resolved = stage.resolve(Some(profile), &Map::new()).unwrap();
            let given = framefleet_stage::settings_of(Half::Process, settings, &resolved.finish_settings);
            let of_process = stage.resolve(None, &given).unwrap();
            assert_eq!(
                format!("{:?}", of_process.needs.process),
                format!("{:?}", resolved.needs.process),
                "{name}, {profile}"
            );
            assert_eq!(of_process.needs.renditions, resolved.needs.renditions, "{name}, {profile}");
        }
    }
}

#[test]
fn every_stage_with_settings_of_finish_shows_that_process_does_not_read_them() {
    let registry = registry::stages().unwrap();
    for name in registry.names() {
        if registry.get(name).unwrap().resolve(None, &Map::new()).unwrap().finish_settings.is_empty() {
            continue;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("tests");
        let mut files = walkdir::WalkDir::new(&folder).into_iter().filter_map(Result::ok);
        let test = "#[test]\nfn process_reads_no_finish_setting() {";
        let shown = files.any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains(test)));
        assert!(shown, "no test `process_reads_no_finish_setting` in {}", folder.display());
    }
}

#[test]
fn a_setting_of_finish_does_no_frame_again() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 70);
    let (output, fresh) = (work.path().join("out"), work.path().join("fresh"));
    let changed = ["--stages", "motion", "--set", "motion.actions=false", "--set", "motion.min_shot_seconds=2"];
    run(&clip, &output, &changed[..2]);
    assert_eq!(worked(&output, "motion"), 70);
    assert!(!json(&output, "summary/motion.json")["action"].as_array().unwrap().is_empty());
    run(&clip, &output, &changed);
    assert_eq!((worked(&output, "motion"), worked(&output, "ingest")), (0, 0));
    assert!(json(&output, "summary/motion.json")["action"].as_array().is_none_or(Vec::is_empty), "finish ran again");
    run(&clip, &fresh, &changed);
    assert_eq!(digest(&output), digest(&fresh), "as if it had been done from the beginning");
}

#[test]
fn settings_of_finish_are_shown_as_such() {
    let shown = framefleet(["stages", "show", "motion"]).out;
    let of = |key: &str| shown.split(&format!("\n  {key} = ")).nth(1).unwrap().split("\n  ").next().unwrap().to_owned();
    assert!(shown.matches("Changes finish only.").count() >= 8, "{shown}");
    assert!(!of("method").contains("finish only"), "{shown}");
}
