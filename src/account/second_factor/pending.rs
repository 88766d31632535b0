//! A login whose first factor was right, and which waits for the second.
//!
//! Nothing of it is stored, and it is no session: the browser keeps a sealed cookie that only the
//! page which asks for the code reads. It dies after five minutes, and when the user's epoch
//! moves, as by a reset of the password. Whoever steals it still needs a code.

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::account::Email;
use crate::account::cookie::SealedCookie;
use crate::account::sign_in::SignIn;
use crate::crypto::{Keyring, Purpose, Random};
use crate::http::CookiePolicy;
use crate::scope::{Method, UserId};

const PURPOSE: Purpose = Purpose::new("account/pending-login");
/// How long a login waits.
const WAITS: Duration = Duration::minutes(5);

/// Reads and writes the cookie.
#[derive(Clone, Debug)]
pub(in crate::account) struct PendingLogins(SealedCookie);

/// The login.
#[derive(Serialize, Deserialize)]
pub(in crate::account) struct Pending {
    pub(in crate::account) user: UserId,
    email: String,
    pub(in crate::account) methods: Vec<Method>,
    pub(in crate::account) remember: bool,
    pub(in crate::account) epoch: i64,
    /// In microseconds since 1970.
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
}

impl PendingLogins {
    /// Those that wait for a code.
    pub(super) fn for_code(policy: CookiePolicy, keyring: &Keyring) -> Self {
        Self::new("pending-login", PURPOSE, policy, keyring)
    }

    pub(in crate::account) fn new(
        name: &'static str,
        purpose: Purpose,
        policy: CookiePolicy,
        keyring: &Keyring,
    ) -> Self {
        let keyring = keyring.clone();
        Self(SealedCookie { name, purpose, policy, keyring })
    }

    /// The login that waits in the browser behind a request, and the address it began with.
    pub(in crate::account) fn read(
        &self,
        request: &HeaderMap,
        now: OffsetDateTime,
    ) -> Option<(Pending, Email)> {
        let pending: Pending = self.0.read(request)?;
        let email = Email::parse(&pending.email).ok()?;
        (now < pending.until).then_some((pending, email))
    }

    /// Lets a login wait.
    pub(in crate::account) fn keep(
        &self,
        random: &dyn Random,
        answer: &mut HeaderMap,
        who: &SignIn<'_>,
        now: OffsetDateTime,
    ) {
        let pending = Pending {
            user: who.account.id().clone(),
            email: who.email.as_str().to_owned(),
            methods: who.methods.clone(),
            remember: who.remember,
            epoch: who.device_epoch,
            until: now + WAITS,
        };
        answer.append(SET_COOKIE, self.0.set(random, &pending, WAITS));
    }

    /// The login does not wait any more.
    pub(in crate::account) fn forget(&self, answer: &mut HeaderMap) {
        answer.append(SET_COOKIE, self.0.clear());
    }
}
