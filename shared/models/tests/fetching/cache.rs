//! What is in the cache is what it should be, or an error says what is wrong and how to fix it.
use crate::{catalogue, content, empty_cache, entry, installed, pull};
use framefleet_models::{Cache, Mismatch, Model, ModelError, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A model of one file that lies on this machine.
fn local(folder: &Path, data: &[u8]) -> Model {
    let path = folder.join("source.bin");
    std::fs::write(&path, data).unwrap();
    let text = entry("m", Some(data.len()), &Sha256::of(data).to_string(), &format!("path = \"{}\"", path.display()));
    catalogue(&text).get("m").unwrap().clone()
}

fn file(cache: &Cache, model: &Model) -> PathBuf {
    cache.path(model.digest().unwrap()).join("weights.bin")
}

/// Turns one bit, and leaves length and time of modification as they are.
fn flip(path: &Path, at: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at as usize] ^= 1;
    let before = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes[at as usize..=at as usize]).unwrap();
    file.set_modified(before).unwrap();
}

#[test]
fn a_missing_model_says_the_command_that_fetches_it() {
    let (folder, cache) = empty_cache();
    let model = local(folder.path(), b"weights");
    let error = cache.installed(&model).unwrap_err().to_string();
    assert!(error.contains("model m is not installed") && error.contains("`framefleet models pull m`"), "{error}");
}

#[test]
fn a_flipped_byte_is_refused_by_name_and_a_pull_mends_it() {
    let (folder, cache) = empty_cache();
    let data = content(50_000);
    let model = local(folder.path(), &data);
    pull(&cache, &model).unwrap();
    let path = file(&cache, &model);
    for at in [0, 25_000, 49_999] {
        flip(&path, at);
        let error = cache.installed(&model).unwrap_err();
        let is_digest = matches!(&error, ModelError::Damaged { damage: Mismatch::Digest { .. }, .. });
        let text = error.to_string();
        assert!(is_digest && text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("model m") && text.contains("`framefleet models pull m`"), "{text}");
        assert!(cache.verify(&model).is_err());
        pull(&cache, &model).unwrap();
        assert_eq!(installed(&cache, &model), data);
    }
}

#[test]
fn a_file_that_was_cut_grew_or_vanished_is_refused() {
    let (folder, cache) = empty_cache();
    let model = local(folder.path(), &content(1000));
    pull(&cache, &model).unwrap();
    let path = file(&cache, &model);
    for length in [999, 1001, 0] {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let error = cache.installed(&model).unwrap_err();
        let size = Mismatch::Size { expected: 1000, found: length };
        assert!(matches!(&error, ModelError::Damaged { damage, .. } if *damage == size), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(cache.installed(&model), Err(ModelError::NotInstalled { .. })));
    pull(&cache, &model).unwrap();
    assert!(cache.verify(&model).is_ok());
}

/// Gigabytes are not hashed at every start: an unchanged file is believed to be what it was.
#[test]
fn an_unchanged_file_is_hashed_once() {
    let (folder, cache) = empty_cache();
    let model = local(folder.path(), &content(1000));
    pull(&cache, &model).unwrap();
    let memo = cache.path(model.digest().unwrap()).join(".hashed.json");
    let remembered = std::fs::read_to_string(&memo).unwrap();
    let forged = remembered.replace(&model.digest().unwrap().to_string(), &Sha256::of(b"forged").to_string());
    assert_ne!(remembered, forged);
    std::fs::write(&memo, forged).unwrap();
    assert!(cache.installed(&model).is_err(), "the memo is what was read, not the file");
    assert!(cache.verify(&model).is_ok(), "verify reads the file");
    assert!(cache.installed(&model).is_ok(), "and sets the memo right");
    std::fs::write(&memo, "{").unwrap();
    assert!(cache.installed(&model).is_ok(), "a memo that cannot be read is none");
}

#[test]
fn a_local_file_that_is_something_else_is_not_installed() {
    let (folder, cache) = empty_cache();
    let model = local(folder.path(), b"weights");
    std::fs::write(folder.path().join("source.bin"), b"wrights").unwrap();
    let error = pull(&cache, &model).unwrap_err().to_string();
    assert!(error.contains("weights.bin of model m") && error.contains("it was not used"), "{error}");
    assert!(!cache.path(model.digest().unwrap()).exists());
    std::fs::remove_file(folder.path().join("source.bin")).unwrap();
    let error = pull(&cache, &model).unwrap_err().to_string();
    assert!(error.contains("source.bin"), "{error}");
}

#[test]
fn what_a_killed_pull_left_is_swept_in_time() {
    let (folder, cache) = empty_cache();
    let model = local(folder.path(), b"weights");
    let temporary = cache.folder().join("tmp");
    let (old, new) = (temporary.join("old"), temporary.join("new"));
    for left in [&old, &new] {
        std::fs::create_dir_all(left).unwrap();
        std::fs::write(left.join("half"), b"half").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
    File::open(&old).unwrap().set_modified(long_ago).unwrap();
    pull(&cache, &model).unwrap();
    assert!(!old.exists(), "nobody works there any more");
    assert!(new.exists(), "somebody may be working there");
}

#[test]
fn several_files_have_a_digest_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    let mut text =
        entry("pair", None, &Sha256::of(b"a").to_string(), "path = \"a\"").replace("\"weights.bin\"", "\"a\"");
    let second = format!("{{ name = \"b\", sha256 = \"{}\", from = {{ path = \"b\" }} }}", Sha256::of(b"b"));
    text = text.replace(" }]\n", &format!(" }}, {second}]\n"));
    for name in ["a", "b"] {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let catalogue = framefleet_models::Catalogue::of_text(&text, &folder.path().join("c.toml")).unwrap();
    let model = catalogue.get("pair").unwrap();
    let there = pull(&cache, model).unwrap();
    assert_eq!(there.files.len(), 2);
    assert_eq!(std::fs::read(there.file("b").unwrap()).unwrap(), b"b");
    assert!(there.files.iter().all(|file| file.sha256 != there.digest));
    assert_eq!(there.files[0].path.parent(), there.files[1].path.parent(), "libraries find each other there");
}
