//! Base64url without padding, in its one canonical spelling (RFC 7515 section 2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes `bytes`.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Encodes `bytes` to the end of `text`.
pub(super) fn encode_into(bytes: impl AsRef<[u8]>, text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// The length of the encoding of `bytes` bytes.
pub(super) const fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// Decodes `text`; `None` when it is padded, holds another alphabet or white space, or has trailing
/// bits set. Were those bits ignored, one signature would have several spellings.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(decode("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
        for text in ["-_8=", "+/8", "-_8 ", "-_9", "-_8\n", "-", "-_8=="] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_length_is_known_before() {
        for len in 0..50 {
            assert_eq!(encode(vec![7; len]).len(), encoded_len(len));
        }
    }
}
