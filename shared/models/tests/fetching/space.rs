//! What fetching takes is known before it begins.
use crate::server::{Server, good};
use crate::{at_url, catalogue, content, empty_cache, entry};
use framefleet_models::{Model, ModelError, Puller, Sha256, Silent};

#[test]
fn a_plan_says_models_bytes_and_space() {
    let data = content(40_000);
    let served = data.clone();
    let server = Server::start(move |_, request, stream| good(request, stream, &served));
    let (_folder, cache) = empty_cache();
    let known = at_url(&server.url("f"), &data);
    let unknown = catalogue(&entry("u", None, &Sha256::of(b"u").to_string(), "url = \"https://example.org/u\""));
    let unknown = unknown.get("u").unwrap();
    let puller = Puller::new(&cache, &Silent);
    let plan = puller.plan(&[&known, unknown]).unwrap();
    assert_eq!((plan.models.len(), plan.bytes, plan.at_least), (2, 40_000, true));
    assert!(plan.free > 40_000);
    assert!(server.requests().is_empty());

    // What an interrupted download left is not fetched again.
    std::fs::create_dir_all(cache.folder().join("downloads")).unwrap();
    std::fs::write(cache.folder().join("downloads").join(Sha256::of(&data).to_string()), &data[..15_000]).unwrap();
    let plan = puller.plan(&[&known]).unwrap();
    assert_eq!((plan.bytes, plan.at_least), (25_000, false));
    puller.pull(&known).unwrap();
    let plan = puller.plan(&[&known]).unwrap();
    assert!(plan.models.is_empty() && plan.bytes == 0, "it is here");
}

#[test]
fn a_disk_that_is_too_small_is_said_before_anything_is_fetched() {
    // As many of the largest files as no disk holds.
    let entries: String = (0..400)
        .map(|number| {
            let digest = Sha256::of(format!("{number}").as_bytes()).to_string();
            let from = format!("url = \"http://127.0.0.1:9/{number}\"");
            entry(&format!("m{number}"), Some(64 << 30), &digest, &from)
        })
        .collect();
    let catalogue = catalogue(&entries);
    let models: Vec<&Model> = catalogue.models().iter().collect();
    let (_folder, cache) = empty_cache();
    let error = Puller::new(&cache, &Silent).plan(&models).unwrap_err();
    let text = error.to_string();
    let needed = (400_u64 * (64 << 30)).to_string();
    assert!(matches!(error, ModelError::DiskFull { .. }) && text.contains(&needed), "{text}");
    assert!(text.contains(&cache.folder().display().to_string()) && text.contains("--cache"), "{text}");
    assert!(!cache.folder().exists(), "nothing was written");
}
