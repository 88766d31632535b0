use super::spelling::normalized;
use crate::page::{PasswordLength, PasswordProblem};

/// Checks the length of a password that is being chosen, in characters: Unicode code points (NIST
/// SP 800-63B-4, section 3.1.1.2). Nothing is cut off or trimmed.
///
/// It is hashed in one spelling (normalization form KC), which may be shorter or longer than what
/// was typed. Both must fit: `e` with an accent of its own is one character to whoever sees it, and
/// a sign that stands for a whole phrase is not eighteen.
///
/// # Errors
/// [`PasswordProblem`].
///
/// ```
/// use donjon::account::password::check_length;
/// use donjon::page::{PasswordLength, PasswordProblem};
///
/// let length = PasswordLength { min: 8, max: 128 };
/// assert_eq!(check_length("pässwörd", length), Ok(()));
/// assert_eq!(check_length("seven77", length), Err(PasswordProblem::TooShort));
/// ```
pub fn check_length(password: &str, length: PasswordLength) -> Result<(), PasswordProblem> {
    let beyond = length.max.saturating_add(1);
    let count = |text: &str| text.chars().take(beyond).count();
    let typed = count(password);
    if typed > length.max {
        return Err(PasswordProblem::TooLong);
    }
    let hashed = count(&normalized(password));
    if hashed > length.max {
        Err(PasswordProblem::TooLong)
    } else if typed.min(hashed) < length.min {
        Err(PasswordProblem::TooShort)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        let length = PasswordLength { min: 8, max: 128 };
        for (password, expected) in [
            ("🦀".repeat(7), Err(PasswordProblem::TooShort)),
            ("🦀".repeat(8), Ok(())),
            ("🦀".repeat(128), Ok(())),
            ("a".repeat(129), Err(PasswordProblem::TooLong)),
            (String::new(), Err(PasswordProblem::TooShort)),
            // As typed, and as hashed.
            ("e\u{301}".repeat(4), Err(PasswordProblem::TooShort)),
            ("e\u{301}".repeat(8), Ok(())),
            ("e\u{301}".repeat(64), Ok(())),
            ("e\u{301}".repeat(65), Err(PasswordProblem::TooLong)),
            ("\u{fdfa}".into(), Err(PasswordProblem::TooShort)),
            ("\u{fdfa}".repeat(8), Err(PasswordProblem::TooLong)),
            (" ".repeat(8), Ok(())),
        ] {
            assert_eq!(check_length(&password, length), expected, "{}", password.len());
        }
    }
}
