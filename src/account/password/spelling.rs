use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The one spelling of a password that is hashed: Unicode normalization form KC (UAX #15), as
/// NIST SP 800-63B-4, section 3.1.1.2, has it. `é` is one character on one keyboard and two on
/// another, and both are meant to open the same account.
///
/// Nothing else is changed: white space, case and control characters count as they were typed.
pub(super) fn normalized(password: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(password)
}

/// The spellings that a typed password may have been hashed in: ours, and the one that was typed,
/// if it is another. Systems that users come from mostly do not normalize; and a character that
/// is newer than our tables was hashed as it came.
///
/// How many there are depends on what was typed alone, never on whom it was typed for.
pub(super) fn spellings(typed: &str) -> Spellings<'_> {
    let normalized = normalized(typed);
    let as_typed = (normalized != typed).then_some(typed);
    Spellings { normalized, as_typed }
}

pub(super) struct Spellings<'a> {
    /// The one that is hashed here.
    pub(super) normalized: Cow<'a, str>,
    /// The other one.
    pub(super) as_typed: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_on_every_keyboard_is_the_same() {
        for (typed, same) in [
            ("e\u{301}", "é"),
            ("ﬁsh", "fish"),
            ("Ｆｕｌｌ　ｗｉｄｔｈ", "Full width"),
            ("x²", "x2"),
            ("\u{2126}", "Ω"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ] {
            assert_eq!(normalized(typed), same, "{typed:?}");
            assert_eq!(spellings(typed).as_typed, Some(typed));
            assert_eq!(spellings(same).as_typed, None);
        }
    }

    #[test]
    fn nothing_else_is_changed() {
        for typed in [" both ends ", "Case", "tab\tand\nline", "🦀", "a\0b", "--", "\u{10ffff}"] {
            assert_eq!(normalized(typed), typed);
        }
    }
}
