//! Addresses that want an account, and addresses that lead elsewhere.
use crate::server::{Request, Server, broken, good, send, whole};
use crate::{at_url, content, empty_cache, installed};
use framefleet_models::{Cache, Installed, Model, ModelError, Puller, Silent, Token};
use std::net::TcpStream;

const SECRET: &str = "hf_secretsecretsecret";

/// The token of this machine's own servers, where there is one.
fn token(value: Option<&str>) -> Token {
    Token::new("127.0.0.1", "TEST_TOKEN", value)
}

fn pull(cache: &Cache, model: &Model, value: Option<&str>) -> Result<Installed, ModelError> {
    Puller::new(cache, &Silent).with_token(token(value)).pull(model)
}

/// Answers who has the token, and refuses others.
fn gated(request: &Request, stream: &mut TcpStream, data: &[u8], otherwise: &str) {
    match request.authorization.as_deref() == Some(&format!("Bearer {SECRET}")) {
        true => good(request, stream, data),
        false => send(stream, otherwise, "Content-Length: 0\r\n", b""),
    }
}

#[test]
fn a_gated_file_says_what_to_do_and_comes_with_a_token() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let data = content(5000);
        let served = data.clone();
        let server = Server::start(move |_, request, stream| gated(request, stream, &served, status));
        let (_folder, cache) = empty_cache();
        let model = at_url(&server.url("f"), &data);

        let error = pull(&cache, &model, None).unwrap_err().to_string();
        let says = ["wants an account", "accept its terms on 127.0.0.1", "set TEST_TOKEN", &status[..3]];
        assert!(says.iter().all(|part| error.contains(part)), "{error}");
        assert_eq!(server.requests().len(), 1, "it is not asked again");

        let error = pull(&cache, &model, Some("hf_wrong")).unwrap_err().to_string();
        assert!(error.contains("the token in TEST_TOKEN was not accepted") && !error.contains("hf_wrong"), "{error}");

        pull(&cache, &model, Some(SECRET)).unwrap();
        assert_eq!(installed(&cache, &model), data);
    }
}

#[test]
fn a_token_is_never_shown_and_goes_to_its_own_host_alone() {
    assert!(!format!("{:?}", token(Some(SECRET))).contains(SECRET));
    let data = content(1000);
    let served = data.clone();
    let server = Server::start(move |_, request, stream| good(request, stream, &served));
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    let other = Token::new("huggingface.co", "HF_TOKEN", Some(SECRET));
    Puller::new(&cache, &Silent).with_token(other).pull(&model).unwrap();
    assert_eq!(server.requests()[0].authorization, None);
}

#[test]
fn a_redirect_to_storage_of_another_host_leaves_the_token_behind() {
    let data = content(50_000);
    let served = data.clone();
    let storage = Server::start(move |number, request, stream| match number {
        0 => broken(stream, &served, 20_000),
        _ => good(request, stream, &served),
    });
    // The same machine by another name.
    let elsewhere = storage.url("blob").replace("127.0.0.1", "localhost");
    let server = Server::start(move |_, request, stream| match request.path.as_str() {
        // Relative at first, then to another host.
        "/f" => send(stream, "307 Temporary Redirect", "Location: other/f\r\nContent-Length: 0\r\n", b""),
        _ => send(stream, "302 Found", &format!("Location: {elsewhere}\r\nContent-Length: 0\r\n"), b""),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    pull(&cache, &model, Some(SECRET)).unwrap();
    assert_eq!(installed(&cache, &model), data);
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/f", "/other/f", "/f", "/other/f"], "once for each part");
    assert!(server.requests().iter().all(|request| request.authorization.is_some()), "the host itself gets it");
    assert!(storage.requests().iter().all(|request| request.authorization.is_none()), "storage does not");
    assert_eq!(storage.ranges(), [None, Some(20_000)]);
}

#[test]
fn a_redirect_in_circles_ends() {
    let server = Server::start(|_, _, stream| send(stream, "302 Found", "Location: /f\r\nContent-Length: 0\r\n", b""));
    let (_folder, cache) = empty_cache();
    let error = pull(&cache, &at_url(&server.url("f"), b"weights"), None).unwrap_err().to_string();
    assert!(error.contains("redirects"), "{error}");
    assert!(server.requests().len() < 20);
}

#[test]
fn two_cuts_and_a_server_without_ranges_end_well() {
    let data = content(200_000);
    let served = data.clone();
    let server = Server::start(move |number, _, stream| match number {
        0 => broken(stream, &served, 150_000),
        1 => broken(stream, &served, 60_000),
        _ => whole(stream, &served),
    });
    let (_folder, cache) = empty_cache();
    let model = at_url(&server.url("f"), &data);
    pull(&cache, &model, None).unwrap();
    assert_eq!(installed(&cache, &model), data);
    assert_eq!(server.requests().len(), 3);
}
