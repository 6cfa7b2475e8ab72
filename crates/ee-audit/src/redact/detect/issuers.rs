//! Keys and tokens that begin as those of a known issuer do.

use super::{Finder, Kind, count, random};

/// How what follows a beginning is made.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    /// Letters, digits, `-` and `_`, with small letters and capitals.
    Mixed,
    /// Letters, digits, `-` and `_`.
    Plain,
    /// The same, and it must not be words: others begin so as well.
    Random,
    /// Dots, slashes and signs of base64 too.
    Wide,
    /// The same, and it must not be words.
    WideRandom,
}

struct Issued {
    begin: &'static [u8],
    fewest: usize,
    tail: Tail,
}

const fn key(begin: &'static str, fewest: usize, tail: Tail) -> Issued {
    Issued {
        begin: begin.as_bytes(),
        fewest,
        tail,
    }
}

use Tail::{Mixed, Plain, Random, Wide, WideRandom};

/// By the first byte. Ours are `ee_` (API keys) and `eel1.` (licences).
const ISSUED: &[Issued] = &[
    key("1//0", 30, WideRandom),
    key("ABIA", 16, Random),
    key("ACCA", 16, Random),
    key("AGE-SECRET-KEY-1", 40, Plain),
    key("AIza", 30, Plain),
    key("AKIA", 16, Plain),
    key("ASIA", 16, Random),
    key("ATATT3", 50, Wide),
    key("CFPAT-", 30, Plain),
    key("EAA", 80, Random),
    key("GOCSPX-", 20, Plain),
    key("HRKU-", 30, Plain),
    key("LTAI", 16, Random),
    key("NRAK-", 20, Plain),
    key("PMAK-", 40, Plain),
    key("SG.", 40, WideRandom),
    key("SK", 32, Random),
    key("atlasv1.", 40, Wide),
    key("dapi", 32, Random),
    key("dckr_oat_", 20, Plain),
    key("dckr_pat_", 20, Plain),
    key("discord.com/api/webhooks/", 60, Wide),
    key("discordapp.com/api/webhooks/", 60, Wide),
    key("doo_v1_", 40, Plain),
    key("dop_v1_", 40, Plain),
    key("dor_v1_", 40, Plain),
    key("dp.", 30, WideRandom),
    key("ee_", 45, Mixed),
    key("eel1.", 40, Wide),
    key("figd_", 30, Plain),
    key("fm2_", 40, WideRandom),
    key("fo1_", 30, Random),
    key("fw_", 20, Random),
    key("gho_", 20, Plain),
    key("ghp_", 20, Plain),
    key("ghr_", 20, Plain),
    key("ghs_", 20, Plain),
    key("ghu_", 20, Plain),
    key("github_pat_", 20, Plain),
    key("glagent-", 20, Plain),
    key("glc_", 40, WideRandom),
    key("glcbt-", 16, Plain),
    key("gldt-", 16, Plain),
    key("glffct-", 16, Plain),
    key("glft-", 16, Plain),
    key("glimt-", 16, Plain),
    key("glpat-", 16, Wide),
    key("glptt-", 16, Plain),
    key("glrt-", 16, Wide),
    key("glsa_", 30, Plain),
    key("glsoat-", 16, Plain),
    key("gsk_", 30, Random),
    key("hf_", 20, Random),
    key("hooks.slack.com/services/", 20, Wide),
    key("hvb.", 40, Wide),
    key("hvr.", 20, Wide),
    key("hvs.", 20, Wide),
    key("key-", 32, Random),
    key("lin_api_", 20, Plain),
    key("lin_oauth_", 20, Plain),
    key("lsv2_", 30, Random),
    key("napi_", 30, Random),
    key("nfp_", 30, Random),
    key("npm_", 30, Random),
    key("ntn_", 30, Random),
    key("ops_ey", 40, Plain),
    key("pcsk_", 30, Random),
    key("pnu_", 30, Random),
    key("pplx-", 30, Random),
    key("pypi-", 40, Random),
    key("r8_", 30, Random),
    key("re_", 20, Random),
    key("rk_live_", 10, Plain),
    key("rk_test_", 10, Plain),
    key("rubygems_", 40, Random),
    key("sb_secret_", 15, Plain),
    key("sbp_", 30, Random),
    key("secret_", 30, Random),
    key("shippo_live_", 30, Plain),
    key("shpat_", 30, Plain),
    key("shpca_", 30, Plain),
    key("shppa_", 30, Plain),
    key("shpss_", 30, Plain),
    key("sk-", 16, Random),
    key("sk_live_", 10, Plain),
    key("sk_test_", 10, Plain),
    key("sl.", 100, WideRandom),
    key("sntrys_", 30, Wide),
    key("sntryu_", 30, Plain),
    key("sq0", 20, Random),
    key("tskey-", 15, Plain),
    key("whsec_", 20, Wide),
    key("xai-", 40, Random),
    key("xapp-", 15, Random),
    key("xkeysib-", 40, Plain),
    key("xoxa-", 12, Plain),
    key("xoxb-", 12, Plain),
    key("xoxe-", 12, Plain),
    key("xoxp-", 12, Plain),
    key("xoxr-", 12, Plain),
    key("xoxs-", 12, Plain),
    key("ya29.", 20, Wide),
];

/// Where those of each first byte begin in the list, and where they end.
#[expect(clippy::indexing_slicing, reason = "the compiler works it out")]
const BY_FIRST: [(u8, u8); 128] = {
    let mut ranges = [(0, 0); 128];
    let mut at = 0_u8;
    while (at as usize) < ISSUED.len() {
        let first = ISSUED[at as usize].begin[0] as usize;
        if ranges[first].1 == 0 {
            ranges[first].0 = at;
        }
        at += 1;
        ranges[first].1 = at;
    }
    ranges
};

/// Most places of a word where a key may begin.
const MOST_PLACES: usize = 64;
/// Most bytes of a tail that are judged; the rest of it goes the same way.
const JUDGED: usize = 160;

impl Issued {
    /// Returns how long the key is that a text begins with.
    fn length(&self, text: &[u8]) -> Option<usize> {
        let rest = text.strip_prefix(self.begin)?;
        let is_wide = matches!(self.tail, Wide | WideRandom);
        let fits = |it: u8| {
            it.is_ascii_alphanumeric()
                || matches!(it, b'-' | b'_')
                || is_wide && matches!(it, b'.' | b'/' | b'+' | b'~')
        };
        let judged = rest.get(..rest.len().min(JUDGED)).unwrap_or_default();
        let judged = judged.get(..count(judged, fits)).unwrap_or_default();
        let is_key = judged.len() >= self.fewest
            && match self.tail {
                Mixed => random::is_mixed(judged),
                Plain | Wide => true,
                Random | WideRandom => random::is_keylike(judged),
            };
        is_key.then(|| self.begin.len() + count(rest, fits))
    }
}

impl Finder<'_> {
    /// Keys at the beginning of a word, and behind the first signs in it.
    pub(super) fn keys(&mut self, word: &[u8], start: usize) {
        let mut at = 0;
        for _ in 0..MOST_PLACES {
            let Some(rest) = word
                .get(at..)
                .filter(|rest| rest.len() >= super::SHORTEST_WORD)
            else {
                break;
            };
            if let Some(length) = issued(rest) {
                self.add(start + at..start + at + length, Kind::Key);
                at += length;
            } else {
                let next = rest.iter().position(|it| !it.is_ascii_alphanumeric());
                at += next.map_or(rest.len(), |next| next + 1);
            }
        }
    }
}

fn issued(text: &[u8]) -> Option<usize> {
    let first = usize::from(*text.first()?);
    let (begin, end) = BY_FIRST.get(first)?;
    let list = ISSUED.get(usize::from(*begin)..usize::from(*end))?;
    list.iter().find_map(|issued| issued.length(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_stands_in_order() {
        assert!(ISSUED.is_sorted_by_key(|issued| issued.begin[0]));
    }
}
