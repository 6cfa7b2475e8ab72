//! Embedded files, served under names that contain their hash.
//!
//! An address from [`asset_url`] never changes its content, so the route that
//! answers it sends `Cache-Control: public, max-age=31536000, immutable`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// An embedded file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AssetName {
    /// The mark of the product as an icon.
    Favicon,
    /// The htmx library.
    Htmx,
    /// The script of Studio.
    Script,
    /// The stylesheet of Studio.
    Style,
}

/// What a route needs to answer a request for an embedded file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asset {
    /// The content.
    pub bytes: &'static [u8],
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `ETag`, with its quotation marks.
    pub etag: &'static str,
}

#[derive(Debug)]
struct Entry {
    name: AssetName,
    url: String,
    etag: String,
    bytes: &'static [u8],
    content_type: &'static str,
}

const PREFIX: &str = "/studio/assets/";

static ENTRIES: LazyLock<[Entry; 4]> = LazyLock::new(|| {
    [
        entry(
            AssetName::Favicon,
            "favicon",
            "svg",
            "image/svg+xml",
            include_bytes!("../assets/favicon.svg"),
        ),
        entry(
            AssetName::Htmx,
            "htmx",
            "js",
            "text/javascript; charset=utf-8",
            include_bytes!("../assets/htmx.min.js"),
        ),
        entry(
            AssetName::Script,
            "studio",
            "js",
            "text/javascript; charset=utf-8",
            include_bytes!("../assets/studio.js"),
        ),
        entry(
            AssetName::Style,
            "studio",
            "css",
            "text/css; charset=utf-8",
            include_bytes!("../assets/studio.css"),
        ),
    ]
});

/// Returns the address of an embedded file, with the first 12 digits of its
/// SHA-256 in the name.
pub fn asset_url(name: AssetName) -> &'static str {
    ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .map_or("", |entry| entry.url.as_str())
}

/// Finds an embedded file by the last segment of its address.
pub fn find_asset(hashed_name: &str) -> Option<Asset> {
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.url.strip_prefix(PREFIX) == Some(hashed_name))?;
    Some(Asset {
        bytes: entry.bytes,
        content_type: entry.content_type,
        etag: &entry.etag,
    })
}

fn entry(
    name: AssetName,
    stem: &str,
    extension: &str,
    content_type: &'static str,
    bytes: &'static [u8],
) -> Entry {
    let mut hash = sha256_hex(bytes);
    hash.truncate(12);
    Entry {
        name,
        url: format!("{PREFIX}{stem}.{hash}.{extension}"),
        etag: format!("\"{hash}\""),
        bytes,
        content_type,
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const ALL: [AssetName; 4] = [
        AssetName::Favicon,
        AssetName::Htmx,
        AssetName::Script,
        AssetName::Style,
    ];

    #[test]
    fn every_address_leads_to_its_file() {
        for name in ALL {
            let url = asset_url(name);
            let file = url.strip_prefix(PREFIX).unwrap();

            let asset = find_asset(file).unwrap();

            assert!(!asset.bytes.is_empty());
            assert!(file.contains(asset.etag.trim_matches('"')));
        }
    }

    #[test]
    fn other_names_find_nothing() {
        for name in ["", "studio.css", "studio.000000000000.css", "../Cargo.toml"] {
            assert!(find_asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn vendored_files_are_the_recorded_ones() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let text = std::fs::read_to_string(dir.join("VENDOR.toml")).unwrap();
        let vendor: toml::Table = text.parse().unwrap();
        let mut recorded = Vec::new();

        for package in vendor["package"].as_array().unwrap() {
            assert!(
                dir.join(package["licence-file"].as_str().unwrap())
                    .is_file()
            );
            for file in package["file"].as_array().unwrap() {
                let path = file["path"].as_str().unwrap();
                let bytes = std::fs::read(dir.join(path)).unwrap();
                assert_eq!(
                    sha256_hex(&bytes),
                    file["sha256"].as_str().unwrap(),
                    "{path}"
                );
                recorded.push(path.to_owned());
            }
        }

        for icon in std::fs::read_dir(dir.join("icons")).unwrap() {
            let name = icon.unwrap().file_name().into_string().unwrap();
            assert!(recorded.contains(&format!("icons/{name}")), "{name}");
        }
    }

    #[test]
    fn the_script_is_small_and_has_no_dangerous_sink() {
        let script = include_str!("../assets/studio.js");

        assert!(script.len() <= 12 * 1024, "{} bytes", script.len());
        for sink in [
            "innerHTML",
            "outerHTML =",
            "insertAdjacentHTML",
            "eval(",
            "Function(",
        ] {
            assert!(!script.contains(sink), "{sink}");
        }
    }
}
