use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stable id of a user: the host's own key, or a UUIDv7 of ours. 1 to 255 printable ASCII
/// characters, so that it can be the `sub` of OpenID Connect Core, section 2. Never an email
/// address that can change hands.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Arc<str>);

/// The text is no [`UserId`]: empty, longer than 255 bytes, or not printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user id is 1 to 255 printable ASCII characters")]
pub struct InvalidUserId;

impl UserId {
    /// The id with this text.
    ///
    /// # Errors
    /// [`InvalidUserId`] unless it is 1 to 255 printable ASCII characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidUserId> {
        let text = text.into();
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(InvalidUserId) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for UserId {
    fn from(id: Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidUserId;

    fn try_from(text: String) -> Result<Self, InvalidUserId> {
        Self::new(text)
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({})", self.0)
    }
}

/// The public id of a login session: the `sid` of ID tokens and logout tokens. It names a session
/// and opens nothing; the session's secret token is another value and changes more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_printable_ascii_of_bounded_length() {
        assert!(UserId::new("x".repeat(255)).is_ok());
        for bad in ["", "a b", "a\n", "é", &"x".repeat(256)] {
            assert_eq!(UserId::new(bad), Err(InvalidUserId));
        }
    }
}
