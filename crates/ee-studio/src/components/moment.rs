use jiff::Timestamp;
use maud::{Markup, html};

/// Renders a point in time in UTC; the script rewrites it to local time.
pub fn moment(at: Timestamp) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) data-local {
            (at.strftime("%Y-%m-%d %H:%M UTC"))
        }
    }
}

/// Writes a span of time with the two units that matter.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_size() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (1_260, "1.2 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 05 s"),
            (3_660_000, "1 h 01 min"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn a_moment_carries_its_exact_time() {
        let at: Timestamp = "2026-11-21T14:03:09Z".parse().unwrap();

        let output = moment(at).into_string();

        assert!(output.contains("datetime=\"2026-11-21T14:03:09Z\""));
        assert!(output.contains("2026-11-21 14:03 UTC"));
    }
}
