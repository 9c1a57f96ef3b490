//! What the models of a job really ran on: the reports of their sessions, as JSON.
use framefleet_infer::Device;
use framefleet_orchestration::Machines;
use framefleet_service::ModelRuntime;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reports of the sessions of this process.
pub(crate) fn of_process(model_runtime: &ModelRuntime) -> Vec<Value> {
    model_runtime.reports().iter().filter_map(|report| serde_json::to_value(report).ok()).collect()
}

/// The machines that a job ran on: their threads, and the devices beside the processor that reports name.
pub(crate) fn machines(threads: usize, reports: &[Value]) -> Machines {
    let device = |report: &Value| (report["worker"].to_string(), report["device"].to_string());
    let used = reports.iter().filter(|report| report["device"] != serde_json::json!(Device::Cpu));
    Machines { threads, devices: used.map(device).collect::<BTreeSet<_>>().len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn devices_of_workers_are_counted_once_each() {
        let report = |worker: &str, device: &str| json!({ "worker": worker, "device": device });
        let reports = [report("a", "cuda:0"), report("a", "cuda:0"), report("b", "cuda:0"), report("c", "cpu")];
        assert_eq!(machines(4, &reports).devices, 2);
        assert_eq!(machines(4, &[]).devices, 0);
    }
}
