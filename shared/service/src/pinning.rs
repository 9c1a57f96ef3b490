//! Pins a process to cores, or to a GPU.
use rustix::thread::{CpuSet, sched_setaffinity};
use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;
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

/// A GPU, by number or UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuName(String);

impl GpuName {
    /// Makes it the only GPU of this process: runs the program anew, under the same process id and with the same arguments, where the
    /// environment does not say so yet. Libraries read those variables at times of their own, so that they have to be there from the start.
    pub fn pin(&self) -> std::io::Result<()> {
        // Numbers are the driver's, not CUDA's own, by which the fastest GPU comes first.
        let variables = [("CUDA_VISIBLE_DEVICES", self.0.as_str()), ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")];
        if variables.iter().all(|(name, value)| std::env::var(name).is_ok_and(|is| is == *value)) {
            return Ok(());
        }
        let mut program = Command::new(std::env::current_exe()?);
        program.args(std::env::args_os().skip(1)).envs(variables);
        Err(program.exec())
    }
}

impl FromStr for GpuName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
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
