use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{Random, RandomExt as _};

/// How much of what somebody typed is looked at, in bytes.
const MAX_TYPED: usize = 64;

/// Six decimal digits that are a secret: what an authenticator app shows, what a mail brings.
#[derive(Clone)]
pub(super) struct SixDigits(Zeroizing<[u8; 6]>);

impl SixDigits {
    /// Any of the million, each as likely as the others.
    pub(super) fn draw(random: &dyn Random) -> Self {
        Self::of(random.below::<1_000_000>())
    }

    /// The last six digits of a number.
    pub(super) fn of(number: u32) -> Self {
        let mut rest = number;
        let mut digits = Zeroizing::new([b'0'; 6]);
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        Self(digits)
    }

    /// Reads what somebody typed: six digits, with spaces and hyphens anywhere.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let mut typed = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let mut digits = Zeroizing::new([0; 6]);
        for digit in digits.iter_mut() {
            *digit = typed.next().filter(char::is_ascii_digit).map(|c| c as u8)?;
        }
        typed.next().is_none().then_some(Self(digits))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    /// In constant time.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn people_type_digits_in_groups() {
        for typed in ["012345", " 012 345\n", "012-345", "0 1 2 3 4 5", "\u{a0}012\u{2009}345"] {
            assert_eq!(SixDigits::parse(typed).unwrap().text(), "012345", "{typed:?}");
        }
        let long = format!("{}012345", " ".repeat(100));
        for bad in ["", "12345", "0123456", "01234a", "+12345", "1e1000", "٠١٢٣٤٥", "12.345", &long]
        {
            assert!(SixDigits::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn all_six_digits_count() {
        let one = SixDigits::of(123_456);
        assert!(one.equals(&SixDigits::of(123_456)));
        for other in [23_456, 123_457, 223_456, 0] {
            assert!(!one.equals(&SixDigits::of(other)), "{other}");
        }
    }

    /// Chi-squared over the ten digits of each place: 27.9 is passed once in a thousand times.
    #[test]
    fn drawn_digits_are_spread_evenly() {
        let mut counts = [[0u32; 10]; 6];
        for _ in 0..20_000 {
            for (place, digit) in SixDigits::draw(&SystemRandom).as_bytes().iter().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        let spread = |counts: &[u32; 10]| -> f64 {
            counts.iter().map(|count| (f64::from(*count) - 2_000.0).powi(2) / 2_000.0).sum()
        };
        assert!(counts.iter().all(|counts| spread(counts) < 60.0), "{counts:?}");
    }

    proptest! {
        #[test]
        fn every_number_survives_its_text(number in 0..1_000_000u32) {
            let text = SixDigits::of(number).text();
            prop_assert_eq!(&text, &format!("{number:06}"));
            prop_assert_eq!(SixDigits::parse(&text).unwrap().text(), text);
        }

        #[test]
        fn whatever_is_typed_is_six_digits_or_refused(typed in ".{0,80}") {
            if let Some(read) = SixDigits::parse(&typed) {
                let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
                prop_assert_eq!(read.text(), typed);
            }
        }
    }
}
