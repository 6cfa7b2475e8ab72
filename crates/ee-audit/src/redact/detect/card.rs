//! Numbers of payment cards.

use std::ops::Range;

use super::{Finder, Kind, count};

/// Fewest digits of a number.
const FEWEST_DIGITS: usize = 13;
const MOST_DIGITS: usize = 19;

/// Tells whether the digits are the number of a card.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    is_of_network(digits) && has_check_digit(digits)
}

/// First digits and lengths as the networks give them out (ISO/IEC 7812).
fn is_of_network(digits: &[u8]) -> bool {
    let first = |count: usize| {
        let first = digits.get(..count).unwrap_or_default().iter();
        first.fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    let is_maestro = || matches!(first(4), 5018 | 5020 | 5038 | 6304 | 6759 | 6761..=6763);
    let is_long = matches!(first(4), 3528..=3589 | 6011)
        || matches!(first(3), 644..=649)
        || matches!(first(2), 62 | 65)
        || is_maestro();
    match digits.len() {
        13 => first(1) == 4,
        14 => matches!(first(3), 300..=305 | 309) || matches!(first(2), 36 | 38 | 39),
        15 => matches!(first(2), 34 | 37),
        16 => {
            first(1) == 4
                || matches!(first(2), 51..=55)
                || matches!(first(4), 2221..=2720)
                || is_long
        }
        17 | 18 => is_long,
        19 => first(1) == 4 || is_long,
        _ => false,
    }
}

/// The check of Luhn (ISO/IEC 7812-1, annex B).
fn has_check_digit(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    for (at, digit) in digits.iter().rev().enumerate() {
        let digit = u32::from(digit - b'0');
        let doubled = digit * 2;
        sum += match at % 2 {
            0 => digit,
            _ if doubled > 9 => doubled - 9,
            _ => doubled,
        };
    }
    sum.is_multiple_of(10)
}

/// Tells whether digits, spaces and dashes go on for as long as the number of a card. It looks at every 13th byte only,
/// as none that is long enough lies between them.
pub(super) fn may_be_in(text: &[u8]) -> bool {
    let fits = |byte: &&u8| matches!(byte, b'0'..=b'9' | b' ' | b'-');
    let mut at = FEWEST_DIGITS - 1;
    while let Some((before, rest)) = text
        .split_at_checked(at)
        .filter(|(_, rest)| !rest.is_empty())
    {
        let after = rest.iter().take_while(fits).count();
        if after > 0 && after + before.iter().rev().take_while(fits).count() >= FEWEST_DIGITS {
            return true;
        }
        at += after + FEWEST_DIGITS;
    }
    false
}

/// How long digits go on with one space or one dash between them.
fn chain(text: &[u8]) -> usize {
    let mut end = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => end = at + 1,
            b' ' | b'-' if end == at => {}
            _ => break,
        }
    }
    end
}

/// The digits of a few groups, as far as they may be a number.
#[derive(Default)]
struct Digits {
    count: usize,
    digits: [u8; MOST_DIGITS],
}

impl Digits {
    fn add(&mut self, group: &[u8]) {
        let end = self.count + group.len();
        if let Some(place) = self.digits.get_mut(self.count..end) {
            place.copy_from_slice(group);
        }
        self.count = end;
    }

    fn get(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or_default()
    }
}

impl Finder<'_> {
    /// Numbers whose digits stand together or in groups, with one space or one dash between them.
    pub(super) fn cards(&mut self) {
        let mut at = 0;
        while let Some(length) = self.rest(at).iter().position(u8::is_ascii_digit) {
            let start = at + length;
            at = start + chain(self.rest(start));
            if at - start >= FEWEST_DIGITS {
                self.numbers(start..at);
            }
        }
    }

    /// Groups of digits, one behind another.
    fn numbers(&mut self, chain: Range<usize>) {
        let mut first = chain.start;
        while first < chain.end {
            let mut digits = Digits::default();
            let mut end = first;
            while end < chain.end && digits.count <= MOST_DIGITS {
                let group = count(self.rest(end), |it| it.is_ascii_digit());
                digits.add(self.part(end..end + group));
                end += group;
                let is_long = digits.count >= FEWEST_DIGITS;
                if is_long && self.stands_alone(first..end) && is_card(digits.get()) {
                    self.add(first..end, Kind::Card);
                }
                end += 1;
            }
            first += count(self.rest(first), |it| it.is_ascii_digit()) + 1;
        }
    }

    /// Parts of words, of decimals and of ids are no cards.
    fn stands_alone(&self, at: Range<usize>) -> bool {
        let before = self.part(at.start.saturating_sub(2)..at.start);
        let after = self.part(at.end..self.text.len().min(at.end + 2));
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let goes_on = |near: Option<&u8>, far: Option<&u8>| match near {
            Some(b'-' | b'.') => far.is_some_and(is_part),
            near => near.is_some_and(is_part),
        };
        let mut back = before.iter().rev();
        let is_led = before.ends_with(b"+") || goes_on(back.next(), back.next());
        !is_led && !goes_on(after.first(), after.get(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_seen_wherever_it_stands() {
        for before in 0..40 {
            for length in 0..30 {
                let text = format!("{}{}x5", "x".repeat(before), "4".repeat(length));
                assert_eq!(
                    may_be_in(text.as_bytes()),
                    length >= FEWEST_DIGITS,
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn numbers_of_every_network_are_known_and_others_are_none() {
        for number in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "6200000000000005",
            "6759649826438453",
        ] {
            assert!(is_card(number.as_bytes()), "{number}");
            let mut other = number.to_owned().into_bytes();
            *other.last_mut().unwrap() = b'0' + (other.last().unwrap() - b'0' + 1) % 10;
            assert!(!is_card(&other), "{number}");
        }
        for number in [
            "",
            "0",
            "0000000000000000",
            "1111111111111117",
            "4111111111111111111111",
        ] {
            assert!(!is_card(number.as_bytes()), "{number}");
        }
    }
}
