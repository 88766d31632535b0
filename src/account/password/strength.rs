use zxcvbn::feedback::Warning;
use zxcvbn::zxcvbn;

use crate::page::PasswordAdvice;

/// How many characters are rated at a time, from the beginning and from the end: zxcvbn takes
/// seconds for a hundred that are made for it.
const WINDOW: usize = 24;
/// How many words about the user are looked at, and how much of each.
const WORDS: usize = 32;
const WORD: usize = 64;

/// How hard a password is to guess for somebody who knows what people choose, by
/// [zxcvbn](https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// In five steps.
    pub score: Score,
    /// The number of guesses, as a power of ten.
    pub guesses_log10: f64,
    /// What would make it harder.
    pub advice: PasswordAdvice,
}

/// How hard a password is to guess, in the steps of zxcvbn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// Within a thousand guesses.
    TooGuessable,
    /// Within a million: somebody who is slowed down by lockouts, but patient.
    VeryGuessable,
    /// Within a hundred million: somebody whom nothing slows down, at the login page.
    SomewhatGuessable,
    /// Within ten thousand million: somebody who has the hashes, and one machine.
    SafelyUnguessable,
    /// More.
    VeryUnguessable,
}

/// Rates a password. `words` are what somebody would try who knows whose it is.
pub(super) fn estimate(normalized: &str, words: &Words) -> Strength {
    let count = normalized.chars().count();
    let (start, end) = (take(normalized, 0), take(normalized, count.saturating_sub(WINDOW)));
    let inputs: Vec<&str> = words.0.iter().map(String::as_str).collect();
    let rate = |part: &str| {
        let rated = zxcvbn(part, &inputs);
        let warning = rated.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        let advice = if words.occur_in(part) { PasswordAdvice::Personal } else { advise(warning) };
        Strength { score: rated.score().into(), guesses_log10: rated.guesses_log10(), advice }
    };
    let first = rate(start);
    let last = if count > WINDOW { rate(end) } else { first };
    if last.guesses_log10 > first.guesses_log10 { last } else { first }
}

fn take(text: &str, from: usize) -> &str {
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    text.get(at(from)..at(from.saturating_add(WINDOW))).unwrap_or(text)
}

fn advise(warning: Option<Warning>) -> PasswordAdvice {
    match warning {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => PasswordAdvice::Similar,
        Some(Warning::AWordByItselfIsEasyToGuess) => PasswordAdvice::Word,
        Some(
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess,
        ) => PasswordAdvice::Name,
        Some(
            Warning::StraightRowsOfKeysAreEasyToGuess
            | Warning::ShortKeyboardPatternsAreEasyToGuess,
        ) => PasswordAdvice::Keys,
        Some(
            Warning::RepeatsLikeAaaAreEasyToGuess
            | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        ) => PasswordAdvice::Repeats,
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => PasswordAdvice::Sequence,
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => {
            PasswordAdvice::Date
        }
        None => PasswordAdvice::More,
    }
}

impl From<zxcvbn::Score> for Score {
    fn from(score: zxcvbn::Score) -> Self {
        match u8::from(score) {
            0 => Self::TooGuessable,
            1 => Self::VeryGuessable,
            2 => Self::SomewhatGuessable,
            3 => Self::SafelyUnguessable,
            _ => Self::VeryUnguessable,
        }
    }
}

/// What is known about the user and the product, in lower case: whole, and in pieces.
#[derive(Clone, Debug)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Those in such things as an address, a name, the name of the product.
    pub(super) fn about(facts: &[&str]) -> Self {
        let mut words = Vec::new();
        for fact in facts {
            let fact: String = fact.chars().take(WORD).collect::<String>().to_lowercase();
            let local = fact.split('@').next().unwrap_or_default();
            let pieces = fact.split(|c: char| !c.is_alphanumeric());
            for word in [fact.as_str(), local].into_iter().chain(pieces) {
                let word = word.trim();
                if word.chars().count() >= 3 && !words.iter().any(|known| known == word) {
                    words.push(word.to_owned());
                }
            }
        }
        words.truncate(WORDS);
        Self(words)
    }

    /// Whether the password is one of them.
    pub(super) fn contain(&self, normalized: &str) -> bool {
        let lower = normalized.to_lowercase();
        self.0.contains(&lower)
    }

    fn occur_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.0.iter().any(|word| word.chars().count() >= 4 && lower.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(password: &str) -> Strength {
        estimate(password, &Words::about(&["alice.smith@example.test", "Acme Rocket Store"]))
    }

    #[test]
    fn what_is_chosen_often_or_knows_its_owner_is_guessed_early() {
        use PasswordAdvice as Advice;
        use Score::*;

        for (password, score, advice) in [
            ("password1", TooGuessable, Advice::Similar),
            ("P@ssw0rd", TooGuessable, Advice::Similar),
            ("qwertyuiop", TooGuessable, Advice::Similar),
            ("alice2026", VeryGuessable, Advice::Personal),
            ("smithsmith", TooGuessable, Advice::Personal),
            ("acmeRocket", VeryGuessable, Advice::Personal),
            ("aaaaaaaaaaaa", TooGuessable, Advice::Repeats),
            ("abcdefghijk", TooGuessable, Advice::Sequence),
            ("evaporator", VeryGuessable, Advice::Word),
            ("buckmaster", VeryGuessable, Advice::Name),
            ("12.12.1987", VeryGuessable, Advice::Date),
        ] {
            let rated = rate(password);
            assert_eq!((rated.score, rated.advice), (score, advice), "{password}");
        }
        for good in ["correct horse battery", "zwölf boxkämpfer jagen", "kX9#mQ2pLw4z"] {
            assert_eq!(rate(good).score, VeryUnguessable, "{good}");
        }
    }

    #[test]
    fn a_long_password_is_as_good_as_its_better_end() {
        let good = "correct horse battery";
        assert_eq!(rate(&format!("{}{good}", "a".repeat(100))).score, Score::VeryUnguessable);
        assert_eq!(rate(&format!("{good}{}", "a".repeat(100))).score, Score::VeryUnguessable);
        assert!(rate(&"password".repeat(16)).score <= Score::VeryGuessable);
    }

    #[test]
    fn facts_are_taken_apart() {
        let words = Words::about(&["Alice.Smith@Example.test", "Acme", "x", ""]);
        let expected = [
            "alice.smith@example.test",
            "alice.smith",
            "alice",
            "smith",
            "example",
            "test",
            "acme",
        ];
        assert_eq!(words.0, expected);
        assert!(words.contain("ALICE.smith") && !words.contain("alice.smith1"));
        let many: Vec<String> = (0..99).map(|n| format!("word{n} {}", "y".repeat(999))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(Words::about(&many).0.len(), WORDS);
    }

    /// The worst input known takes seconds at a hundred characters.
    #[test]
    fn no_password_takes_long_to_rate() {
        let worst: String = "4@8({[<6 9#!1/|0$5+7%2".chars().cycle().take(128).collect();
        #[expect(clippy::disallowed_methods, reason = "to measure is the test")]
        let start = std::time::Instant::now();
        assert_eq!(rate(&worst).score, Score::VeryUnguessable);
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_text_is_rated_without_a_panic(password in "\\PC{0,40}", fact in "\\PC{0,20}") {
            let rated = estimate(&password, &Words::about(&[&fact]));
            prop_assert!(!rated.guesses_log10.is_nan());
        }
    }
}
