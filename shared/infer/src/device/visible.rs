//! Which GPUs this process may use, under the numbers that CUDA gives them.
use super::Gpu;

/// The variable by which CUDA is restricted to some GPUs, which it then numbers in the order of the list.
pub(crate) const VARIABLE: &str = "CUDA_VISIBLE_DEVICES";

/// The GPUs that a list in CUDA's form leaves (numbers, UUIDs or unambiguous beginnings of them), renumbered; all without a list. Like
/// CUDA's, the list ends at the first entry that names none ("CUDA C++ Programming Guide", environment variables).
///
/// A MIG slice has the description of the first GPU: its architecture is the same, its memory at most that.
pub(crate) fn visible(gpus: Vec<Gpu>, list: Option<&str>) -> Vec<Gpu> {
    let Some(list) = list else { return gpus };
    let named = list.split(',').map_while(|entry| named(&gpus, entry.trim()));
    named.zip(0..).map(|(gpu, number)| Gpu { number, ..gpu }).collect()
}

fn named(gpus: &[Gpu], entry: &str) -> Option<Gpu> {
    if entry.starts_with("MIG-") {
        return gpus.first().cloned();
    }
    if let Ok(number) = entry.parse::<u32>() {
        return gpus.iter().find(|gpu| gpu.number == number).cloned();
    }
    let mut matching = gpus.iter().filter(|gpu| entry.starts_with("GPU-") && gpu.uuid.starts_with(entry));
    matching.next().filter(|_| matching.next().is_none()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus() -> Vec<Gpu> {
        let gpu = |number, uuid: &str, capability| Gpu {
            number,
            uuid: uuid.to_owned(),
            name: format!("GPU {number}"),
            compute_capability: capability,
            memory: 1 << 34,
            free: 1 << 33,
        };
        vec![gpu(0, "GPU-aa10", (6, 1)), gpu(1, "GPU-aa20", (9, 0)), gpu(2, "GPU-bb30", (8, 9))]
    }

    #[test]
    fn numbers_and_uuids_are_renumbered_in_the_order_of_the_list() {
        let left = |list| {
            let gpus = visible(gpus(), list);
            gpus.iter().map(|gpu| (gpu.number, gpu.uuid.clone())).collect::<Vec<_>>()
        };
        let [a, b, c] = ["GPU-aa10", "GPU-aa20", "GPU-bb30"].map(str::to_owned);
        assert_eq!(left(None), [(0, a.clone()), (1, b.clone()), (2, c.clone())]);
        assert_eq!(left(Some("2, 0")), [(0, c.clone()), (1, a.clone())]);
        assert_eq!(left(Some("GPU-bb,GPU-aa2")), [(0, c.clone()), (1, b)]);
        assert_eq!(left(Some("2,7,0")), [(0, c)], "the list ends at a number that no GPU has");
        assert_eq!(left(Some("GPU-aa")), [], "two GPUs begin so");
        assert_eq!(left(Some("")), []);
        assert_eq!(left(Some("-1")), []);
        assert_eq!(left(Some("MIG-GPU-aa10/1/0")), [(0, a)]);
    }
}
