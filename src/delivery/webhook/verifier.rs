use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use time::{Duration, OffsetDateTime};

use super::signature::VERSION;
use super::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, WebhookSecret};
use crate::crypto::constant_time_eq;

/// How many signatures of one message are looked at.
const MAX_SIGNATURES: usize = 16;
/// The longest id, in bytes.
const MAX_ID: usize = 255;

/// What a receiver of webhooks checks them with.
#[derive(Clone, Debug)]
pub struct WebhookVerifier {
    secrets: Vec<WebhookSecret>,
    tolerance: Duration,
}

/// What is known of a message whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedWebhook {
    /// Its id. The same message may come more than once, always with the same id; a receiver
    /// remembers the ids it has seen.
    pub id: String,
    /// When this attempt was sent, in whole seconds.
    pub sent_at: OffsetDateTime,
}

/// Why a message is refused. All of them are answered alike, with 400 or 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A header is missing, is there twice, or can't be read.
    #[error("the header {0} is missing, is there twice, or is malformed")]
    Header(HeaderName),
    /// The message was sent too long ago, or in the future: it may have been kept for a replay, or
    /// one of the two clocks is wrong.
    #[error("the message was sent at another time than now; check the clock")]
    Timestamp,
    /// No signature is by one of our secrets: someone else sent it, or its body was changed on the
    /// way, for example by a framework that parsed and printed it again.
    #[error("no signature matches; check the secret, and that the body is verified as it came")]
    Signature,
}

impl WebhookVerifier {
    /// One that accepts messages signed with any of these secrets: the present one and, while it
    /// rotates, the next.
    pub fn new(secrets: impl IntoIterator<Item = WebhookSecret>) -> Self {
        Self { secrets: secrets.into_iter().collect(), tolerance: Duration::minutes(5) }
    }

    /// How long ago a message may have been sent, and how far in the future; five minutes unless
    /// set.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks a message, `body` being the very bytes that came.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: OffsetDateTime,
    ) -> Result<VerifiedWebhook, WebhookError> {
        // A dot would let the end of the id pass for the timestamp, and the timestamp for the
        // beginning of the body.
        let readable = |id: &&str| !id.is_empty() && id.len() <= MAX_ID && !id.contains('.');
        let id = header(headers, HEADER_ID, readable)?;
        let digits = |text: &&str| {
            (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        let timestamp = header(headers, HEADER_TIMESTAMP, digits)?;
        let signatures = header(headers, HEADER_SIGNATURE, |text| !text.is_empty())?;

        let sent_at = timestamp.parse().ok().map(OffsetDateTime::from_unix_timestamp);
        let Some(Ok(sent_at)) = sent_at else { return Err(WebhookError::Timestamp) };
        if (now - sent_at).abs() > self.tolerance {
            return Err(WebhookError::Timestamp);
        }
        let expected: Vec<_> =
            self.secrets.iter().map(|secret| secret.mac(id, timestamp, body)).collect();
        let known = signatures.split(' ').filter_map(|text| text.split_once(','));
        let known = known.filter(|(version, _)| *version == VERSION).take(MAX_SIGNATURES);
        let good =
            known.filter_map(|(_, mac)| STANDARD.decode(mac).ok()).fold(false, |good, mac| {
                expected.iter().fold(good, |good, expected| good | constant_time_eq(expected, &mac))
            });
        if !good {
            return Err(WebhookError::Signature);
        }
        Ok(VerifiedWebhook { id: id.to_owned(), sent_at })
    }
}

/// The header's value, if there is one, and it is as it should be.
fn header(
    headers: &HeaderMap,
    name: HeaderName,
    fits: impl Fn(&&str) -> bool,
) -> Result<&str, WebhookError> {
    let mut values = headers.get_all(&name).iter();
    let (value, more) = (values.next(), values.next());
    let value = value.filter(|_| more.is_none()).and_then(|value| value.to_str().ok());
    value.filter(fits).ok_or(WebhookError::Header(name))
}

#[cfg(test)]
mod tests;
