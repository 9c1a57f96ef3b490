//! Prints the poses of image files, a line of JSON each: `cargo run -p pose --example poses -- [--set key=value]… PICTURE…`

// What the tests run the stage with, which may panic.
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "../tests/it/harness/mod.rs"]
mod harness;

use harness::{picture, run_with, step, still};
use pose::PoseSettings;
use serde_json::{Map, Value, json};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = Map::new();
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument != "--set" {
            files.push(argument);
            continue;
        }
        let setting = arguments.next().unwrap_or_default();
        let (key, value) = setting.split_once('=').ok_or("--set wants key=value")?;
        given.insert(key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)));
    }
    let settings: PoseSettings = framefleet_stage::complete("pose", None, &given)?;
    let step = step(&settings);
    for file in files {
        let results = run_with(&step, &still(&picture(Path::new(&file))));
        println!("{}", json!({ "file": file, "poses": results.poses[&0] }));
    }
    Ok(())
}
