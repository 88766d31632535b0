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

    /// A number below `BOUND`, each as likely as every other.
    ///
    /// It draws again rather than take a remainder that would favour the small ones.
    ///
    /// ```
    /// use donjon::crypto::{RandomExt as _, SystemRandom};
    ///
    /// let die = SystemRandom.below::<6>() + 1;
    /// assert!((1..=6).contains(&die));
    /// ```
    fn below<const BOUND: u32>(&self) -> u32 {
        const { assert!(BOUND > 0, "no number is below 0") };
        let whole_rounds = (1 << 32) / u64::from(BOUND) * u64::from(BOUND);
        loop {
            let drawn = u32::from_be_bytes(self.bytes());
            if u64::from(drawn) < whole_rounds {
                return drawn % BOUND;
            }
        }
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
    use std::sync::Mutex;

    use super::*;

    /// Gives out these numbers, in turn.
    #[derive(Debug)]
    struct Script(Mutex<Vec<u32>>);

    impl Random for Script {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.lock().unwrap().remove(0).to_be_bytes());
        }
    }

    #[test]
    fn what_would_favour_small_numbers_is_drawn_again() {
        let below = |drawn: &[u32]| Script(Mutex::new(drawn.to_vec())).below::<1_000_000>();
        // 4294 whole rounds of a million fit into 32 bits; what is beyond them is no fair draw.
        assert_eq!(below(&[4_293_999_999]), 999_999);
        assert_eq!(below(&[4_294_000_000, u32::MAX, 7]), 7);
        assert_eq!(Script(Mutex::new(vec![u32::MAX])).below::<256>(), 255);
        assert_eq!(Script(Mutex::new(vec![u32::MAX])).below::<1>(), 0);
        assert_eq!(Script(Mutex::new(vec![u32::MAX, 3])).below::<{ u32::MAX }>(), 3);
    }

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
