//! The execution class of this machine: what answers may depend on besides code, settings and footage.
use framefleet_infer::device::cpu_level;

/// `cpu-` and the processor's level: libraries choose code by instruction set at run time, and floating point differs in the
/// last bits between these.
pub fn execution_class() -> String {
    format!("cpu-{}", cpu_level())
}
