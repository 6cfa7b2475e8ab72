use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ee_audit::sink::{
    AuditSink as _, DeliveryErrorKind, HttpConfig, HttpSink, SinkHealth, SinkOptions,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    http::sink,
    receiver::{Answer, Receiver},
    tls::Authority,
    world::{World, entries, until},
};

/// Short times, so that tests need not wait.
fn quick() -> SinkOptions {
    let mut options = SinkOptions::default();
    options.batch_events = 20;
    options.poll = Duration::from_millis(20);
    options.retry_min = Duration::from_millis(2);
    options.retry_max = Duration::from_millis(4);
    options.timeout = Duration::from_secs(20);
    options
}

fn world(events: u64) -> World {
    World {
        options: quick(),
        ..World::of(events)
    }
}

fn to(receiver: &Receiver) -> Arc<HttpSink> {
    Arc::new(sink(&HttpConfig::new(receiver.url())))
}

/// The numbers that were received with this answer, each once, in the order of the first time.
fn taken(receiver: &Receiver, is_taken: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut taken = Vec::new();
    for (_, received) in receiver
        .received()
        .iter()
        .enumerate()
        .filter(|(at, _)| is_taken(*at))
    {
        taken.extend(received.seqs());
    }
    let mut seen = HashSet::new();
    taken.retain(|seq| seen.insert(*seq));
    taken
}

#[tokio::test]
async fn whatever_fails_for_now_is_sent_again_in_order() {
    let answers = |_: &_, at| match at {
        0 => Answer::with(429, "retry-after", "0"),
        1 => Answer::status(500),
        2 => Answer::Hang,
        3 => Answer::status(503),
        4 => Answer::status(404),
        _ => Answer::status(200),
    };
    let receiver = Receiver::start(answers).await;
    let mut world = world(50);
    world.options.timeout = Duration::from_millis(500);

    let running = world.run(to(&receiver)).await;
    until("all are saved", || world.state.position() == 50).await;
    running.stop().await;

    assert_eq!(taken(&receiver, |at| at > 4), (1..=50).collect::<Vec<_>>());
    let received = receiver.received();
    let keys: HashSet<&str> = received[..5]
        .iter()
        .map(|it| it.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 1, "the same batch has the same key");
    assert!(world.state.letters().is_empty());
}

#[tokio::test]
async fn one_event_that_is_not_wanted_is_found_in_its_batch() {
    let answers = |received: &super::receiver::Received, _| {
        if received.seqs().contains(&13) {
            Answer::status(422)
        } else {
            Answer::status(200)
        }
    };
    let receiver = Receiver::start(answers).await;
    let world = world(40);

    let running = world.run(to(&receiver)).await;
    until("all are saved", || world.state.position() == 40).await;
    running.stop().await;

    let received = receiver.received();
    let taken = taken(&receiver, |at| !received[at].seqs().contains(&13));
    assert_eq!(taken, (1..=40).filter(|seq| *seq != 13).collect::<Vec<_>>());
    assert_eq!(world.state.letters(), [13]);
    assert_eq!(world.records.actions(), ["audit.sink.deadletter"]);
}

#[tokio::test]
async fn a_receiver_that_does_not_know_us_gets_nothing_more() {
    let receiver = Receiver::start(|_, _| Answer::status(401)).await;
    let world = world(5);

    let running = world.run(to(&receiver)).await;
    until("it is paused", || {
        matches!(running.handle.health(), SinkHealth::Paused { .. })
    })
    .await;
    running.stop().await;

    assert_eq!(receiver.received().len(), 1);
    assert_eq!(world.state.position(), 0);
    assert_eq!(world.records.actions(), ["audit.sink.paused"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Receiver::start(|_, _| Answer::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let target = other.url();
        let receiver = Receiver::start(move |_, _| Answer::with(status, "location", &target)).await;

        let err = to(&receiver).deliver(&entries(1..=1)).await.unwrap_err();

        assert_eq!(err.kind(), DeliveryErrorKind::Later, "{status}");
        assert!(
            err.to_string().contains("redirects are not followed"),
            "{err}"
        );
    }
    assert!(other.received().is_empty());
}

/// Reads a request and returns its body. `None` when the other side is gone.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1)?;
            let length: usize = length.split("\r\n").next()?.trim().parse().ok()?;
            if body.len() >= length {
                return Some(body.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin)) {
    let text = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(text).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_cut_after_a_batch_was_taken_sends_the_same_batch_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
    let (kept, connections) = (Arc::clone(&bodies), Arc::new(AtomicUsize::new(0)));
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
            while let Some(body) = read_request(&mut stream).await {
                kept.lock().unwrap().push(body);
                if is_first {
                    break;
                }
                answer(&mut stream).await;
            }
        }
    });
    let world = world(5);

    let sink = sink(&HttpConfig::new(format!("http://{address}/")));
    let running = world.run(Arc::new(sink)).await;
    until("all are saved", || world.state.position() == 5).await;
    running.stop().await;
    server.abort();

    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1], "the ids tell that it is the same");
}

#[tokio::test]
async fn a_receiver_has_to_prove_who_it_is_before_anything_is_sent() {
    let dir = TempDir::new().unwrap();
    let (ours, others) = (dir.path().join("ours.pem"), dir.path().join("others.pem"));
    let authority = Authority::new();
    authority.write(&ours);
    Authority::new().write(&others);
    let (named, misnamed) = (
        authority.server("localhost"),
        authority.server("example.com"),
    );

    for (acceptor, roots, is_taken) in [
        (&named, Some(&ours), true),
        (&named, Some(&others), false),
        (&named, None, false),
        (&misnamed, Some(&ours), false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let body = read_request(&mut stream).await?;
            answer(&mut stream).await;
            Some(body)
        });
        let mut config = HttpConfig::new(format!("https://localhost:{port}/"));
        config.roots = roots.cloned();

        let delivered = sink(&config).deliver(&entries(1..=1)).await;

        let body = server.await.unwrap();
        assert_eq!(
            (delivered.is_ok(), body.is_some()),
            (is_taken, is_taken),
            "{delivered:?}"
        );
        if let Err(err) = delivered {
            assert_eq!(err.kind(), DeliveryErrorKind::Later);
            assert!(err.to_string().contains("certificate"), "{err}");
        }
    }
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_said_to_be_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let sink = sink(&HttpConfig::new(format!("http://{address}/in?key=secret")));
    let err = sink.deliver(&entries(1..=1)).await.unwrap_err();

    assert_eq!(err.kind(), DeliveryErrorKind::Later);
    assert!(err.to_string().starts_with("cannot connect: "), "{err}");
    assert!(!err.to_string().contains("secret"), "{err}");
}
