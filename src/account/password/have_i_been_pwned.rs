use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest;
use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode};
use tokio::time::timeout;

use super::breached::{BreachError, BreachedPasswords};
use crate::http::{Egress, EgressError, is_fetchable};

const RANGES: &str = "https://api.pwnedpasswords.com/range/";
/// How many of the forty hexadecimal digits of a hash are told.
const TOLD: usize = 5;

/// The passwords that [Have I Been Pwned](https://haveibeenpwned.com/API/v3#PwnedPasswords) knows.
///
/// The service learns five of the forty digits of the password's SHA-1 and no more, which hundreds
/// of leaked passwords share, and answers with the rest of each; padding keeps those who see the
/// length of the answer from guessing the five digits.
///
/// ```
/// use donjon::account::password::{HaveIBeenPwned, PasswordRules};
/// use donjon::http::Egress;
///
/// let rules = PasswordRules::default().breached(HaveIBeenPwned::new(Egress::new()));
/// # drop(rules);
/// ```
#[derive(Clone, Debug)]
pub struct HaveIBeenPwned {
    egress: Egress,
    ranges: String,
    time_limit: Duration,
}

/// The address of a mirror is no https URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the mirror is no https URL")]
pub struct InvalidMirror;

/// Why the service could not tell.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error("no answer in time")]
    Time,
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is not a list of hashes")]
    Form,
}

impl HaveIBeenPwned {
    /// The public service, which needs no key.
    pub fn new(egress: Egress) -> Self {
        let time_limit = Duration::from_secs(2);
        Self { egress, ranges: RANGES.to_owned(), time_limit }
    }

    /// A service of the same form elsewhere: five digits are appended to the URL.
    ///
    /// # Errors
    /// [`InvalidMirror`].
    pub fn mirror(egress: Egress, ranges: &str) -> Result<Self, InvalidMirror> {
        let ranges = ranges.to_owned();
        if !is_fetchable(&ranges) {
            return Err(InvalidMirror);
        }
        Ok(Self { ranges, ..Self::new(egress) })
    }

    /// How long the answer may take; two seconds. More than [`Egress`] allows makes no difference.
    #[must_use]
    pub fn time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    async fn ask(&self, password: &str) -> Result<u64, Fault> {
        let hash = sha1_hex(password);
        let (told, kept) = hash.split_at_checked(TOLD).ok_or(Fault::Form)?;
        let request = Request::get(format!("{}{told}", self.ranges))
            .header(ACCEPT, "text/plain")
            .header(USER_AGENT, concat!("donjon/", env!("CARGO_PKG_VERSION")))
            .header("add-padding", "true")
            .body(Bytes::new())
            .map_err(|_| EgressError::Url)?;
        let answer = timeout(self.time_limit, self.egress.send(request))
            .await
            .map_err(|_| Fault::Time)??;
        if answer.status() != StatusCode::OK {
            return Err(Fault::Status(answer.status()));
        }
        let list = std::str::from_utf8(answer.body()).map_err(|_| Fault::Form)?;
        find(list, kept).ok_or(Fault::Form)
    }
}

#[async_trait]
impl BreachedPasswords for HaveIBeenPwned {
    async fn count(&self, password: &str) -> Result<u64, BreachError> {
        self.ask(password).await.map_err(|fault| BreachError(fault.into()))
    }
}

/// How often the hash with this ending was seen. Padding is in the list with a count of zero, and
/// an ending that is not there counts the same. `None` if this is no such list: that nothing was
/// found in a login page of some hotel's network means nothing.
fn find(list: &str, ending: &str) -> Option<u64> {
    let lines = list.trim_end().lines().map(|line| {
        let (other, count) = line.trim().split_once(':')?;
        let is_ending = other.len() == ending.len() && other.bytes().all(|b| b.is_ascii_hexdigit());
        let count: u64 = count.parse().ok()?;
        is_ending.then_some(if other.eq_ignore_ascii_case(ending) { count } else { 0 })
    });
    let counts: Vec<u64> = lines.collect::<Option<_>>()?;
    // There is no range without a password.
    counts.into_iter().max()
}

/// The SHA-1 that such lists have passwords by, in upper case.
fn sha1_hex(password: &str) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests;
