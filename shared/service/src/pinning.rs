//! Pins a process to cores.
use rustix::thread::{CpuSet, sched_setaffinity};
use std::str::FromStr;

/// Cores by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus(Vec<usize>);

impl Cpus {
    /// Pins this thread and those it starts from now on.
    pub fn pin(&self) -> std::io::Result<()> {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|&cpu| set.set(cpu));
        Ok(sched_setaffinity(None, &set)?)
    }
}

impl FromStr for Cpus {
    type Err = String;

    /// Reads a list as the kernel writes it: `0-3,8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no list of cores like 0-3,8");
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
            let (first, last) = (number(first)?, number(last)?);
            if first > last || last >= CpuSet::MAX_CPU {
                return Err(wrong());
            }
            cpus.extend(first..=last);
        }
        Ok(Self(cpus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!("0-2,8".parse(), Ok(Cpus(vec![0, 1, 2, 8])));
        for wrong in ["", "a", "3-1", "1,,2", "0-99999"] {
            assert!(wrong.parse::<Cpus>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pinned_thread_runs_there() {
        std::thread::spawn(|| {
            Cpus(vec![0]).pin().unwrap();
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            assert!(allowed.is_set(0) && allowed.count() == 1);
        })
        .join()
        .unwrap();
    }
}
