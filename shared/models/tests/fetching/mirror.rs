//! A folder instead of the network.
use crate::server::{Server, good};
use crate::{at_url, catalogue, content, empty_cache, entry, installed, pull};
use framefleet_models::{Cache, Installed, Model, ModelError, Puller, Sha256, Silent};
use std::path::Path;

fn pull_from(cache: &Cache, model: &Model, folder: &Path) -> Result<Installed, ModelError> {
    Puller::new(cache, &Silent).from_folder(Some(folder))?.pull(model)
}

/// A model at an address that nobody answers.
fn far(data: &[u8]) -> Model {
    at_url("http://127.0.0.1:9/resolve/main/model.onnx", data)
}

#[test]
fn a_file_is_found_by_digest_name_address_or_content() {
    let data = content(30_000);
    let digest = Sha256::of(&data).to_string();
    for name in [digest.as_str(), &format!("sha256-{digest}"), "weights.bin", "model.onnx", "renamed"] {
        let (folder, cache) = empty_cache();
        let below = folder.path().join("usb/some/where");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join("other"), b"something else").unwrap();
        std::fs::write(below.join(name), &data).unwrap();
        let model = far(&data);
        pull_from(&cache, &model, &folder.path().join("usb")).unwrap();
        assert_eq!(installed(&cache, &model), data, "{name}");
    }
}

#[test]
fn another_machines_cache_is_a_mirror() {
    let data = content(30_000);
    let served = data.clone();
    let server = Server::start(move |_, request, stream| good(request, stream, &served));
    let model = at_url(&server.url("f"), &data);
    let (_connected, source) = empty_cache();
    pull(&source, &model).unwrap();
    let (_air_gapped, cache) = empty_cache();
    pull_from(&cache, &model, source.folder()).unwrap();
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(server.requests().len(), 1, "the second machine asked nobody");
}

#[test]
fn a_damaged_file_is_named_and_a_sound_copy_is_preferred() {
    let data = content(30_000);
    let mut damaged = data.clone();
    damaged[10_000] ^= 1;
    let (folder, cache) = empty_cache();
    let mirror = folder.path().join("usb");
    std::fs::create_dir_all(mirror.join("copy")).unwrap();
    std::fs::write(mirror.join("weights.bin"), &damaged).unwrap();
    let model = far(&data);
    let error = pull_from(&cache, &model, &mirror).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::NotInMirror { .. }), "{text}");
    let path = mirror.join("weights.bin").display().to_string();
    assert!(
        ["weights.bin of model m", &path, "another content", "copy it again"].iter().all(|part| text.contains(part)),
        "{text}"
    );
    assert!(matches!(cache.installed(&model), Err(ModelError::NotInstalled { .. })), "nothing was installed");

    std::fs::write(mirror.join("copy/weights.bin"), &data).unwrap();
    pull_from(&cache, &model, &mirror).unwrap();
    assert_eq!(installed(&cache, &model), data);
}

#[test]
fn what_is_not_there_is_said_and_nobody_is_asked() {
    let server = Server::start(|_, request, stream| good(request, stream, b"weights"));
    let (folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), b"weights");
    let text = pull_from(&cache, &model, folder.path()).unwrap_err().to_string();
    assert!(text.contains(&Sha256::of(b"weights").to_string()) && text.contains("copy it there"), "{text}");
    assert!(server.requests().is_empty(), "a mirror stands for a machine without network");
    let absent = pull_from(&cache, &model, &folder.path().join("absent")).unwrap_err().to_string();
    assert!(absent.contains("absent"), "{absent}");
}

/// Packages lie there as their registries distribute them, or their files lie there taken out.
#[test]
fn packages_and_what_is_in_them_are_found() {
    let data = content(5000);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a/weights.bin", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, &data).unwrap();
    let package = zip.finish().unwrap().into_inner();
    let text = format!(
        "[archives.p]\npypi = \"thing\"\nversion = \"1\"\nsize = {}\nsha256 = \"{}\"\n{}",
        package.len(),
        Sha256::of(&package),
        entry("m", Some(data.len()), &Sha256::of(&data).to_string(), "archive = \"p\", path = \"a/weights.bin\"")
    );
    let catalogue = catalogue(&text);
    let model = catalogue.get("m").unwrap();
    for (name, bytes) in [("thing-1-py3-none-any.whl", &package), ("taken-out", &data)] {
        let (folder, cache) = empty_cache();
        let mirror = folder.path().join("usb");
        std::fs::create_dir(&mirror).unwrap();
        std::fs::write(mirror.join(name), bytes).unwrap();
        pull_from(&cache, model, &mirror).unwrap();
        assert_eq!(installed(&cache, model), data, "{name}");
    }
}
