//! Servers that fail in every way they do.
use crate::server::{Server, broken, good, part, send, whole};
use crate::{at_url, catalogue, content, empty_cache, entry, installed, pull};
use framefleet_models::{Cache, Mismatch, ModelError, Puller, Sha256, Silent};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const LENGTH: usize = 300_000;

#[test]
fn a_file_is_fetched_once_and_is_what_was_served() {
    let data = content(LENGTH);
    let served = data.clone();
    let server = Server::start(move |_, request, stream| good(request, stream, &served));
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("weights.bin"), &data);
    let there = pull(&cache, &model).unwrap();
    assert_eq!(there.digest, Sha256::of(&data));
    assert_eq!(there.file("weights.bin"), Some(there.path()));
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(pull(&cache, &model).unwrap(), there, "what is there is not fetched again");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let data = content(LENGTH);
    let served = data.clone();
    let server = Server::start(move |number, request, stream| match number {
        0 => broken(stream, &served, 100_000),
        1 => part(stream, &served, request.from.unwrap(), 250_000),
        _ => good(request, stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    pull(&cache, &model).unwrap();
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(server.ranges(), [None, Some(100_000), Some(250_000)]);
}

#[test]
fn a_server_that_ignores_ranges_is_asked_for_everything_again() {
    let data = content(LENGTH);
    let served = data.clone();
    let server = Server::start(move |number, _, stream| match number {
        0 => broken(stream, &served, 100_000),
        _ => whole(stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    pull(&cache, &model).unwrap();
    assert_eq!(installed(&cache, &model), data);
}

#[test]
fn a_server_that_stays_broken_is_given_up_and_the_next_pull_goes_on() {
    let data = content(LENGTH);
    let (served, well) = (data.clone(), Arc::new(AtomicBool::new(false)));
    let is_well = well.clone();
    let server = Server::start(move |number, request, stream| match (is_well.load(Ordering::SeqCst), number) {
        (true, _) => good(request, stream, &served),
        (false, 0) => broken(stream, &served, 123_456),
        (false, _) => {}
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    let error = pull(&cache, &model).unwrap_err().to_string();
    assert!(error.contains(&server.url("f")) && error.contains("123456 of 300000 bytes are here"), "{error}");
    assert!(error.contains("run the same command again"), "{error}");
    assert!(matches!(cache.installed(&model), Err(ModelError::NotInstalled { .. })), "half a model is none");
    well.store(true, Ordering::SeqCst);
    let before = server.requests().len();
    pull(&cache, &model).unwrap();
    assert_eq!(server.ranges()[before..], [Some(123_456)]);
    assert_eq!(installed(&cache, &model), data);
}

#[test]
fn an_answer_that_will_not_change_ends_it_at_once() {
    for (status, says) in [("404 Not Found", "404"), ("403 Forbidden", "account"), ("410 Gone", "out of date")] {
        let server = Server::start(move |_, _, stream| send(stream, status, "Content-Length: 0\r\n", b""));
        let (_folder, cache) = empty_cache();
        let error = pull(&cache, &at_url(&server.url("f"), b"weights")).unwrap_err();
        assert!(matches!(&error, ModelError::Download { .. }) && error.to_string().contains(says), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn a_busy_server_is_asked_again() {
    let data = content(1000);
    let served = data.clone();
    let server = Server::start(move |number, request, stream| match number {
        0 => send(stream, "503 Service Unavailable", "Content-Length: 0\r\n", b""),
        1 => send(stream, "429 Too Many Requests", "Content-Length: 0\r\n", b""),
        _ => good(request, stream, &served),
    });
    let (_folder, cache) = empty_cache();
    pull(&cache, &at_url(&server.url("f"), &data)).unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_redirect_is_followed_with_its_range() {
    let data = content(LENGTH);
    let served = data.clone();
    let server = Server::start(move |number, request, stream| match (request.path.as_str(), number) {
        ("/old", _) => send(stream, "302 Found", "Location: /new\r\nContent-Length: 0\r\n", b""),
        (_, 1) => broken(stream, &served, 5000),
        _ => good(request, stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("old"), &data);
    pull(&cache, &model).unwrap();
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(server.ranges(), [None, None, Some(5000), Some(5000)]);
}

#[test]
fn another_length_than_stated_is_refused_before_it_is_fetched() {
    let server = Server::start(|_, request, stream| good(request, stream, &content(2000)));
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &content(1000));
    let error = pull(&cache, &model).unwrap_err();
    let size = Mismatch::Size { expected: 1000, found: 2000 };
    assert!(matches!(&error, ModelError::Mismatch { mismatch, .. } if *mismatch == size), "{error}");
}

#[test]
fn a_body_without_end_is_cut_off() {
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK", "", b"");
        while std::io::Write::write_all(stream, &[7; 4096]).is_ok() {}
    });
    let (folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &content(10_000));
    let error = pull(&cache, &model).unwrap_err();
    assert!(matches!(&error, ModelError::Mismatch { mismatch: Mismatch::Size { .. }, .. }), "{error}");
    assert!(bytes_below(folder.path()) < 200_000, "what came is not kept");
}

#[test]
fn another_content_than_stated_is_refused_and_not_kept() {
    let data = content(1000);
    let (mut other, served) = (data.clone(), data.clone());
    other[500] ^= 1;
    let server = Server::start(move |number, request, stream| match number {
        0 => whole(stream, &other),
        _ => good(request, stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    let error = pull(&cache, &model).unwrap_err();
    assert!(matches!(&error, ModelError::Mismatch { mismatch: Mismatch::Digest { .. }, .. }), "{error}");
    assert!(matches!(cache.installed(&model), Err(ModelError::NotInstalled { .. })));
    pull(&cache, &model).unwrap();
    assert_eq!(server.ranges(), [None, None], "the second pull begins anew");
}

#[test]
fn pieces_of_two_versions_are_thrown_away_and_fetched_anew() {
    let data = content(LENGTH);
    let (older, served) = (vec![9; LENGTH], data.clone());
    let server = Server::start(move |number, request, stream| match number {
        0 => broken(stream, &older, 100_000),
        _ => good(request, stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    pull(&cache, &model).unwrap();
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(server.ranges(), [None, Some(100_000), None]);
}

#[test]
fn a_server_that_sends_another_range_or_none_is_asked_from_the_start() {
    for wrong in [0, 1] {
        let data = content(LENGTH);
        let served = data.clone();
        let server = Server::start(move |number, request, stream| match (number, wrong) {
            (0, _) => broken(stream, &served, 100_000),
            (1, 0) => part(stream, &served, 50_000, LENGTH),
            (1, _) => send(stream, "416 Range Not Satisfiable", "Content-Length: 0\r\n", b""),
            _ => good(request, stream, &served),
        });
        let (_folder, cache) = empty_cache();
        let model = at_url(&server.url("f"), &data);
        pull(&cache, &model).unwrap();
        assert_eq!(installed(&cache, &model), data);
        assert_eq!(server.ranges(), [None, Some(100_000), None]);
    }
}

#[test]
fn nobody_there_is_said_with_what_to_do() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_folder, cache) = empty_cache();
    let error = pull(&cache, &at_url(&format!("http://{address}/f"), b"weights")).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("check the network"), "{error}");
}

#[test]
fn offline_asks_nobody() {
    let server = Server::start(|_, request, stream| good(request, stream, b"weights"));
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), b"weights");
    let error = Puller::new(&cache, &Silent).offline(true).pull(&model).unwrap_err();
    assert!(matches!(&error, ModelError::Offline { .. }) && error.to_string().contains("--offline"), "{error}");
    assert!(server.requests().is_empty());
    pull(&cache, &model).unwrap();
    Puller::new(&cache, &Silent).offline(true).pull(&model).unwrap();
}

#[test]
fn two_pulls_at_once_fetch_once_and_both_have_it() {
    let data = content(LENGTH);
    let served = data.clone();
    let server = Server::start(move |_, request, stream| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        good(request, stream, &served);
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // A cache of its own, as another process has.
            scope.spawn(|| pull(&Cache::new(cache.folder()), &model).unwrap());
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(installed(&cache, &model), data);
}

#[test]
fn a_file_whose_digest_nobody_stated_is_not_fetched() {
    let server = Server::start(|_, request, stream| good(request, stream, b"weights"));
    let (_folder, cache) = empty_cache();
    let mut catalogue = catalogue(&entry("m", None, "unknown", &format!("url = \"{}\"", server.url("f"))));
    for attempt in [pull(&cache, catalogue.get("m").unwrap()), cache.installed(catalogue.get("m").unwrap())] {
        let error = attempt.unwrap_err().to_string();
        assert!(error.contains("framefleet models pull m --sha256 weights.bin=DIGEST"), "{error}");
    }
    assert!(server.requests().is_empty());

    let mut pins = cache.pins().unwrap();
    catalogue.pin("m", None, Sha256::of(b"other"), &mut pins).unwrap();
    let error = pull(&cache, catalogue.get("m").unwrap()).unwrap_err();
    assert!(matches!(&error, ModelError::Mismatch { mismatch: Mismatch::Digest { .. }, .. }), "{error}");
    let error = catalogue.pin("m", None, Sha256::of(b"weights"), &mut pins).unwrap_err().to_string();
    assert!(error.contains("another digest"), "{error}");
}

fn bytes_below(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata().unwrap() {
        metadata if metadata.is_dir() => bytes_below(&entry.path()),
        metadata => metadata.len(),
    };
    entries.map(size).sum()
}
