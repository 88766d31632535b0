use std::time::{Duration, Instant};

use super::hash::{HashCost, Hasher};
use crate::crypto::SystemRandom;

/// The share of the target that makes another pass, or more memory, not worth it.
const CLOSE_ENOUGH: f64 = 0.9;
/// A proposal is corrected so often; two are mostly enough.
const CORRECTIONS: usize = 4;

/// What [`HashCost::tune`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuned {
    /// What to configure.
    pub cost: HashCost,
    /// How long one hash took here, with nothing else to do.
    pub takes: Duration,
}

impl HashCost {
    /// Measures this machine, and proposes what a hash may cost so that it takes about `target`,
    /// with at most `memory` KiB: as much memory as fits, and then more passes (RFC 9106,
    /// section 4). Never less than the default, which is the least that OWASP recommends, even if
    /// that takes longer.
    ///
    /// It blocks for some dozen times the target, so it belongs into a tool or a test that prints
    /// what to configure, not into the start of every process: machines under load would hash
    /// at another cost each day, and every user would be hashed again.
    ///
    /// A target of 20 to 100 ms is common. The pool hashes on all cores but one, so that the
    /// machine then makes at most `(cores - 1) / target` logins a second, and takes
    /// `(cores - 1) * memory` for them.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use donjon::account::password::HashCost;
    ///
    /// let tuned = HashCost::tune(Duration::from_millis(25), 64 * 1024);
    /// println!("{:?} takes {:?}", tuned.cost, tuned.takes);
    /// assert!(tuned.cost.memory >= HashCost::default().memory && tuned.cost.memory <= 64 * 1024);
    /// ```
    pub fn tune(target: Duration, memory: u32) -> Tuned {
        propose(target, memory, measure)
    }
}

/// The best of three: what disturbs a measurement only makes it longer.
#[expect(clippy::disallowed_methods, reason = "to measure is what this is for")]
fn measure(cost: HashCost) -> Duration {
    let Ok(hasher) = Hasher::new(cost) else { return Duration::MAX };
    let once = || {
        let start = Instant::now();
        hasher.hash(&SystemRandom, "correct horse battery staple");
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or(Duration::MAX)
}

/// One lane: a server has other passwords for its other cores.
fn propose(target: Duration, memory: u32, measure: impl Fn(HashCost) -> Duration) -> Tuned {
    let floor = HashCost::default();
    let most = memory.max(floor.memory);
    let mut best = Tuned { cost: floor, takes: measure(floor) };
    let share = |takes: Duration| takes.as_secs_f64() / target.as_secs_f64().max(f64::EPSILON);
    for _ in 0..CORRECTIONS {
        let share = share(best.takes);
        let next = next(best.cost, share, most);
        if (CLOSE_ENOUGH..=1.0).contains(&share) || next == best.cost {
            break;
        }
        best = Tuned { cost: next, takes: measure(next) };
    }
    best
}

/// The cost that would take all of the target, where `cost` takes this share of it. Time grows with
/// memory times passes.
fn next(cost: HashCost, share: f64, most: u32) -> HashCost {
    let floor = HashCost::default();
    let room = f64::from(cost.memory) * f64::from(cost.passes) / share.max(f64::EPSILON);
    let memory = clamped(room / f64::from(floor.passes), floor.memory, most);
    let passes = clamped(room / f64::from(memory), floor.passes, u32::from(u16::MAX));
    HashCost { memory, passes, lanes: floor.lanes }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that is cast to an integer ends at its bounds, and is clamped anyway"
)]
fn clamped(value: f64, least: u32, most: u32) -> u32 {
    (value as u32).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that fills so many KiB a second, and starts to stumble beyond a cache.
    fn machine(speed: f64, cache: u32) -> impl Fn(HashCost) -> Duration {
        move |cost| {
            let filled = f64::from(cost.memory) * f64::from(cost.passes);
            let stumbles = if cost.memory > cache { 1.4 } else { 1.0 };
            Duration::from_secs_f64(filled * stumbles / speed)
        }
    }

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn memory_comes_first_and_passes_fill_the_rest() {
        for cache in [0, 30_000, u32::MAX] {
            let machine = machine(4_000_000.0, cache);
            let roomy = propose(50 * MILLI, u32::MAX, &machine);
            assert_eq!((roomy.cost.passes, roomy.cost.lanes), (2, 1));
            assert!(roomy.cost.memory > 60_000, "{roomy:?}");
            let tight = propose(50 * MILLI, 20_000, &machine);
            assert_eq!(tight.cost.memory, 20_000);
            assert!(tight.cost.passes > 5, "{tight:?}");
            for tuned in [roomy, tight] {
                let share = tuned.takes.as_secs_f64() / 0.05;
                assert!((0.7..=1.0).contains(&share), "{tuned:?}");
                assert_eq!(tuned.takes, machine(tuned.cost));
            }
        }
    }

    #[test]
    fn a_slow_machine_gets_the_least_that_is_safe() {
        let tuned = propose(10 * MILLI, 1024, machine(100_000.0, 0));
        assert_eq!(tuned.cost, HashCost::default());
        assert!(tuned.takes > 10 * MILLI);
        for target in [Duration::ZERO, Duration::from_nanos(1)] {
            assert_eq!(propose(target, u32::MAX, machine(1e6, 0)).cost, HashCost::default());
        }
    }

    #[test]
    fn no_machine_is_too_fast_or_too_odd() {
        for takes in [Duration::ZERO, Duration::MAX] {
            let tuned = propose(50 * MILLI, 65_536, |_| takes);
            assert!(tuned.cost.memory <= 65_536 && tuned.cost.passes <= 65_535, "{tuned:?}");
            assert!(Hasher::new(tuned.cost).is_ok());
        }
    }

    #[test]
    fn this_machine_is_measured() {
        let tuned = HashCost::tune(MILLI, 0);
        assert_eq!(tuned.cost, HashCost::default());
        assert!(tuned.takes > MILLI / 100);
    }
}
