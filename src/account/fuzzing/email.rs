use crate::account::Email;
use crate::account::email::MAX_LENGTH;
use crate::fuzzing::Outcome;

/// An address that is read is in the spelling it is stored by, and no text of it can end its line,
/// its header field or its place in a list.
pub fn email(data: &[u8]) -> Outcome {
    let email = str::from_utf8(data).ok().and_then(|text| Email::parse(text).ok());
    let Some(email) = email else { return Outcome::Refused };
    let text = email.as_str();
    assert_eq!(Email::parse(text).as_ref(), Ok(&email));
    assert!(text.len() <= MAX_LENGTH);
    assert!(
        !text
            .contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c))
    );
    let parts: Vec<&str> = text.split('@').collect();
    assert!(
        matches!(parts[..], [local, domain] if !local.is_empty() && !domain.is_empty()),
        "{text}"
    );
    Outcome::Accepted
}
