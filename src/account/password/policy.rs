use crate::page::{PasswordLength, PasswordProblem};

/// Checks the length of a password that is being chosen, in characters (Unicode scalar values).
/// Nothing is cut off, trimmed or normalised.
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
    match password.chars().take(length.max.saturating_add(1)).count() {
        count if count < length.min => Err(PasswordProblem::TooShort),
        count if count > length.max => Err(PasswordProblem::TooLong),
        _ => Ok(()),
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
        ] {
            assert_eq!(check_length(&password, length), expected, "{}", password.len());
        }
    }
}
