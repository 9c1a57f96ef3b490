use super::*;
use crate::figures::DeviceFigures;

/// A step whose tasks worked so long: on the wall, of a processor, of a device.
fn step(name: &str, work: Work, [seconds, cpu_seconds, device_seconds]: [f64; 3]) -> StepFigures {
    let step = name.to_owned();
    StepFigures { step, work, tasks: 10, seconds, cpu_seconds, device_seconds, ..StepFigures::default() }
}

/// Ten seconds on two cores with two threads: decoding, and a step `pose`.
fn run(decode: [f64; 3], pose: [f64; 3]) -> Figures {
    let steps = vec![step("ingest", Work::Decode, decode), step("pose", Work::Compute, pose)];
    Figures { seconds: 10.0, threads: 2, cores: Some(2), steps, ..Figures::default() }
}

/// Limit, step and remedy of the first finding.
fn first(figures: &Figures) -> (Limit, Option<String>, Option<String>) {
    let found = findings(figures);
    let first = found.first().unwrap_or_else(|| panic!("nothing found in {figures:?}"));
    (first.limit, first.step.clone(), first.remedy.as_ref().map(ToString::to_string))
}

#[test]
fn nothing_measured_nothing_said() {
    assert_eq!(findings(&Figures::default()), []);
    let idle = Figures { cpu: Some(0.1), memory: Some(0.2), ..run([0.0; 3], [0.0; 3]) };
    assert_eq!(findings(&idle), []);
}

#[test]
fn each_limit_is_found_by_its_figure_and_at_its_threshold() {
    let even = || run([3.0, 3.0, 0.0], [4.0, 4.0, 0.0]);
    let gpu = |utilisation, memory| vec![DeviceFigures { name: "GPU 0".to_owned(), utilisation, memory }];
    let on_gpu = || run([3.0, 3.0, 0.0], [4.0, 1.0, 3.0]);
    let waits = |edit: fn(&mut StepFigures)| {
        let mut figures = even();
        edit(&mut figures.steps[1]);
        figures
    };
    let table = [
        (Figures { memory: Some(0.9), ..even() }, Limit::Memory),
        (Figures { memory: Some(0.89), ..even() }, Limit::Compute),
        (Figures { devices: gpu(Some(0.7), Some(0.95)), ..on_gpu() }, Limit::DeviceMemory),
        (Figures { devices: gpu(Some(0.9), None), ..on_gpu() }, Limit::Device),
        (Figures { devices: gpu(Some(0.49), None), ..on_gpu() }, Limit::DeviceIdle),
        (Figures { devices: gpu(Some(0.5), None), ..on_gpu() }, Limit::Compute),
        // A driver that says nothing: the time that runs occupied the device counts, 3 of 10 s.
        (Figures { devices: gpu(None, None), ..on_gpu() }, Limit::DeviceIdle),
        // A device that nobody's models ran on is no matter of the job's.
        (Figures { devices: gpu(Some(0.0), None), ..even() }, Limit::Compute),
        (Figures { cpu: Some(0.97), ..run([12.0, 12.0, 0.0], [7.0, 7.0, 0.0]) }, Limit::Decode),
        (Figures { cpu: Some(0.97), ..run([7.0, 7.0, 0.0], [12.0, 12.0, 0.0]) }, Limit::Compute),
        (run([12.0, 12.0, 0.0], [3.0, 3.0, 0.0]), Limit::Decode),
        (run([1.0, 1.0, 0.0], [18.0, 0.2, 0.0]), Limit::Waiting),
        (waits(|step| step.delay_seconds = 1.75), Limit::CoreWait),
        (waits(|step| step.delay_seconds = 1.7), Limit::Compute),
        // Where this run fills the cores, it is itself whom its tasks wait for.
        (Figures { cpu: Some(0.95), ..waits(|step| step.delay_seconds = 3.0) }, Limit::Compute),
        (waits(|step| step.fetch_seconds = 2.4), Limit::BlobWait),
        (waits(|step| step.fetch_seconds = 2.3), Limit::Compute),
        (waits(|step| step.commit_seconds = 2.4), Limit::LedgerWait),
        (waits(|step| step.queue_seconds = 7.1), Limit::BusWait),
        (waits(|step| step.queue_seconds = 6.9), Limit::Compute),
        (waits(|step| step.work = Work::Encode), Limit::Encode),
    ];
    for (figures, limit) in table {
        assert_eq!(first(&figures).0, limit, "{figures:#?}");
    }
}

#[test]
fn a_queue_in_front_of_busy_workers_is_no_waiting_for_the_bus() {
    let mut figures = run([9.0, 9.0, 0.0], [10.0, 10.0, 0.0]);
    figures.steps[1].queue_seconds = 500.0;
    assert!(findings(&figures).iter().all(|found| found.limit != Limit::BusWait));
}

#[test]
fn remedies_name_setting_and_value() {
    let remedy = |figures: &Figures| first(figures).2.unwrap_or_default();
    let memory = Figures { memory: Some(0.95), frame_memory: Some(4 << 30), ..run([3.0; 3], [4.0; 3]) };
    assert!(remedy(&memory).starts_with("`--memory 2048MiB` "));
    let least = Figures { frame_memory: Some(300 << 20), ..memory };
    assert_eq!(remedy(&least), "", "half of that is too little for anything");

    let mut device = run([3.0, 3.0, 0.0], [4.0, 1.0, 3.0]);
    device.steps[1].micro_batch = Some(8);
    assert!(remedy(&device).starts_with("`--set pose.micro_batch=16` "), "{}", remedy(&device));
    device.steps[1].micro_batch = None;
    assert_eq!(remedy(&device), "", "all cores are used, and no setting decides the batch");
    device.cores = Some(8);
    device.steps[1].seconds = 9.0;
    assert!(remedy(&device).starts_with("`--threads 8` "), "{}", remedy(&device));

    let sleeps = run([1.0, 1.0, 0.0], [18.0, 0.2, 0.0]);
    assert!(remedy(&sleeps).starts_with("`--threads 8` "), "{}", remedy(&sleeps));
    assert!(remedy(&Figures { in_fleet: true, ..sleeps }).starts_with("`--slots 8` "));
    let mut crowded = Figures { threads: 8, ..run([7.0, 3.0, 0.0], [12.0, 5.0, 0.0]) };
    crowded.steps[1].delay_seconds = 7.0;
    assert!(remedy(&crowded).starts_with("`--threads 2` "));
    let mut computes = Figures { cpu: Some(0.97), ..run([7.0, 7.0, 0.0], [12.0, 12.0, 0.0]) };
    assert!(remedy(&computes).starts_with("`--set 'pose.frames=every 2'` "));
    computes.steps[1].has_faster_profile = true;
    assert!(remedy(&computes).starts_with("`--set pose.profile=fast` "));
    let one_thread = Figures { threads: 1, cores: Some(2), ..run([2.0, 2.0, 0.0], [7.0, 7.0, 0.0]) };
    assert!(remedy(&one_thread).starts_with("`--threads 2` "));
}

#[test]
fn findings_say_their_figures() {
    let figures = Figures { cpu: Some(0.97), ..run([12.0, 12.0, 0.0], [6.0, 6.0, 0.0]) };
    let found = findings(&figures);
    assert_eq!(found[0].text, "the CPU (2 cores) was busy 97 % of the time, 67 % of that with ingest");
    assert_eq!(found.len(), 1, "the longest step is the one that was named: {found:#?}");
    let sleeps = findings(&run([1.0, 1.0, 0.0], [18.0, 0.2, 0.0]));
    let text =
        "pose took 95 % of all task time, and computed nothing in 99 % of it; threads were busy 95 % of the time";
    assert_eq!(sleeps[0].text, text);
}
