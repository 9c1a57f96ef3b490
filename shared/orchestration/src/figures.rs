//! What is known of a run for finding what holds it up.
use crate::efficiency::Machines;
use crate::progress::{Progress, StepProgress};
use crate::task::INGEST;
use framefleet_bottleneck::{DeviceFigures, Figures, StepFigures, Work};
use framefleet_utilisation::{DeviceUtilisation, Utilisation};

/// The stage that encodes films.
const ENCODER: &str = "assemble";

/// The figures of a run so far. Utilisation is that of its workers, as far as it was read.
pub fn figures(progress: &Progress, machines: Machines, utilisation: Option<&Utilisation>) -> Figures {
    Figures {
        seconds: progress.elapsed.as_secs_f64(),
        threads: machines.threads,
        cores: utilisation.map(|of| of.cores).filter(|cores| *cores > 0),
        cpu: utilisation.and_then(Utilisation::cpu),
        memory: utilisation.and_then(|of| of.machine_memory_peak),
        devices: utilisation.iter().flat_map(|of| &of.devices).map(device).collect(),
        steps: progress.steps.iter().map(step).collect(),
        ..Figures::default()
    }
}

fn device(of: &DeviceUtilisation) -> DeviceFigures {
    let place = if of.host.is_empty() { String::new() } else { format!(" of {}", of.host) };
    let memory = of.memory_peak.zip(of.memory_total).filter(|(_, total)| *total > 0);
    DeviceFigures {
        name: format!("{} ({}){place}", of.device, of.name),
        utilisation: of.utilisation,
        memory: memory.map(|(used, total)| used as f64 / total as f64),
    }
}

fn step(of: &StepProgress) -> StepFigures {
    StepFigures {
        step: of.step.clone(),
        work: match of.stage.as_str() {
            INGEST => Work::Decode,
            ENCODER => Work::Encode,
            _ => Work::Compute,
        },
        tasks: of.tasks,
        seconds: of.task_seconds,
        cpu_seconds: of.cpu_seconds,
        device_seconds: of.device_seconds,
        delay_seconds: of.delay_seconds,
        queue_seconds: of.waits.queue,
        fetch_seconds: of.waits.fetch,
        commit_seconds: of.waits.commit,
        ..StepFigures::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waits::Waits;
    use std::time::Duration;

    #[test]
    fn what_was_not_read_is_not_known() {
        let waits = Waits { queue: 3.0, ..Waits::default() };
        let ingest = StepProgress { step: INGEST.into(), stage: INGEST.into(), waits, ..StepProgress::default() };
        let progress = Progress { steps: vec![ingest], elapsed: Duration::from_secs(2), ..Progress::default() };
        let machines = Machines { threads: 3, devices: 0 };
        let known = figures(&progress, machines, None);
        assert_eq!((known.seconds, known.threads, known.cpu, known.memory, known.cores), (2.0, 3, None, None, None));
        assert_eq!((known.steps[0].work, known.steps[0].queue_seconds), (Work::Decode, 3.0));
        let gpu = DeviceUtilisation { device: "cuda:0".into(), name: "X".into(), ..DeviceUtilisation::default() };
        let read = Utilisation { samples: 1, cores: 4, cpu_cores: 1.0, devices: vec![gpu], ..Utilisation::default() };
        let known = figures(&progress, machines, Some(&read));
        assert_eq!((known.cpu, known.cores, known.devices[0].utilisation), (Some(0.25), Some(4), None));
        assert_eq!(known.devices[0].name, "cuda:0 (X)");
    }
}
