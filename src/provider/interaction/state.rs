use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{AuthorizationRequest, ConsentGiven};
use crate::crypto::{OpaqueToken, Random, RandomExt as _, Redacted};

/// How often one interaction sends the user to log in before the client is told that they did not.
pub(super) const MAX_LOGINS: u8 = 8;

/// The public name of an interaction: 128 random bits. It opens nothing without the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::provider) struct InteractionId(String);

impl InteractionId {
    /// The length of its text in characters.
    const LENGTH: usize = 22;

    pub(in crate::provider) fn new(random: &dyn Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random.bytes::<16>()))
    }

    /// Reads one from a URL or a cookie's name.
    pub(in crate::provider) fn parse(text: &str) -> Option<Self> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (text.len() == Self::LENGTH && text.bytes().all(base64url)).then(|| Self(text.to_owned()))
    }

    pub(in crate::provider) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An interaction in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provider) struct Interaction {
    pub(in crate::provider) id: InteractionId,
    pub(in crate::provider) request: AuthorizationRequest,
    pub(super) thread: Thread,
    /// Whether the request is in the store.
    pub(super) stored: bool,
}

/// What holds an interaction together from one request to the next, besides the client's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thread {
    /// What the code is derived from.
    #[serde(with = "redacted_bytes")]
    secret: Redacted<[u8; 32]>,
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub(super) started_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub(super) expires_at: OffsetDateTime,
    /// How often the user was sent to log in.
    pub(super) logins: u8,
}

impl Interaction {
    /// An interaction that begins now.
    pub(in crate::provider) fn start(
        request: AuthorizationRequest,
        random: &dyn Random,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Self {
        let thread = Thread {
            secret: Redacted(random.bytes()),
            started_at: now,
            expires_at: now + lifetime,
            logins: 0,
        };
        Self { id: InteractionId::new(random), request, thread, stored: false }
    }

    /// The same interaction after the user was sent to log in once more.
    #[must_use]
    pub(in crate::provider) fn after_login(mut self) -> Self {
        self.thread.logins = self.thread.logins.saturating_add(1);
        self
    }

    /// From when on it is over.
    pub(in crate::provider) fn expires_at(&self) -> OffsetDateTime {
        self.thread.expires_at
    }

    /// The code that this interaction yields to this user in this login: always the same one.
    /// Another user of the same browser would get another, which the interaction then has not got
    /// to give.
    pub(in crate::provider) fn code_for(&self, consent: &ConsentGiven) -> OpaqueToken {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.thread.secret.0);
        let (account, login) = (consent.user().account(), consent.user().authentication());
        let parts = [
            "authorization code",
            self.id.as_str(),
            account.id().as_str(),
            &login.session_id.to_string(),
            &login.at.unix_timestamp_nanos().to_string(),
        ];
        let tag = hmac::sign(&key, parts.join("\0").as_bytes());
        let mut code = [0; 32];
        code.copy_from_slice(tag.as_ref());
        OpaqueToken::from_bytes(code)
    }
}

mod redacted_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::crypto::Redacted;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Redacted<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Redacted<[u8; 32]>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(&*text).map_err(de::Error::custom)?;
        bytes.try_into().map(Redacted).map_err(|_| de::Error::custom("not 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_22_characters_of_base64url() {
        let id = InteractionId::new(&crate::crypto::SystemRandom);
        assert_eq!(InteractionId::parse(id.as_str()), Some(id));
        for bad in
            ["", "a", "../../../etc/passwd/xx", "aaaaaaaaaaaaaaaaaaaaa=", "aaaaaaaaaaaaaaaaaaaaaé"]
        {
            assert_eq!(InteractionId::parse(bad), None, "{bad}");
        }
    }
}
