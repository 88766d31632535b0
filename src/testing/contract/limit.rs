use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{CALLERS, Violation, epoch, race, rule};
use crate::store::{LimitCount, LimitStore, LimitUse, RateLimit};

type Checked = Result<(), Violation>;

const WINDOW: Duration = Duration::minutes(10);

/// Proves the contract of [`LimitStore`].
///
/// # Errors
/// The first [`Violation`].
pub async fn limits(store: Arc<dyn LimitStore>) -> Checked {
    no_use_is_lost(&store).await?;
    what_one_limit_refuses_does_not_count_for_the_next(&store).await?;
    a_window_ends_and_another_begins(&store).await?;
    four_at_once_do_not_wait_for_each_other(&store).await
}

fn one(key: &str, times: u32) -> LimitUse {
    LimitUse { key: key.to_owned(), limit: RateLimit { times, window: WINDOW } }
}

fn counted(times: u32, until: OffsetDateTime) -> LimitCount {
    LimitCount { times, until }
}

async fn no_use_is_lost(store: &Arc<dyn LimitStore>) -> Checked {
    const RULE: &str = "of uses that come at once each is counted";
    let counts = race(|_| {
        let store = Arc::clone(store);
        async move { store.count_uses(&[one("raced", 20)], epoch()).await }
    })
    .await?;
    let mut times: Vec<u32> = counts.iter().flatten().map(|count| count.times).collect();
    times.sort_unstable();
    rule(RULE, times.iter().copied().eq(1..=CALLERS as u32), &counts)?;
    let passed = counts.iter().flatten().filter(|count| !count.is_over(one("", 20).limit)).count();
    rule("a limit lets as many pass as it says, and not one more", passed == 20, &counts)
}

async fn what_one_limit_refuses_does_not_count_for_the_next(
    store: &Arc<dyn LimitStore>,
) -> Checked {
    const RULE: &str = "what one limit refuses does not count for those after it";
    let uses = [one("first", 2), one("second", 9), one("third", 1), one("fourth", 9)];
    let end = epoch() + WINDOW;
    for expected in [
        vec![counted(1, end), counted(1, end), counted(1, end), counted(1, end)],
        vec![counted(2, end), counted(2, end), counted(2, end)],
        vec![counted(3, end)],
        vec![counted(4, end)],
    ] {
        let counts = store.count_uses(&uses, epoch()).await?;
        rule(RULE, counts == expected, &counts)?;
    }
    let counts = store.count_uses(&uses[1..2], epoch()).await?;
    rule(RULE, counts == [counted(3, end)], &counts)?;
    let counts = store.count_uses(&[], epoch()).await?;
    rule("without a use nothing is counted", counts.is_empty(), counts)
}

async fn a_window_ends_and_another_begins(store: &Arc<dyn LimitStore>) -> Checked {
    const RULE: &str = "a window begins with its first use, ends in time, and comes again";
    let uses = [one("window", 1)];
    let (end, moment) = (epoch() + WINDOW, Duration::MICROSECOND);
    for (now, expected) in [
        (epoch(), counted(1, end)),
        (end - moment, counted(2, end)),
        (end, counted(1, end + WINDOW)),
        (end + moment, counted(2, end + WINDOW)),
    ] {
        let counts = store.count_uses(&uses, now).await?;
        rule(RULE, counts == [expected], &counts)?;
    }
    Ok(())
}

async fn four_at_once_do_not_wait_for_each_other(store: &Arc<dyn LimitStore>) -> Checked {
    const RULE: &str = "of many who count several uses each is answered";
    let counts = race(|caller| {
        let store = Arc::clone(store);
        let own = format!("a {}", caller % 3);
        let uses =
            [one(&own, 99), one("b", 99), one(&format!("c {}", caller % 2), 99), one("d", 99)];
        async move { store.count_uses(&uses, epoch()).await }
    })
    .await?;
    let last = counts.iter().filter_map(|counts| counts.get(3)).map(|count| count.times).max();
    rule(RULE, last == Some(CALLERS as u32), &counts)
}
