use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::crypto::{Random, RandomExt as _};

const PREFIX: &str = "whsec_";

/// What sender and receiver of a webhook share: 24 to 64 bytes, written `whsec_` and base64.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// The text is no [`WebhookSecret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is \"whsec_\" and the base64 of 24 to 64 bytes")]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// A new secret of 32 bytes.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Zeroizing::new(random.bytes::<32>().to_vec()))
    }

    /// The text, to hand to the receiver, and to be sealed and stored.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.as_slice()))
    }

    /// HMAC-SHA-256 of a message.
    pub(super) fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidWebhookSecret;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() <= 88);
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).map(Zeroizing::new);
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        bytes.map(Self).ok_or(InvalidWebhookSecret)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        for (length, good) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; length]));
            assert_eq!(text.parse::<WebhookSecret>().is_ok(), good, "{length}");
        }
        let good = WebhookSecret::generate(&SystemRandom);
        assert_eq!(good.0.len(), 32);
        let text = good.expose();
        for bad in ["", "whsec_", &text[6..], &text.replace('=', ""), &format!(" {text}")] {
            assert_eq!(bad.parse::<WebhookSecret>().unwrap_err(), InvalidWebhookSecret, "{bad:?}");
        }
        assert_eq!(format!("{good:?}"), "WebhookSecret([redacted])");
    }

    proptest! {
        #[test]
        fn a_secret_is_read_back_and_nothing_else_is(
            bytes in prop::collection::vec(any::<u8>(), 24..=64), noise in "(whsec_)?.{0,100}",
        ) {
            let secret = WebhookSecret(Zeroizing::new(bytes));
            prop_assert_eq!(&secret.expose().parse::<WebhookSecret>().unwrap().0, &secret.0);
            if let Ok(read) = noise.parse::<WebhookSecret>() {
                prop_assert_eq!(read.expose(), noise);
            }
        }
    }
}
