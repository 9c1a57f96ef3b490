//! The execution class of this machine: what answers may depend on besides code, settings and footage.

/// `cpu-` and the processor's level: libraries choose code by instruction set at run time, and floating point differs in the
/// last bits between these.
pub fn execution_class() -> String {
    format!("cpu-{}", level())
}

#[cfg(target_arch = "x86_64")]
fn level() -> &'static str {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl") {
        "x86-64-v4"
    } else if has!("avx2") && has!("fma") && has!("bmi2") {
        "x86-64-v3"
    } else if has!("sse4.2") && has!("popcnt") {
        "x86-64-v2"
    } else {
        "x86-64"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> &'static str {
    std::env::consts::ARCH
}
