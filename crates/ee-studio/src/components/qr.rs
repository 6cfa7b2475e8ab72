use std::fmt::Write as _;

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// White around the code, in modules (ISO/IEC 18004 §6.3.8).
const QUIET: i32 = 4;

/// Draws a text as a QR code, and nothing for a text that is too long for one. It is dark on white in both themes: not
/// every camera reads the opposite.
pub fn qr(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return html! {};
    };
    let side = code.size() + 2 * QUIET;
    html! {
        svg.qr viewBox=(format!("0 0 {side} {side}")) role="img" aria-label=(label)
            shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(outline(&code)) fill="#000" {}
        }
    }
}

/// Returns a path that covers the dark modules, one rectangle for each run in a row.
fn outline(code: &QrCode) -> String {
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let start = x;
            while x < size && code.get_module(x, y) {
                x += 1;
            }
            if x == start {
                x += 1;
                continue;
            }
            let (left, top, width) = (start + QUIET, y + QUIET, x - start);
            // Writing to a `String` cannot fail.
            let _ = write!(path, "M{left} {top}h{width}v1h-{width}z");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_path_covers_the_dark_modules_and_no_others() {
        let code = QrCode::encode_text("otpauth://totp/x?secret=MZXW6", QrCodeEcc::Medium).unwrap();
        let mut covered = HashSet::new();

        for run in outline(&code).split('M').skip(1) {
            let (corner, rest) = run.split_once('h').unwrap();
            let (left, top) = corner.split_once(' ').unwrap();
            let (width, _) = rest.split_once("v1").unwrap();
            let [left, top, width]: [i32; 3] = [left, top, width].map(|text| text.parse().unwrap());
            covered.extend((left..left + width).map(|x| (x - QUIET, top - QUIET)));
        }

        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark: HashSet<(i32, i32)> = all.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(covered, dark);
    }

    #[test]
    fn what_is_too_long_is_not_drawn_and_the_label_is_escaped() {
        assert_eq!(qr(&"x".repeat(5_000), "x").into_string(), "");
        assert!(!qr("x", "\"><script>").into_string().contains("<script"));
    }
}
