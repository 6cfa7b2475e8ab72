use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use ee_audit::sink::{AuditSink as _, ConsoleSink, ConsoleStyle};
use ee_core::AuditResource;

use super::world::{entries, entry, event};

/// A terminal that shows only so many bytes before it fails.
#[derive(Clone, Debug, Default)]
struct Terminal {
    room: Arc<Mutex<Option<usize>>>,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn text(&self) -> String {
        String::from_utf8(self.shown.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.room.lock().unwrap();
        let count = room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.shown.lock().unwrap().extend(&bytes[..count]);
        *room = room.map(|room| room - count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_event_is_one_line_whatever_its_names_are() {
    let mut hostile = event("agents.create");
    hostile.resource = Some(AuditResource::new("agent", "a\n\u{1b}[2J\u{202e}\u{85}b"));
    for style in [ConsoleStyle::Json, ConsoleStyle::Pretty] {
        let terminal = Terminal::default();
        let sink = ConsoleSink::to(terminal.clone(), style).unwrap();

        let batch = [entry(1, event("agents.create")), entry(2, hostile.clone())];
        sink.deliver(&batch).await.unwrap();

        let text = terminal.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        if style == ConsoleStyle::Json {
            for (line, entry) in text.lines().zip(batch) {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["id"], entry.record.event.id.to_string());
                assert_eq!(value["seq"], entry.seq);
            }
        }
    }
}

#[tokio::test]
async fn what_was_cut_is_written_again_on_a_line_of_its_own() {
    let terminal = Terminal::default();
    *terminal.room.lock().unwrap() = Some(100);
    let sink = ConsoleSink::to(terminal.clone(), ConsoleStyle::Json).unwrap();

    let err = sink.deliver(&entries(1..=1)).await.unwrap_err();
    assert_eq!(err.kind(), ee_audit::sink::DeliveryErrorKind::Later);
    *terminal.room.lock().unwrap() = None;
    sink.deliver(&entries(1..=1)).await.unwrap();

    let text = terminal.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0].len()), (2, 100));
    assert!(serde_json::from_str::<serde_json::Value>(lines[1]).is_ok());
}

/// Whoever reads the standard output may stop reading it.
#[tokio::test]
async fn a_terminal_that_hangs_hangs_nobody_else() {
    struct Hanging(mpsc::Receiver<()>);
    impl Write for Hanging {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, held) = mpsc::channel();
    let sink = ConsoleSink::to(Hanging(held), ConsoleStyle::Json).unwrap();
    let batch = entries(1..=1);

    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_millis(10), sink.deliver(&batch));
        assert!(given_up.await.is_err());
    }

    drop(release);
    sink.deliver(&batch).await.unwrap();
}
