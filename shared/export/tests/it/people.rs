//! The output with people that data sets are made of, its pictures, and what a data set should say of it.
use framefleet_export::{Exported, Format, Request, Settings, export};
use framefleet_frames::{Frame, Image, Item, ItemKind, Pictures, PixelFormat};
use framefleet_ledger::{Ledger, Output};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_testkit::read_by;
use framefleet_testkit_ledger::people::{self, FAILED, FILM, FRAMES, Person, SIZE, STEPS, STILLS};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// The output with steps as they are called.
pub async fn output(steps: &[&str], films: &[&str]) -> Ledger {
    let (ledger, _) = people::write(&Output::in_memory(), &[]).await.unwrap();
    for step in steps {
        let manifest = people::write_step(&ledger, step, films).await.unwrap();
        let options = RecordsOptions { parquet: false, ..RecordsOptions::default() };
        complete_step(&ledger, manifest, options).await.unwrap();
    }
    ledger
}

/// Pictures of the sizes that the output says.
pub struct Painted;

impl Pictures for Painted {
    fn picture(&mut self, item: &Item, number: u64) -> Result<Option<Frame>, String> {
        let stills = STILLS.iter().find(|(name, _)| *name == item.name);
        let (width, height) = stills.map_or(SIZE, |(_, files)| {
            let (_, width, height) = files[number as usize];
            (width, height)
        });
        let pixel = |at: u32| [(at % width * 4) as u8, (at / width * 4) as u8, (number * 20) as u8];
        let data: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let image = Image::new(PixelFormat::Rgb8, width, height, data).unwrap();
        Ok(Some(Frame { number, pts_ns: 0, image }))
    }
}

/// Nothing may be decoded.
pub struct Gone;

impl Pictures for Gone {
    fn picture(&mut self, _: &Item, _: u64) -> Result<Option<Frame>, String> {
        Err("no such file".to_owned())
    }
}

/// An export of an output, whose files are all there and no others.
pub async fn exported(
    ledger: &Ledger,
    folder: &Path,
    format: &str,
    settings: &Settings,
    pictures: &mut dyn Pictures,
) -> Exported {
    let request = Request { format: format.parse().unwrap(), steps: &[], folder, every: 1, selection: None, settings };
    let exported = export(ledger, &request, pictures).await.unwrap();
    let mut listed: Vec<&PathBuf> = exported.files.iter().chain(&exported.kept).collect();
    listed.sort();
    let found = files(folder);
    assert_eq!(listed, found.iter().collect::<Vec<_>>(), "what is reported is what is there");
    exported
}

/// All files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Opens an export by a script of `tests/readers`.
pub fn opens(script: &str, folder: &Path, more: &[&Path]) {
    let truth = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(truth.path(), truths().to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(script);
    read_by(&script, &[&[folder, truth.path()], more].concat()).unwrap_or_else(|error| panic!("{error}"));
}

/// Images with their persons, in the order of the output.
fn truths() -> Json {
    let person =
        |person: &Person, size| json!({"number": person.number, "box": person.inside(size), "mask": person.has_mask});
    let image = |item: &str, frame: u64, size: (u32, u32), people: Vec<Person>| {
        let persons: Vec<Json> = people.iter().map(|one| person(one, size)).collect();
        json!({"item": item, "frame": frame, "size": [size.0, size.1], "persons": persons})
    };
    let film = (0..FRAMES).filter(|frame| *frame != FAILED);
    let mut all: Vec<Json> = film.map(|frame| image(FILM, frame, SIZE, people::in_film(frame))).collect();
    for (name, files) in STILLS {
        for (frame, (_, width, height)) in (0..).zip(files) {
            all.push(image(name, frame, (*width, *height), people::in_still(*width, *height)));
        }
    }
    all.into()
}

/// All steps.
pub async fn everything() -> Ledger {
    output(&STEPS, &[FILM]).await
}

/// That a format is one of stills, too.
pub fn stills() -> usize {
    people::stills().iter().filter(|(item, _)| item.kind() == ItemKind::Stills).map(|(_, files)| files.len()).sum()
}

/// A format by its name.
pub fn format(name: &str) -> Format {
    name.parse().unwrap()
}
