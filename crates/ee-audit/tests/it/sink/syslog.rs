use std::{path::Path, sync::Arc, time::Duration};

use ee_audit::sink::{
    AuditSink as _, DeliveryError, DeliveryErrorKind, EventFormat, SyslogConfig, SyslogSink,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    time::timeout,
};

use super::{
    file::product,
    tls::Authority,
    world::{World, entries, entry, event, until},
};

fn sink(url: String, roots: Option<&Path>) -> SyslogSink {
    let mut config = SyslogConfig::new(url);
    config.roots = roots.map(Path::to_owned);
    SyslogSink::new(config, product()).unwrap()
}

/// Reads messages to their end, by their lengths.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let mut messages = Vec::new();
    let mut rest = &*bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..at]).ok()?.parse().ok()?;
        let message = rest.get(at + 1..at + 1 + length)?;
        messages.push(String::from_utf8(message.to_vec()).ok()?);
        rest = &rest[at + 1 + length..];
    }
    rest.is_empty().then_some(messages)
}

fn seqs(messages: &[String]) -> Vec<u64> {
    let seq = |message: &String| -> u64 {
        let rest = message.split(" seq=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    messages.iter().map(seq).collect()
}

#[tokio::test]
async fn messages_go_by_their_length_to_a_receiver_that_has_proven_who_it_is() {
    let dir = TempDir::new().unwrap();
    let (ours, others) = (dir.path().join("ours.pem"), dir.path().join("others.pem"));
    let authority = Authority::new();
    authority.write(&ours);
    Authority::new().write(&others);
    let (named, misnamed) = (
        authority.server("localhost"),
        authority.server("example.com"),
    );
    let mut hostile = event("agents.create");
    hostile.actor.id = "line\nbreak ä".to_owned();
    let batch = [
        entry(1, event("agents.create")),
        entry(2, hostile),
        entry(3, event("a.b")),
    ];

    for (acceptor, roots, is_taken) in [
        (&named, Some(&*ours), true),
        (&named, Some(&*others), false),
        (&named, None, false),
        (&misnamed, Some(&*ours), false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let messages = read(&mut stream).await;
            stream.shutdown().await.ok()?;
            messages
        });

        let delivered = sink(format!("tls://localhost:{port}"), roots)
            .deliver(&batch)
            .await;

        let messages = server.await.unwrap().unwrap_or_default();
        assert_eq!(delivered.is_ok(), is_taken, "{delivered:?}");
        assert_eq!(
            seqs(&messages),
            if is_taken { vec![1, 2, 3] } else { vec![] }
        );
        if is_taken {
            assert!(
                messages[0].starts_with("<109>1 2026-01-02T03:04:05.678901Z - mastra-ee - MA-")
            );
            assert!(messages.iter().all(|message| !message.contains('\n')));
            assert!(messages[1].contains("actor=\"line\u{fffd}break ä\""));
            assert!(
                messages[1].contains("] \u{feff}{"),
                "a text with an `ä` says that it is UTF-8"
            );
        }
    }
}

/// What a receiver does with a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Reads to the end and says so.
    Closes,
    /// Reads to the end and goes away without a word, as many do.
    Drops,
    /// Goes away at once, before or after something has arrived.
    Leaves,
    /// Goes away when something has arrived, without reading it.
    Resets,
    /// Says nothing and stays.
    Hangs,
}

async fn deliver_to(end: End) -> Result<(), DeliveryError> {
    let dir = TempDir::new().unwrap();
    let roots = dir.path().join("roots.pem");
    let authority = Authority::new();
    authority.write(&roots);
    let acceptor = authority.server("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        match end {
            End::Closes => {
                read(&mut stream).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            End::Drops => drop(read(&mut stream).await.unwrap()),
            End::Leaves => {}
            End::Resets => stream.get_ref().0.readable().await.unwrap(),
            End::Hangs => std::future::pending().await,
        }
    });
    let sink = sink(format!("tls://localhost:{port}"), Some(&roots));
    let batch = entries(1..=50);
    let longest = match end {
        End::Hangs => Duration::from_millis(100),
        _ => Duration::from_secs(20),
    };
    let delivered = timeout(longest, sink.deliver(&batch)).await;
    server.abort();
    delivered.unwrap_or_else(|_| Err(DeliveryError::later("no answer in time")))
}

/// Syslog has no answer: only the end of the connection says that everything was read.
#[tokio::test]
async fn a_batch_is_taken_when_the_receiver_has_read_to_its_end() {
    assert!(deliver_to(End::Closes).await.is_ok());
    assert!(deliver_to(End::Drops).await.is_ok());
    for end in [End::Leaves, End::Resets, End::Hangs]
        .into_iter()
        .cycle()
        .take(15)
    {
        let err = deliver_to(end).await.unwrap_err();
        assert_eq!(err.kind(), DeliveryErrorKind::Later, "{end:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_restarts_gets_everything_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    let server = tokio::spawn(async move {
        for at in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            // It ends without having read anything: before something has arrived, and after that.
            match at % 3 {
                0 => {}
                1 => {
                    stream.readable().await.unwrap();
                    continue;
                }
                _ => continue,
            }
            let messages = read(&mut stream).await.unwrap();
            kept.lock().unwrap().extend(seqs(&messages));
        }
    });
    let mut world = World::of(100);
    world.options.batch_events = 10;
    world.options.retry_min = Duration::from_millis(2);
    world.options.retry_max = Duration::from_millis(4);

    let running = world
        .run(Arc::new(sink(format!("tcp://localhost:{port}"), None)))
        .await;
    until("all are saved", || world.state.position() == 100).await;
    running.stop().await;
    server.abort();

    assert_eq!(*received.lock().unwrap(), (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn on_this_machine_messages_go_as_datagrams_too() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut config = SyslogConfig::new(format!("udp://127.0.0.1:{port}"));
    config.format = EventFormat::Cef;
    let sink = SyslogSink::new(config, product()).unwrap();

    sink.deliver(&entries(1..=2)).await.unwrap();
    let mut bytes = [0; 4_096];
    for seq in 1..=2 {
        let length = socket.recv(&mut bytes).await.unwrap();
        let message = String::from_utf8(bytes[..length].to_vec()).unwrap();
        assert_eq!(seqs(std::slice::from_ref(&message)), [seq]);
        assert!(message.contains("] CEF:0|"), "{message}");
    }

    let mut config = SyslogConfig::new(format!("udp://127.0.0.1:{port}"));
    config.format = EventFormat::Native;
    let sink = SyslogSink::new(config, product()).unwrap();
    let mut large = event("agents.create");
    large
        .metadata
        .insert("text".to_owned(), "x".repeat(70_000).into());
    let batch = [entry(1, event("agents.create")), entry(2, large)];
    let err = sink.deliver(&batch).await.unwrap_err();
    assert_eq!(
        (err.kind(), err.accepted()),
        (DeliveryErrorKind::Refused, 1)
    );
}
