use time::Duration;

use crate::store::LONGEST_ACCESS_TOKEN;

/// How long things last. Each is checked when the server is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// An authorization code. 60 s by default, the most that FAPI 2.0 allows.
    pub code: Duration,
    /// An access token. 10 minutes by default.
    pub access_token: Duration,
    /// An ID token. 1 hour by default.
    pub id_token: Duration,
    /// A refresh token that nobody uses; each rotation begins anew. 30 days by default.
    pub refresh_token: Duration,
    /// How long a repeated refresh gets the same successor. 30 s by default; zero turns it off.
    pub refresh_grace: Duration,
    /// An authorization interaction: log-in and consent. 1 hour by default.
    pub interaction: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: Duration::MINUTE,
            access_token: Duration::minutes(10),
            id_token: Duration::HOUR,
            refresh_token: Duration::days(30),
            refresh_grace: Duration::seconds(30),
            interaction: Duration::HOUR,
        }
    }
}

impl Lifetimes {
    /// The bounds, in one place.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let second = Duration::SECOND;
        let within = |value, from, to| from <= value && value <= to;
        if !within(self.code, second, Duration::minutes(10)) {
            Err("a code lasts 1 second to 10 minutes (RFC 6749, section 4.1.2)")
        } else if !within(self.access_token, second, LONGEST_ACCESS_TOKEN) {
            Err("an access token lasts 1 second to 1 day: its revocation is remembered as long")
        } else if !within(self.id_token, second, Duration::DAY) {
            Err("an ID token lasts 1 second to 1 day")
        } else if !within(self.refresh_token, second, Duration::days(3650)) {
            Err("a refresh token lasts 1 second to 10 years")
        } else if !within(self.refresh_grace, Duration::ZERO, Duration::minutes(5)) {
            Err("the grace window of a refresh lasts at most 5 minutes")
        } else if !within(self.interaction, Duration::MINUTE, Duration::DAY) {
            Err("an interaction lasts 1 minute to 1 day")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_bounds() {
        assert_eq!(Lifetimes::default().check(), Ok(()));
        let bad: [fn(&mut Lifetimes); 6] = [
            |l| l.code = Duration::HOUR,
            |l| l.access_token = Duration::ZERO,
            |l| l.id_token = Duration::days(2),
            |l| l.refresh_token = -Duration::SECOND,
            |l| l.refresh_grace = Duration::HOUR,
            |l| l.interaction = Duration::SECOND,
        ];
        for change in bad {
            let mut lifetimes = Lifetimes::default();
            change(&mut lifetimes);
            assert!(lifetimes.check().is_err(), "{lifetimes:?}");
        }
    }
}
