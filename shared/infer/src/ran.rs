//! Whether what ran is what was asked for.
use crate::InferError;
use crate::loader::Loader;
use crate::precision::Precision;
use crate::profile::Profile;
use crate::provider::Provider;

/// Compares the precision that was asked for with what the first run computed. Where a processor computes a 16-bit file in 32 bits, a
/// note says so; everything else that is not what was asked for is refused.
pub(crate) fn check(loader: &Loader, profile: &Profile) -> Result<Option<String>, InferError> {
    let wanted = loader.options.precision;
    match judge(wanted, loader.resolved.offered(), profile) {
        Verdict::AsAsked => Ok(None),
        Verdict::Noted(note) => Ok(Some(note)),
        Verdict::Other(ran) => Err(InferError::NotComputed { model: loader.model.name.clone(), wanted, ran }),
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    AsAsked,
    Noted(String),
    Other(String),
}

fn judge(wanted: Precision, offered: Provider, profile: &Profile) -> Verdict {
    let count = |kinds: &[&str]| kinds.iter().filter_map(|kind| profile.products.get(*kind)).sum::<usize>();
    let (full, half, bytes) = (count(&["float"]), count(&["float16"]), count(&["int8", "uint8"]));
    // A compiled engine is one kernel, whose inside the runtime does not show: what it was built for is what it is.
    let engines = profile.nodes.get(Provider::TensorRt.runtime_name()).copied().unwrap_or(0);
    if engines > 0 || full + half + bytes == 0 {
        return Verdict::AsAsked;
    }
    let listed: Vec<String> = profile.products.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
    match wanted {
        Precision::Fp32 if full == 0 => Verdict::Other(listed.join(", ")),
        Precision::Fp16 if half == 0 && offered == Provider::Cpu => {
            Verdict::Noted(format!("the file is fp16, this processor computes it in 32 bits ({})", listed.join(", ")))
        }
        Precision::Fp16 if half == 0 => Verdict::Other(listed.join(", ")),
        Precision::Int8 if bytes == 0 => Verdict::Other(listed.join(", ")),
        _ => Verdict::AsAsked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(products: &[(&str, usize)], engines: usize) -> Profile {
        let products = products.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        let nodes = [(Provider::TensorRt.runtime_name().to_owned(), engines)].into();
        Profile { products, nodes, ..Profile::default() }
    }

    #[test]
    fn what_ran_is_compared_with_what_was_asked() {
        let (full, half, mixed) =
            (ran(&[("float", 9)], 0), ran(&[("float16", 9)], 0), ran(&[("uint8", 8), ("float", 1)], 0));
        let other = |verdict: Verdict| matches!(verdict, Verdict::Other(said) if said.contains("9 × float"));
        assert_eq!(judge(Precision::Fp32, Provider::Cpu, &full), Verdict::AsAsked);
        assert!(other(judge(Precision::Fp32, Provider::Cuda, &half)));
        assert!(other(judge(Precision::Fp16, Provider::Cuda, &full)));
        assert!(matches!(judge(Precision::Fp16, Provider::Cpu, &full), Verdict::Noted(_)));
        assert_eq!(judge(Precision::Fp16, Provider::Cuda, &half), Verdict::AsAsked);
        assert!(other(judge(Precision::Int8, Provider::Cpu, &full)));
        assert_eq!(judge(Precision::Int8, Provider::Cpu, &mixed), Verdict::AsAsked);
    }

    #[test]
    fn an_engine_is_what_it_was_built_for_unless_it_ran_nothing() {
        assert_eq!(judge(Precision::Fp16, Provider::TensorRt, &ran(&[("float", 1)], 1)), Verdict::AsAsked);
        assert!(matches!(judge(Precision::Fp16, Provider::TensorRt, &ran(&[("float", 9)], 0)), Verdict::Other(_)));
    }
}
