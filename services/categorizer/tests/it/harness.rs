//! The stage with its model, and what it makes.
use categorizer::{Categories, CategorizerSettings, CategorizerStage};
use framefleet_frames::{Edit, EditTarget, Embedding};
use framefleet_stage::{Host, Stage};
use framefleet_testkit::{Picture, decode_rgb8, sample};
use framefleet_testkit_stage::{Film, Finished, Step, only};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The usual model.
pub fn host(settings: &CategorizerSettings) -> Host {
    framefleet_testkit_models::host("categorizer", &CategorizerStage::needs(settings)).unwrap()
}

/// A step of these settings.
pub fn step(settings: &CategorizerSettings) -> Step<CategorizerStage> {
    Step::load(&host(settings), settings).unwrap()
}

/// A sample as a picture.
pub fn photograph(name: &str) -> Picture {
    decode_rgb8(&sample(name).unwrap()).unwrap().swap_remove(0)
}

/// Categories that are their own words.
pub fn named(names: &[&str]) -> Categories {
    Categories::Names(names.iter().map(|name| (*name).to_owned()).collect())
}

/// What the step says of each instance: frame, instance and the fields.
pub fn rows(finished: &Finished) -> BTreeMap<(u64, u32), Json> {
    let row = |of: &framefleet_frames::Amendment| ((of.frame, of.instance), serde_json::from_str(&of.json).unwrap());
    finished.amendments.iter().map(row).collect()
}

/// What the step makes of films, and what finish says.
pub fn run(films: &[Film], settings: &CategorizerSettings, edits: Vec<Edit>) -> (Vec<Vec<Embedding>>, Finished) {
    let mut step = step(settings);
    step.edits = edits;
    let (processed, finished) = step.run(films).unwrap();
    (processed.records.each(only!(Embedding)).map(|(_, found)| found).collect(), finished)
}

/// A correction of instances of the clip.
pub fn edit(verb: &str, places: &[(u64, u32)], name: &str) -> Edit {
    let target = |place: &(u64, u32)| EditTarget {
        item: "clip.mp4".to_owned(),
        frame: place.0,
        instance: place.1,
        ..EditTarget::default()
    };
    let targets = places.iter().map(target).collect();
    Edit { verb: verb.to_owned(), name: name.to_owned(), targets, ..Edit::default() }
}
