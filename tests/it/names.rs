//! Names that file systems allow: sources of all of them, films, images and exports that are called so, and an output that verifies.
use crate::footage::folder;
use crate::program::{digest, framefleet, json};
use crate::video::run_with;
use framefleet_testkit::{Clip, numbered, write_image};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Masks, frames as they are, a film of each video and an image of each still.
const PIPELINE: &str = "name = \"names\"\n[steps.cover.settings]\nsquare = [8.0, 8.0, 16.0]\n\
    [steps.resize.settings]\nscale = [1, 1]\n[steps.assemble.settings]\nencoding = \"auto\"\n";

/// Stems of names: what people, programs and other systems put into them.
fn stems() -> Vec<String> {
    let plain = [
        "plain",
        "two\nlines",
        "tab\there",
        "carriage\rreturn",
        "escape\u{1b}[31m",
        "back\\slash",
        "\\",
        "single'quote",
        "double\"quote",
        "-leading dash",
        " blanks ",
        "trailing dot.",
        "a..b",
        "~tilde",
        "50%0A",
        "a%2Fb",
        "hash #2",
        "star * and ?",
        "[brackets] {braces}",
        "$(command) `ticks` & ; |",
        "שלום עולם",
        "\u{202e}gnp.mp4",
        "e\u{301} and é",
        "日本語 🎬",
        "CON",
        "name:with:colons",
    ];
    plain.into_iter().map(str::to_owned).collect()
}

/// Paths below a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let all = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    let files = all.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Runs the pipeline over a source; the names of its artifacts.
fn assembled(work: &Path, source: &Path) -> (PathBuf, BTreeSet<String>) {
    let (pipeline, output) = (work.join("names.toml"), work.join("out"));
    std::fs::write(&pipeline, PIPELINE).unwrap();
    run_with(source, &pipeline, &output, &[]);
    digest(&output);
    let artifacts = files(&output.join("artifacts/assemble"));
    let exported = work.join("masks");
    let ran = framefleet([
        "export".as_ref(),
        output.as_os_str(),
        "--to".as_ref(),
        "masks".as_ref(),
        "-o".as_ref(),
        exported.as_os_str(),
    ]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    (output, artifacts)
}

#[test]
fn films_are_called_as_their_sources() {
    let work = folder();
    let source = work.path().join("films");
    std::fs::create_dir(&source).unwrap();
    let clip = work.path().join("clip.mp4");
    Clip::new(64, 48, 3).write(&clip, |frame| numbered(64, 48, frame)).unwrap();
    // As long as a name may be, in bytes.
    let names: BTreeSet<String> = stems()
        .into_iter()
        .chain(["y".repeat(250), "z".repeat(251), "é".repeat(125)])
        .map(|stem| format!("{stem}.mp4"))
        .collect();
    for name in &names {
        std::fs::copy(&clip, source.join(name)).unwrap();
    }
    let (output, films) = assembled(work.path(), &source);
    assert_eq!(films, names);
    let statistics = json(&output, "summary/assemble.json")["statistics"]["films"].clone();
    assert_eq!(statistics.as_object().unwrap().len(), names.len());
    // Every film has a folder of pictures of masks.
    let exported = files(&work.path().join("masks"));
    let folders: BTreeSet<&str> =
        exported.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    assert_eq!(folders.len(), names.len());
}

#[test]
fn images_are_called_as_their_sources() {
    let work = folder();
    let source = work.path().join("images");
    std::fs::create_dir(&source).unwrap();
    let names: BTreeSet<String> =
        stems().into_iter().chain(["y".repeat(250), "z".repeat(251)]).map(|stem| format!("{stem}.png")).collect();
    for (number, name) in names.iter().enumerate() {
        let path = work.path().join("image.png");
        write_image(&path, &numbered(64, 48, number as u64)).unwrap();
        std::fs::rename(path, source.join(name)).unwrap();
    }
    let (_, images) = assembled(work.path(), &source);
    let expected: BTreeSet<String> = names.iter().map(|name| format!("images/{name}")).collect();
    assert_eq!(images, expected);
    let exported = files(&work.path().join("masks"));
    let pictures = exported.iter().filter(|path| path.ends_with(".png")).count();
    assert_eq!(pictures, names.len(), "one mask each, whatever is too long for its name");
}
