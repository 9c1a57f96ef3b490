//! Which workers do which steps: the execution classes that there are.
use super::workers;
use framefleet_proto::control::Worker;
use std::collections::BTreeMap;

/// Execution classes of the workers of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// The processor's: of all that is no model, and of models that run on the CPU.
    pub cpu: String,
    /// The GPUs', by stage.
    gpus: BTreeMap<String, String>,
}

/// What a job says of where its models run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On GPUs where a stage has some, else on processors.
    Auto,
    /// On processors.
    Cpu,
    /// On GPUs, or not at all.
    Gpu,
}

impl Classes {
    /// Those of one process that runs all these stages.
    pub fn of_process<'a>(cpu: String, gpu: Option<String>, stages: impl Iterator<Item = &'a str>) -> Self {
        let gpus = gpu.map(|gpu| stages.map(|stage| (stage.to_owned(), gpu.clone())).collect());
        Self { cpu, gpus: gpus.unwrap_or_default() }
    }

    /// Those that most slots are of, by stage; `own` is this machine's, for times without workers.
    pub(super) fn of_workers(all: &[Worker], own: &str) -> Self {
        let mut processors: BTreeMap<&str, u64> = BTreeMap::new();
        let mut gpus: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for worker in all {
            *processors.entry(&worker.class).or_default() += u64::from(worker.slots);
            for class in workers::classes(worker).filter(|class| **class != worker.class) {
                for served in &worker.stages {
                    *gpus.entry(&served.stage).or_default().entry(class).or_default() += u64::from(worker.slots);
                }
            }
        }
        let gpus = gpus.iter().filter_map(|(stage, slots)| Some(((*stage).to_owned(), most(slots, "")?)));
        Self { cpu: most(&processors, own).unwrap_or_else(|| own.to_owned()), gpus: gpus.collect() }
    }

    /// The class that runs the models of a stage. `None` when GPUs are asked for and no worker of the stage has one.
    pub fn of_models(&self, stage: &str, place: Place) -> Option<&str> {
        match (place, self.gpus.get(stage)) {
            (Place::Cpu, _) | (Place::Auto, None) => Some(&self.cpu),
            (Place::Auto | Place::Gpu, Some(gpu)) => Some(gpu),
            (Place::Gpu, None) => None,
        }
    }
}

/// The class that most slots are of; of equals, `own`.
fn most(slots: &BTreeMap<&str, u64>, own: &str) -> Option<String> {
    slots.iter().max_by_key(|(class, slots)| (**slots, **class == own)).map(|(class, _)| (*class).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::control::StageVersion;

    fn worker(stage: &str, gpu: &str, slots: u32) -> Worker {
        let stages = vec![StageVersion { stage: stage.to_owned(), version: 1 }];
        Worker { stages, class: "cpu-a".to_owned(), gpu_class: gpu.to_owned(), slots, ..Worker::default() }
    }

    #[test]
    fn models_go_to_gpus_where_a_stage_has_some() {
        let all = [worker("pose", "cuda-sm80", 1), worker("pose", "cuda-sm90", 4), worker("depth", "", 8)];
        let classes = Classes::of_workers(&all, "cpu-b");
        assert_eq!(classes.cpu, "cpu-a");
        assert_eq!(classes.of_models("pose", Place::Auto), Some("cuda-sm90"));
        assert_eq!(classes.of_models("pose", Place::Cpu), Some("cpu-a"));
        assert_eq!(classes.of_models("depth", Place::Auto), Some("cpu-a"));
        assert_eq!(classes.of_models("depth", Place::Gpu), None);
    }

    #[test]
    fn a_fleet_without_workers_is_planned_for_this_machine() {
        let classes = Classes::of_workers(&[], "cpu-b");
        assert_eq!(classes.of_models("pose", Place::Auto), Some("cpu-b"));
    }
}
