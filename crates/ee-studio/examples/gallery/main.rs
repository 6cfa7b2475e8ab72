//! Writes every page of Studio in its typical states as static HTML.
//!
//! Run `cargo run -p ee-studio --example gallery`, then open
//! `target/gallery/index.html`. Nothing is served; links and forms lead nowhere.

mod samples;

use std::path::Path;
use std::{fs, io};

use ee_studio::assets::{AssetName, asset_url, find_asset};
use maud::{DOCTYPE, html};

fn main() -> io::Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
    fs::create_dir_all(dir.join("assets"))?;
    for name in [
        AssetName::Favicon,
        AssetName::Htmx,
        AssetName::Script,
        AssetName::Style,
    ] {
        let file = asset_url(name).trim_start_matches("/studio/assets/");
        if let Some(asset) = find_asset(file) {
            fs::write(dir.join("assets").join(file), asset.bytes)?;
        }
    }

    let samples = samples::all();
    for sample in &samples {
        let html = sample.html.replace("/studio/assets/", "assets/");
        // The gallery is not a server that an active run could ask.
        let html = html.replace(" hx-trigger=\"every 1s\"", "");
        let dark = html.replace("<html lang=\"en\"", "<html lang=\"en\" data-theme=\"dark\"");
        fs::write(dir.join(format!("{}.html", sample.name)), html)?;
        fs::write(dir.join(format!("{}-dark.html", sample.name)), dark)?;
    }
    let index = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Gallery · Studio" }
                link rel="stylesheet"
                    href=(asset_url(AssetName::Style).trim_start_matches("/studio/"));
            }
            body {
                div.page {
                    h1 { "Gallery" }
                    ul.card.rows {
                        @for sample in &samples {
                            li {
                                a.row href=(format!("{}.html", sample.name)) { (sample.name) }
                                a.row href=(format!("{}-dark.html", sample.name)) {
                                    span.row-meta { "dark" }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    fs::write(dir.join("index.html"), index.into_string())
}
