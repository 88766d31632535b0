//! The pieces that the texts of hashes are made of.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Hashes shorter than this are no evidence, longer ones are made by nobody; in bytes.
pub(super) const KEY: std::ops::RangeInclusive<usize> = 16..=64;

const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Exactly so many parts between dollar signs.
pub(super) fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

/// A number in decimal digits; unlike `str::parse`, without a sign.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The numbers of `a=1,b=2`, whose names must be these, in this order.
pub(super) fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut pairs = text.split(',');
    let mut numbers = [0; N];
    for (slot, name) in numbers.iter_mut().zip(names) {
        let (found, value) = pairs.next()?.split_once('=')?;
        *slot = (found == name).then(|| number(value)).flatten()?;
    }
    pairs.next().is_none().then_some(numbers)
}

/// Base64 as Django writes it: with padding.
pub(super) fn padded_key(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|key| KEY.contains(&key.len()))
}

/// Base64 as PHC strings have it: without padding.
pub(super) fn unpadded_key(text: &str) -> Option<Vec<u8>> {
    unpadded(text).filter(|key| KEY.contains(&key.len()))
}

/// Base64 as PHC strings have it, or passlib, which writes `.` for `+`.
pub(super) fn unpadded(text: &str) -> Option<Vec<u8>> {
    UNPADDED.decode(text.replace('.', "+")).ok()
}
