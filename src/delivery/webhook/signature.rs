use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;
use uuid::Uuid;

use super::WebhookSecret;

/// The header with the message's id, which stays the same when it is sent again.
pub const HEADER_ID: HeaderName = HeaderName::from_static("webhook-id");
/// The header with the moment of this attempt, in seconds since 1970.
pub const HEADER_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The header with the signatures: `v1,` and the base64 of an HMAC-SHA-256, with spaces between.
pub const HEADER_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(super) const VERSION: &str = "v1";

/// The three headers of a webhook: of the message with this id, sent at this moment, signed with
/// each of these secrets. There is more than one while a secret rotates: the receiver may know
/// either.
pub fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a WebhookSecret>,
    id: Uuid,
    now: OffsetDateTime,
    body: &[u8],
) -> HeaderMap {
    let id = format!("msg_{}", id.simple());
    let timestamp = now.unix_timestamp().to_string();
    let signature = |secret: &WebhookSecret| {
        format!("{VERSION},{}", STANDARD.encode(secret.mac(&id, &timestamp, body)))
    };
    let signatures: Vec<_> = secrets.into_iter().map(signature).collect();
    let texts =
        [(HEADER_ID, id), (HEADER_TIMESTAMP, timestamp), (HEADER_SIGNATURE, signatures.join(" "))];
    // All three are plain ASCII.
    let header = |(name, text)| HeaderValue::try_from(text).ok().map(|value| (name, value));
    texts.into_iter().filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// The example of the specification, with an id of ours: computed by PyPI `standardwebhooks`.
    #[test]
    fn the_headers_are_those_of_standard_webhooks() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let now = datetime!(2022-11-20 19:09:24.9 UTC);
        let headers = sign([&secret], id, now, br#"{"test": 2432232314}"#);
        assert_eq!(headers.len(), 3);
        assert_eq!(headers[HEADER_ID], "msg_01900000000070008000000000000001");
        assert_eq!(headers[HEADER_TIMESTAMP], "1668971364");
        assert_eq!(headers[HEADER_SIGNATURE], "v1,yqXW2QAOM+Nwwc1AemWzLZnlU1B9+MzkAMjqT+8vyLE=");
    }

    #[test]
    fn while_a_secret_rotates_both_sign() {
        let old: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let new: WebhookSecret = "whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let now = datetime!(2026-11-20 12:00 UTC);
        let headers = |secrets: &[&WebhookSecret]| {
            let headers = sign(secrets.iter().copied(), Uuid::nil(), now, b"{}");
            headers[HEADER_SIGNATURE].to_str().unwrap().to_owned()
        };
        assert_eq!(headers(&[&new, &old]), format!("{} {}", headers(&[&new]), headers(&[&old])));
    }
}
