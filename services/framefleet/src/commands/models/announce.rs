//! What is going to be fetched, before it is.
use bytesize::ByteSize;
use framefleet_models::{FetchPlan, Model};

/// Writes names, sizes, licences and space to standard error; nothing when everything is here.
pub fn announce(plan: &FetchPlan) {
    if plan.models.is_empty() {
        return;
    }
    let models = if plan.models.len() == 1 { "1 model".to_owned() } else { format!("{} models", plan.models.len()) };
    let at_least = if plan.at_least { "at least " } else { "" };
    eprintln!("to fetch: {models}, {at_least}{}; {} are free", ByteSize(plan.bytes), ByteSize(plan.free));
    for model in &plan.models {
        let size = model.size().map_or_else(|| "unknown size".to_owned(), |size| ByteSize(size).to_string());
        eprintln!("  {:<28} {size:>12}  {}", model.id, licence(model));
    }
}

/// Its licence, and what is to be known about it.
fn licence(model: &Model) -> String {
    match (model.is_gated(), model.licence_note.is_empty()) {
        (true, false) => format!("{}: {}", model.licence, model.licence_note),
        _ => model.licence.clone(),
    }
}
