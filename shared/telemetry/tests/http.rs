//! The server as Prometheus and Kubernetes see it: over a socket.
#![cfg(test)]

use framefleet_telemetry::{Health, Metrics, MetricsError, metric, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Status and whole answer of a request.
async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer)
}

// One test: a process collects its metrics once.
#[tokio::test]
async fn a_process_answers_until_it_is_told_to_stop() {
    let metrics = Metrics::install().unwrap();
    assert!(matches!(Metrics::install(), Err(MetricsError::Twice)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let health = Health::default();
    let server = tokio::spawn(serve(listener, metrics, health.clone(), Some(Arc::new(|| "[]".to_owned())), async {
        stopped.await.unwrap()
    }));

    let (status, answer) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(answer.ends_with("starting\n"), "{answer}");
    assert_eq!(get(address, "/livez").await.0, 200, "not ready is no reason for a restart");
    health.ready();
    assert_eq!(get(address, "/readyz").await.0, 200);
    assert_eq!(get(address, "/elsewhere").await.0, 404);

    metric::task_ended("lighting", metric::TaskResult::Done, Duration::from_millis(2));
    let (status, answer) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("\nff_tasks_total{stage=\"lighting\",result=\"done\"} 1\n"), "{answer}");

    health.failed("the device is gone");
    health.ready();
    assert_eq!(get(address, "/readyz").await.0, 503);
    let (status, answer) = get(address, "/livez").await;
    assert_eq!(status, 503);
    assert!(answer.ends_with("the device is gone\n"), "{answer}");

    // A client that stops in the middle of its request does not keep the process. (The one after it shows that it was let in.)
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
    assert_eq!(get(address, "/metrics").await.0, 200);
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
