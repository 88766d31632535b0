//! Answers at even times.
//!
//! Who asks for a link, signs up, or fails to log in, with an address of nobody's costs the store less
//! than with that of a user: there is nothing to write, or to read; and a login that lacks only the
//! confirmation of the address writes a mail. On a quiet network that fraction of
//! a millisecond could be measured, so these answers wait for the next stroke of a clock that starts
//! with the question.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Waits for `answer`, and then, if it is one that `must_wait`, until a whole number of `step`s (at
/// least one) has gone by since it was asked for. A step of zero waits for nothing.
pub(super) async fn evenly<T>(
    step: time::Duration,
    answer: impl Future<Output = T>,
    must_wait: impl FnOnce(&T) -> bool,
) -> T {
    let asked = Instant::now();
    let answer = answer.await;
    if let (true, Ok(step)) = (must_wait(&answer), Duration::try_from(step)) {
        sleep_until(asked + stroke(step, asked.elapsed())).await;
    }
    answer
}

/// The first multiple of `step` that is not before `spent`.
fn stroke(step: Duration, spent: Duration) -> Duration {
    let (step, spent) = (step.as_nanos(), spent.as_nanos());
    let steps = if step == 0 { 0 } else { spent.div_ceil(step).max(1) };
    Duration::from_nanos(u64::try_from(steps * step).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;

    proptest! {
        #[test]
        fn a_stroke_is_the_next_multiple(step in 1_u64..5_000_000_000, spent in 0_u64..60_000_000_000) {
            let due = stroke(Duration::from_nanos(step), Duration::from_nanos(spent));
            let due = u64::try_from(due.as_nanos()).unwrap();
            prop_assert!(due >= spent && due > 0);
            prop_assert_eq!(due % step, 0);
            prop_assert!(due - spent < step || due == step);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn quick_and_slow_answers_come_at_the_same_time() {
        let step = time::Duration::milliseconds(100);
        for (takes, comes_after) in [(0, 100), (1, 100), (99, 100), (101, 200), (250, 300)] {
            let asked = Instant::now();
            evenly(step, sleep(Duration::from_millis(takes)), |()| true).await;
            assert_eq!(asked.elapsed(), Duration::from_millis(comes_after), "{takes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_step_or_a_need_nothing_waits() {
        for step in [time::Duration::ZERO, -time::Duration::SECOND] {
            let asked = Instant::now();
            evenly(step, async {}, |()| true).await;
            assert_eq!(asked.elapsed(), Duration::ZERO);
        }
        let asked = Instant::now();
        evenly(time::Duration::SECOND, async {}, |()| false).await;
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
}
