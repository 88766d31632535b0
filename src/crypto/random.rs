use std::fmt::Debug;

use time::OffsetDateTime;
use uuid::{Builder, Uuid};

use super::OpaqueToken;

/// Where unpredictable bytes come from.
///
/// An implementation that cannot produce randomness must abort the process rather than return:
/// no caller could go on safely.
pub trait Random: Debug + Send + Sync + 'static {
    /// Fills `bytes` with cryptographically secure random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, by way of aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    #[expect(clippy::panic, reason = "without randomness no answer of this crate is safe")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            panic!("the operating system gave no random bytes");
        }
    }
}

/// What is made from random bytes.
pub trait RandomExt: Random {
    /// `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A fresh 256-bit token.
    fn token(&self) -> OpaqueToken {
        OpaqueToken::from_bytes(self.bytes())
    }

    /// A UUID version 7 (RFC 9562, section 5.7) of the moment `now`.
    fn uuid_v7(&self, now: OffsetDateTime) -> Uuid {
        let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}

impl<R: Random + ?Sized> RandomExt for R {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_sort_by_time_and_differ() {
        let early = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let first = SystemRandom.uuid_v7(early);
        let second = SystemRandom.uuid_v7(early + time::Duration::milliseconds(1));
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
        assert_ne!(SystemRandom.uuid_v7(early), first);
    }
}
