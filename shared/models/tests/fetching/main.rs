//! Fetching models: from a web server, out of packages, into a cache that several processes share.
#![cfg(test)]

mod access;
mod cache;
mod catalogue;
mod convert;
mod download;
mod mirror;
mod packages;
mod server;
mod space;

use framefleet_models::{Cache, Catalogue, Installed, Model, ModelError, Puller, Sha256, Silent};
use std::path::Path;
use tempfile::TempDir;

/// Bytes that do not repeat within what tests use.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// An empty cache, and the folder that goes with it.
fn empty_cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("cache"));
    (folder, cache)
}

/// An entry with one file, `weights.bin`.
fn entry(id: &str, size: Option<usize>, sha256: &str, from: &str) -> String {
    let size = size.map_or_else(String::new, |size| format!("size = {size}, "));
    format!(
        "[[model]]\nid = \"{id}\"\nrole = \"test\"\nabout = \"a test\"\narchitecture = \"none\"\nlicence = \"MIT\"\ncommercial_use = \"yes\"\n\
         files = [{{ name = \"weights.bin\", {size}sha256 = \"{sha256}\", from = {{ {from} }} }}]\n"
    )
}

/// A catalogue of this text alone.
fn catalogue(text: &str) -> Catalogue {
    Catalogue::of_text(text, Path::new("/catalogues/test.toml")).unwrap()
}

/// The model `m`, at an address, known exactly.
fn at_url(url: &str, content: &[u8]) -> Model {
    let text = entry("m", Some(content.len()), &Sha256::of(content).to_string(), &format!("url = \"{url}\""));
    catalogue(&text).get("m").unwrap().clone()
}

fn pull(cache: &Cache, model: &Model) -> Result<Installed, ModelError> {
    Puller::new(cache, &Silent).pull(model)
}

/// What a model that has to be there holds.
fn installed(cache: &Cache, model: &Model) -> Vec<u8> {
    std::fs::read(cache.installed(model).unwrap().path()).unwrap()
}
