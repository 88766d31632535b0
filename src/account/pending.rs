//! A login that was proven as far as it has got, and which waits for its next step: a code of the
//! second factor, the choice of another password, or the word that the account is to be kept.
//!
//! Nothing of it is stored, and it is no session: the browser keeps a sealed cookie that only the
//! page of that step reads. It dies after five minutes, and when the user's epoch moves, as by a
//! reset of the password. At the end of its step it is replaced by a session.

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::Email;
use super::cookie::SealedCookie;
use super::sign_in::{ProvenAt, SignIn};
use crate::crypto::{Keyring, Purpose, Random};
use crate::http::CookiePolicy;
use crate::scope::{Method, UserId};

/// How long a login waits, whatever for.
const WAITS: Duration = Duration::minutes(5);

/// What a login waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A code of the second factor.
    Code,
    /// The choice of another password.
    Password,
    /// The answer whether to keep an account that is going to be deleted.
    Keep,
}

/// Reads and writes the cookie of a step.
#[derive(Clone, Debug)]
pub(super) struct PendingLogins {
    cookie: SealedCookie,
}

/// The login.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) user: UserId,
    email: String,
    pub(super) methods: Vec<Method>,
    pub(super) remember: bool,
    pub(super) epoch: i64,
    /// Whether another password must be chosen before there is a session.
    #[serde(default)]
    pub(super) must_change_password: bool,
    /// Whether the browser is to ask for no second factor for a while.
    #[serde(default)]
    pub(super) trust: bool,
    /// Where the user logged in, if not here.
    #[serde(default)]
    pub(super) login_path: Option<String>,
    /// When was proven what was proven so far.
    #[serde(default)]
    pub(super) proven_at: ProvenAt,
    /// In microseconds since 1970.
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
}

impl PendingLogins {
    pub(super) fn new(step: Step, policy: CookiePolicy, keyring: &Keyring) -> Self {
        let (name, purpose) = match step {
            Step::Code => ("pending-login", "account/pending-login"),
            Step::Keep => ("keep-account", "account/keep"),
            Step::Password => ("pending-password", "account/pending-password"),
        };
        let (purpose, keyring) = (Purpose::new(purpose), keyring.clone());
        Self { cookie: SealedCookie { name, purpose, policy, keyring } }
    }

    /// The login that waits in the browser behind a request, and the address it began with.
    pub(super) fn read(
        &self,
        request: &HeaderMap,
        now: OffsetDateTime,
    ) -> Option<(Pending, Email)> {
        let pending: Pending = self.cookie.read(request)?;
        let email = Email::parse(&pending.email).ok()?;
        (now < pending.until).then_some((pending, email))
    }

    /// Lets a login wait; once it is through, the browser is to be trusted, or not.
    pub(super) fn keep(
        &self,
        random: &dyn Random,
        answer: &mut HeaderMap,
        (who, trust): (&SignIn<'_>, bool),
        now: OffsetDateTime,
    ) {
        let pending = Pending {
            user: who.account.id().clone(),
            email: who.email.as_str().to_owned(),
            methods: who.methods.clone(),
            remember: who.remember,
            epoch: who.device_epoch,
            must_change_password: who.must_change_password,
            trust,
            login_path: who.login_path.clone(),
            proven_at: who.proven_at,
            until: now + WAITS,
        };
        answer.append(SET_COOKIE, self.cookie.set(random, &pending, WAITS));
    }

    /// The login does not wait any more.
    pub(super) fn forget(&self, answer: &mut HeaderMap) {
        answer.append(SET_COOKIE, self.cookie.clear());
    }
}
