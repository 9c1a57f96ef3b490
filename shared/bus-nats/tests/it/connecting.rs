//! What does not serve us is found when connecting, and said so that somebody can put it right.
use crate::fleet::{self, options};
use framefleet_bus::{Bus, BusError, Message, Subject};
use framefleet_bus_nats::{Credentials, NatsBus, NatsOptions, NatsServer, ServerOptions, Tls};
use framefleet_testkit::FaultProxy;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn server(configuration: &str) -> (NatsServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = ServerOptions { configuration: configuration.to_owned(), ..ServerOptions::new(folder.path()) };
    (NatsServer::start(options).unwrap(), folder)
}

/// Connects, and tries a message there and back.
async fn works(options: NatsOptions) {
    let bus = NatsBus::connect(options).await.unwrap();
    let subject = Subject::task("stage", "class");
    bus.publish(Message { subject: subject.clone(), id: "1".to_owned(), payload: "work".into() }).await.unwrap();
    bus.inbox(&subject).await.unwrap().lease().await.unwrap().ack().await.unwrap();
}

/// The refusal, which has to come before anybody loses patience.
async fn refusal(options: NatsOptions) -> String {
    let start = Instant::now();
    match NatsBus::connect(options).await.map(drop) {
        Err(BusError::Refused(why)) if start.elapsed() < Duration::from_secs(10) => why,
        answer => panic!("not refused, but {answer:?}"),
    }
}

async fn unreachable(options: NatsOptions) -> String {
    let start = Instant::now();
    let options = NatsOptions { connect_within: Duration::from_millis(1500), ..options };
    let Err(BusError::Unreachable(why)) = NatsBus::connect(options).await else { panic!("reached") };
    assert!(start.elapsed() < Duration::from_secs(20), "unbounded");
    why
}

#[tokio::test]
async fn nobody_there_is_unreachable_after_a_bounded_time() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let why = unreachable(options(format!("nats://user:secret@127.0.0.1:{free}"))).await;
    assert!(why.contains(&format!("127.0.0.1:{free}")) && why.contains("is nats-server running"), "{why}");
    assert!(!why.contains("secret"), "{why}");
}

#[tokio::test]
async fn one_who_accepts_and_says_nothing_is_unreachable_after_a_bounded_time() {
    let proxy = FaultProxy::start(1).unwrap();
    proxy.half_open();
    unreachable(options(format!("127.0.0.1:{}", proxy.port()))).await;
}

#[tokio::test]
async fn a_server_that_comes_while_connecting_is_found() {
    let mut server = fleet::server();
    server.0.kill();
    let connecting = tokio::spawn(NatsBus::connect(options(server.0.url())));
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.0.restart().unwrap();
    connecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    assert!(refusal(options("nats://[oops")).await.contains("host:port"));
    assert!(refusal(NatsOptions { urls: Vec::new(), ..options("") }).await.contains("no address"));
    assert!(refusal(NatsOptions { namespace: "a.b".to_owned(), ..options("localhost") }).await.contains("namespace"));
}

#[tokio::test]
async fn passwords_open_and_wrong_ones_are_refused() {
    let (server, _folder) = server("authorization { user: worker, password: right }");
    let as_user =
        |user: &str, password: &str| Credentials::Password { user: user.to_owned(), password: password.to_owned() };
    works(NatsOptions { credentials: as_user("worker", "right"), ..options(server.url()) }).await;
    for credentials in [
        as_user("worker", "wrong-one"),
        as_user("nobody", "right"),
        Credentials::Token("right".to_owned()),
        Credentials::None,
    ] {
        let why = refusal(NatsOptions { credentials, ..options(server.url()) }).await;
        assert!(why.contains("refuses these credentials") && !why.contains("wrong-one"), "{why}");
    }
}

#[tokio::test]
async fn tokens_open() {
    let (server, _folder) = server("authorization { token: right }");
    works(NatsOptions { credentials: Credentials::Token("right".to_owned()), ..options(server.url()) }).await;
    refusal(NatsOptions { credentials: Credentials::Token("wrong".to_owned()), ..options(server.url()) }).await;
}

/// Two key pairs made for this test.
const NKEYS: [(&str, &str); 2] = [
    (
        "SUAG7ZULX2VTVZVJTQBQ7GCMD72YIJ5UUIHFPUI7L64WVWK6RGFNO3SUVM",
        "UDRYG7PWT4W4LYFBUP33KR7TIG2MDUXLT6ADONU63WEEXEWOYJLYKXI3",
    ),
    (
        "SUAFM5WNDKBKBF6U2N6FEYU7KI3I3QRIY5VBBGOXFHQZXLCH37P4DVC574",
        "UBFCSHI5I2TRUQEK2NYHK7MIZHNTVY75KCKXLNNPO3WQ2B536SOYSKGG",
    ),
];

#[tokio::test]
async fn nkeys_open() {
    let (server, folder) = server(&format!("authorization {{ users: [ {{ nkey: {} }} ] }}", NKEYS[0].1));
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Credentials::NkeyFile(path)
    };
    works(NatsOptions { credentials: file("right", &format!("{}\n", NKEYS[0].0)), ..options(server.url()) }).await;
    refusal(NatsOptions { credentials: file("wrong", NKEYS[1].0), ..options(server.url()) }).await;
    refusal(NatsOptions { credentials: file("nonsense", "nonsense"), ..options(server.url()) }).await;
}

#[tokio::test]
async fn files_that_are_not_there_are_named() {
    let missing = PathBuf::from("/nowhere/at-all");
    let url = fleet::shared().url();
    for credentials in [Credentials::CredentialsFile(missing.clone()), Credentials::NkeyFile(missing.clone())] {
        let why = refusal(NatsOptions { credentials, ..options(url.clone()) }).await;
        assert!(why.contains("/nowhere/at-all"), "{why}");
    }
    let tls = Tls { authority: Some(missing), ..Tls::default() };
    assert!(refusal(NatsOptions { tls, ..options(url) }).await.contains("/nowhere/at-all"));
}

/// A certificate or key made for this test, good for a hundred years.
fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

#[tokio::test]
async fn tls_with_certificates_on_both_sides() {
    let (certificate, key, authority) = (tls_file("server.pem"), tls_file("server.key"), tls_file("ca.pem"));
    let (server, _folder) = server(&format!(
        "tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {authority:?}, verify: true }}"
    ));
    let ours = Some((tls_file("client.pem"), tls_file("client.key")));
    let tls = Tls { required: true, authority: Some(authority.clone()), client: ours };
    works(NatsOptions { tls: tls.clone(), ..options(server.url()) }).await;
    let stranger = Tls { authority: None, ..tls };
    let why = refusal(NatsOptions { tls: stranger, ..options(server.url()) }).await;
    assert!(why.contains("TLS"), "{why}");
}

#[tokio::test]
async fn tls_that_the_server_does_not_speak_is_refused() {
    let tls = Tls { required: true, ..Tls::default() };
    let why = refusal(NatsOptions { tls, ..options(fleet::shared().url()) }).await;
    assert!(why.contains("TLS"), "{why}");
}

#[tokio::test]
async fn a_server_without_jetstream_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = NatsServer::start(ServerOptions { jetstream: false, ..ServerOptions::new(folder.path()) }).unwrap();
    let why = refusal(options(server.url())).await;
    assert!(why.contains("JetStream is not enabled") && why.contains("-js"), "{why}");
}

#[tokio::test]
async fn an_account_without_jetstream_is_refused() {
    let (server, _folder) = server(
        "accounts { A { jetstream: enabled, users: [ { user: a, password: a } ] }, B { users: [ { user: b, password: b } ] } }",
    );
    let credentials = Credentials::Password { user: "b".to_owned(), password: "b".to_owned() };
    let why = refusal(NatsOptions { credentials, ..options(server.url()) }).await;
    assert!(why.contains("JetStream is not enabled") && why.contains("account"), "{why}");
}

/// Trap 1: a small `max_payload` would disconnect us at the first large message.
#[tokio::test]
async fn a_small_max_payload_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = NatsServer::start(ServerOptions { max_payload: 1000, ..ServerOptions::new(folder.path()) }).unwrap();
    let why = refusal(options(server.url())).await;
    assert!(why.contains("takes 1000 bytes") && why.contains("max_payload to 1048576"), "{why}");
}

/// Old servers ignore what they do not know (ingest limits, filters), silently.
#[tokio::test]
async fn an_old_server_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let info = "INFO {\"server_id\":\"X\",\"version\":\"2.9.10\",\"proto\":1,\"headers\":true,\"max_payload\":8388608}\r\n";
        stream.write_all(info.as_bytes()).unwrap();
        let mut bytes = [0; 4096];
        while let Ok(1..) = stream.read(&mut bytes) {
            if stream.write_all(b"PONG\r\n").is_err() {
                return;
            }
        }
    });
    let why = refusal(options(format!("127.0.0.1:{port}"))).await;
    assert!(why.contains("2.9.10") && why.contains("too old"), "{why}");
}
