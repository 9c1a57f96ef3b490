//! How busy workers and devices are, and what holds running jobs up.
use bytesize::ByteSize;
use framefleet_bottleneck::Finding;
use framefleet_job::fleet::threads_of;
use framefleet_orchestration::{Machines, Progress, figures};
use framefleet_proto::control::{Job, Worker, WorkerLoad};
use framefleet_utilisation::{DeviceReading, Reading, Utilisation, UtilisationBuilder};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Stands for what is not known.
const UNKNOWN: &str = "–";

/// What holds a running job up so far, by its progress and by how busy the fleet is now.
pub(super) fn findings(job: &Job, workers: &[Worker]) -> Vec<Finding> {
    let Some(progress) = job.progress.clone().filter(|_| job.ended == 0.0) else { return Vec::new() };
    let utilisation = utilisation(workers);
    let machines = Machines { threads: threads_of(workers), devices: utilisation.devices.len() };
    let known = Some(&utilisation).filter(|of| of.samples > 0);
    let figures =
        framefleet_bottleneck::Figures { in_fleet: true, ..figures(&Progress::from(progress), machines, known) };
    framefleet_bottleneck::findings(&figures)
}

/// How busy workers said they were last.
fn utilisation(workers: &[Worker]) -> Utilisation {
    let mut readings = UtilisationBuilder::default();
    for (worker, load) in workers.iter().filter_map(|worker| Some((worker, worker.load.as_ref()?))) {
        readings.add(&worker.host, &worker.name, &Reading::from(load));
    }
    readings.build()
}

/// Cores that a worker keeps busy, and its memory.
pub(super) fn load(load: Option<&WorkerLoad>) -> (String, String) {
    let cpu = load.map(|load| format!("{:.1} of {}", load.cpu_cores, load.cores));
    let memory = load.and_then(|load| load.memory).map(|bytes| ByteSize(bytes).to_string());
    (cpu.unwrap_or_else(|| UNKNOWN.to_owned()), memory.unwrap_or_else(|| UNKNOWN.to_owned()))
}

/// The devices of all machines, each once: several workers may see the same. Nothing where there are none.
pub(super) fn devices_table(text: &mut String, workers: &[Worker]) -> std::fmt::Result {
    let mut devices: BTreeMap<(&str, String), DeviceReading> = BTreeMap::new();
    for (worker, load) in workers.iter().filter_map(|worker| Some((worker, worker.load.as_ref()?))) {
        let seen = load.devices.iter().map(|device| ((worker.host.as_str(), device.device.clone()), device.into()));
        devices.extend(seen);
    }
    if devices.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{:<28} {:>6} {:>22} {:>6} {:>10}  NAME", "DEVICE", "BUSY", "MEMORY", "TEMP", "CLOCK")?;
    for ((host, device), reading) in devices {
        let known = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
        let busy = known(reading.utilisation.map(|share| format!("{:.0} %", 100.0 * share)));
        let memory = reading.memory_used.zip(reading.memory_total);
        let memory = known(memory.map(|(used, total)| format!("{} of {}", ByteSize(used), ByteSize(total))));
        let temperature = known(reading.temperature.map(|degrees| format!("{degrees} °C")));
        let clock = known(reading.clock_mhz.map(|clock| format!("{clock} MHz")));
        let place = format!("{host} {device}");
        writeln!(text, "{place:<28} {busy:>6} {memory:>22} {temperature:>6} {clock:>10}  {}", reading.name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::control::{DeviceLoad, Progress, StepProgress};

    fn worker(devices: Vec<DeviceLoad>) -> Worker {
        let load = WorkerLoad { seconds: 1.0, cpu_cores: 1.96, cores: 2, devices, ..WorkerLoad::default() };
        Worker { host: "box".into(), name: "w".into(), slots: 2, load: Some(load), ..Worker::default() }
    }

    #[test]
    fn a_running_job_says_what_holds_it_up() {
        let step = StepProgress {
            step: "pose".into(),
            stage: "pose".into(),
            tasks: 9,
            task_seconds: 19.0,
            cpu_seconds: 18.5,
            ..Default::default()
        };
        let progress = Progress { steps: vec![step], elapsed_seconds: 10.0, ..Progress::default() };
        let running = Job { progress: Some(progress), ..Job::default() };
        let found = findings(&running, &[worker(Vec::new())]);
        assert_eq!(found[0].text, "the CPU (2 cores) was busy 98 % of the time, 100 % of that with pose");
        assert_eq!(findings(&Job { ended: 1.0, ..running }, &[]), []);
    }

    #[test]
    fn devices_are_listed_once_with_what_is_known() {
        let mut text = String::new();
        devices_table(&mut text, &[worker(Vec::new())]).unwrap();
        assert_eq!(text, "", "no devices, no table");
        let gpu =
            DeviceLoad { device: "cuda:0".into(), name: "X".into(), temperature: Some(61), ..DeviceLoad::default() };
        devices_table(&mut text, &[worker(vec![gpu.clone()]), worker(vec![gpu])]).unwrap();
        assert_eq!(text.matches("box cuda:0").count(), 1, "{text}");
        assert!(text.contains("61 °C") && text.contains(UNKNOWN) && !text.contains("0 %"), "{text}");
    }
}
