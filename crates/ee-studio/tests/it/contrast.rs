use std::collections::HashMap;

/// The two colours of each token of the stylesheet, for light and for dark.
fn tokens() -> HashMap<String, [[f64; 3]; 2]> {
    include_str!("../../assets/studio.css")
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
            let colours = value.strip_prefix("light-dark(#")?.strip_suffix(");")?;
            let (light, dark) = colours.split_once(", #")?;
            Some((name.to_owned(), [colour(light), colour(dark)]))
        })
        .collect()
}

fn colour(hex: &str) -> [f64; 3] {
    [0, 2, 4].map(|at| u8::from_str_radix(&hex[at..at + 2], 16).map_or(f64::NAN, f64::from) / 255.0)
}

/// Relative luminance of WCAG 2.2.
fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_reach_level_aa_in_both_themes() {
    let tokens = tokens();
    let text = [
        (
            "text",
            &["ground", "surface", "sunken", "hover", "accent-soft"][..],
        ),
        (
            "muted",
            &["ground", "surface", "sunken", "hover", "accent-soft"],
        ),
        ("accent", &["ground", "surface", "accent-soft"]),
        ("accent-strong", &["ground", "surface"]),
        ("on-accent", &["accent", "accent-strong"]),
        ("on-danger", &["danger", "danger-strong"]),
        ("danger", &["surface", "ground", "danger-soft"]),
        ("danger-strong", &["danger-soft"]),
        ("warning", &["warning-soft", "surface"]),
        ("success", &["success-soft", "surface"]),
        ("info", &["info-soft", "surface"]),
    ];
    let lines = [("field-line", &["surface", "ground"][..])];

    for (pairs, least) in [(&text[..], 4.5), (&lines[..], 3.0)] {
        for (front, grounds) in pairs {
            for ground in *grounds {
                for theme in [0, 1] {
                    let ratio = contrast(tokens[*front][theme], tokens[*ground][theme]);
                    assert!(
                        ratio >= least,
                        "{front} on {ground} in theme {theme}: {ratio:.2}"
                    );
                }
            }
        }
    }
}
