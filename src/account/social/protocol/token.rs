//! What a token endpoint answers (RFC 6749, sections 5.1 and 5.2).

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::limits;
use crate::crypto::Redacted;

/// Longer than any token lives.
const LONGEST_LIFE: u64 = 366 * 24 * 60 * 60;
/// The longest word for an error that is noted, in bytes.
const ERROR: usize = 64;

/// Tokens of a provider.
#[derive(Clone, Debug)]
pub(in crate::account::social) struct Issued {
    pub(in crate::account::social) access_token: Redacted<String>,
    pub(in crate::account::social) refresh_token: Option<Redacted<String>>,
    pub(in crate::account::social) id_token: Option<Redacted<String>>,
    /// How long the access token works, if the provider says.
    pub(in crate::account::social) expires_in: Option<Duration>,
    pub(in crate::account::social) scope: Option<String>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::account) enum TokenError {
    /// The provider says no, with this code.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// The provider's fault.
    #[error("the token response is no JSON object of the right shape and size")]
    Malformed,
    /// The provider's fault.
    #[error("the token is of another type than Bearer")]
    Type,
}

#[derive(Deserialize)]
struct Document {
    access_token: Option<String>,
    token_type: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    expires_in: Option<Seconds>,
    scope: Option<String>,
    error: Option<String>,
}

/// Seconds, which some write as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Issued {
    /// Reads the answer of a token endpoint, whatever its status: some refuse with a 200.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(in crate::account::social) fn read(json: &[u8]) -> Result<Self, TokenError> {
        if json.len() > limits::DOCUMENT {
            return Err(TokenError::Malformed);
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| TokenError::Malformed)?;
        if let Some(error) = document.error {
            let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
            return Err(TokenError::Refused(error.chars().take(ERROR).filter(plain).collect()));
        }
        let is_bearer =
            document.token_type.as_ref().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        if document.access_token.is_some() && !is_bearer {
            return Err(TokenError::Type);
        }
        let seconds = match document.expires_in {
            None => None,
            Some(Seconds::Number(seconds)) => Some(seconds),
            Some(Seconds::Text(text)) => Some(text.parse().map_err(|_| TokenError::Malformed)?),
        };
        let seconds = seconds.map(|seconds: u64| seconds.min(LONGEST_LIFE));
        Ok(Self {
            access_token: token(document.access_token)?.ok_or(TokenError::Malformed)?,
            refresh_token: token(document.refresh_token)?,
            id_token: token(document.id_token)?,
            expires_in: seconds
                .map(|seconds| Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX))),
            scope: document.scope.filter(|scope| scope.len() <= limits::URL),
        })
    }

    /// What is kept of it.
    pub(in crate::account::social) fn keep(self, now: OffsetDateTime) -> Tokens {
        Tokens {
            access_token: self.access_token.0,
            refresh_token: self.refresh_token.map(|token| token.0),
            expires_at: self.expires_in.map(|life| (now + life).unix_timestamp()),
            scope: self.scope,
        }
    }
}

/// A token as it can stand in a header: visible ASCII.
fn token(text: Option<String>) -> Result<Option<Redacted<String>>, TokenError> {
    let bad = |text: &String| {
        text.is_empty() || text.len() > limits::TOKEN || !text.bytes().all(|b| b.is_ascii_graphic())
    };
    match text {
        Some(text) if bad(&text) => Err(TokenError::Malformed),
        text => Ok(text.map(Redacted)),
    }
}

/// Tokens as they are sealed and kept.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::account) struct Tokens {
    pub(in crate::account::social) access_token: String,
    pub(in crate::account::social) refresh_token: Option<String>,
    /// In seconds since 1970.
    pub(in crate::account::social) expires_at: Option<i64>,
    pub(in crate::account::social) scope: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_kept_until_they_are_over() {
        let json = br#"{"access_token":"a","token_type":"bearer","expires_in":"3600",
            "refresh_token":"r","id_token":"i","scope":"openid email"}"#;
        let issued = Issued::read(json).unwrap();
        assert_eq!(format!("{issued:?}").matches("[redacted]").count(), 3);
        let kept = issued.keep(OffsetDateTime::UNIX_EPOCH);
        assert_eq!((kept.expires_at, kept.refresh_token.as_deref()), (Some(3600), Some("r")));
        assert_eq!(format!("{kept:?}"), "Tokens([redacted])");
        let huge =
            br#"{"access_token":"a","token_type":"Bearer","expires_in":18446744073709551615}"#;
        let kept = Issued::read(huge).unwrap().keep(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(kept.expires_at, Some(366 * 24 * 60 * 60));
    }

    #[test]
    fn what_is_no_token_response_is_refused() {
        let refused = |code: &str| Err(TokenError::Refused(code.to_owned()));
        let long = format!(
            r#"{{"access_token":"{}","token_type":"Bearer"}}"#,
            "a".repeat(limits::TOKEN + 1)
        );
        for (json, expected) in [
            (
                r#"{"error":"invalid_grant","access_token":"a","token_type":"Bearer"}"#,
                refused("invalid_grant"),
            ),
            (r#"{"error":"bad\r\nverification code"}"#, refused("badverificationcode")),
            (r#"{"access_token":"a"}"#, Err(TokenError::Type)),
            (r#"{"access_token":"a","token_type":"DPoP"}"#, Err(TokenError::Type)),
            (r#"{"access_token":"","token_type":"Bearer"}"#, Err(TokenError::Malformed)),
            (r#"{"access_token":"a b","token_type":"Bearer"}"#, Err(TokenError::Malformed)),
            (r#"{"access_token":"a\n","token_type":"Bearer"}"#, Err(TokenError::Malformed)),
            (
                r#"{"access_token":"a","token_type":"Bearer","id_token":"é"}"#,
                Err(TokenError::Malformed),
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","expires_in":"soon"}"#,
                Err(TokenError::Malformed),
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","expires_in":-1}"#,
                Err(TokenError::Malformed),
            ),
            (&long, Err(TokenError::Malformed)),
            ("{}", Err(TokenError::Malformed)),
            ("[]", Err(TokenError::Malformed)),
            ("access_token=a&token_type=bearer", Err(TokenError::Malformed)),
        ] {
            assert_eq!(Issued::read(json.as_bytes()).map(drop), expected, "{json}");
        }
    }
}
