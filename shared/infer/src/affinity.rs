//! Binding threads to cores.
use crate::InferError;

/// Binds the calling thread, which computes in every run that it starts, to these cores (numbered from 0).
pub fn bind_this_thread(cores: &[usize]) -> Result<(), InferError> {
    let size = libc::CPU_SETSIZE as usize;
    if cores.is_empty() || cores.iter().any(|core| *core >= size) {
        return Err(InferError::Setting(format!("cores {cores:?}: name at least one, all below {size}")));
    }
    // SAFETY: a zeroed set is an empty one; every core is below its size; the call reads the set and nothing else.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        cores.iter().for_each(|core| libc::CPU_SET(*core, &mut set));
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if result == 0 {
        return Ok(());
    }
    Err(InferError::Setting(format!("cores {cores:?}: {}", std::io::Error::last_os_error())))
}

/// ONNX Runtime's way to say where the threads of a session go besides the calling one: groups of cores counted from 1, separated by
/// semicolons. `None` if the session starts none.
pub(crate) fn session_threads(cores: &[usize], threads: usize) -> Option<String> {
    if cores.is_empty() || threads < 2 {
        return None;
    }
    let all: Vec<String> = cores.iter().map(|core| (core + 1).to_string()).collect();
    Some(vec![all.join(","); threads - 1].join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted_as_the_runtime_does() {
        assert_eq!(session_threads(&[0, 3], 3).as_deref(), Some("1,4;1,4"));
        assert_eq!(session_threads(&[0], 1), None);
    }

    #[test]
    fn a_thread_is_bound_and_nonsense_is_refused() {
        std::thread::spawn(|| {
            bind_this_thread(&[0]).unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert!(
                status.lines().any(|line| line.replace(char::is_whitespace, "") == "Cpus_allowed_list:0"),
                "{status}"
            );
        })
        .join()
        .unwrap();
        assert!(bind_this_thread(&[]).is_err());
        assert!(bind_this_thread(&[usize::MAX]).is_err());
    }
}
