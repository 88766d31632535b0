//! Ceremonies that wait for their answer: the challenge is in a sealed cookie until then.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::account::cookie::SealedCookie;
use crate::account::passkey::Challenge;
use crate::crypto::{Keyring, Purpose, Random};
use crate::http::CookiePolicy;
use crate::scope::{SessionId, UserId};
use crate::store::AnsweredChallenge;

/// How long a challenge can be answered. A login page may lie open for a while.
const WAITS: Duration = Duration::minutes(30);
/// A page that is loaded gets a challenge that can be answered for so long, if not longer.
const AT_LEAST: Duration = Duration::minutes(15);

/// Reads and writes the cookies, one for each kind of ceremony.
#[derive(Debug)]
pub(super) struct Ceremonies {
    login: SealedCookie,
    verify: SealedCookie,
    again: SealedCookie,
    step_up: SealedCookie,
    codes: SealedCookie,
    register: SealedCookie,
}

/// What a challenge is for. An answer to one of them is none to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Verify,
    Again,
    StepUp,
    Codes,
    Register,
}

/// Whether a page asks for the first time, or what was asked already, or after an answer that was
/// refused, and may have used its challenge up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum Asking {
    Still,
    Anew,
}

/// For whom a challenge is: nobody yet, or a user, in the session that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Whose {
    pub(super) user: Option<UserId>,
    pub(super) session: Option<SessionId>,
}

#[derive(Serialize, Deserialize)]
struct Begun {
    challenge: Challenge,
    whose: Whose,
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
}

impl Ceremonies {
    pub(super) fn new(policy: CookiePolicy, keyring: &Keyring) -> Self {
        let cookie = |name, purpose| {
            let (purpose, keyring) = (Purpose::new(purpose), keyring.clone());
            SealedCookie { name, purpose, policy, keyring }
        };
        Self {
            login: cookie("passkey-login", "account/passkey-login"),
            verify: cookie("passkey-verify", "account/passkey-verify"),
            again: cookie("passkey-again", "account/passkey-again"),
            step_up: cookie("passkey-step-up", "account/passkey-step-up"),
            codes: cookie("passkey-codes", "account/passkey-codes"),
            register: cookie("passkey-register", "account/passkey-register"),
        }
    }

    /// The challenge for a page: the one that waits already, so that two windows can be open, or a
    /// fresh one with its cookie.
    pub(super) fn begin(
        &self,
        random: &dyn Random,
        request: &HeaderMap,
        (kind, whose, asking): (Kind, Whose, Asking),
        now: OffsetDateTime,
    ) -> (Challenge, Option<HeaderValue>) {
        if asking == Asking::Still
            && let Some(begun) = self.read(request, kind, &whose, now + AT_LEAST)
        {
            return (begun.challenge, None);
        }
        let challenge = Challenge::generate(random);
        let begun = Begun { challenge: challenge.clone(), whose, until: now + WAITS };
        (challenge, Some(self.cookie(kind).set(random, &begun, WAITS)))
    }

    /// The challenge that waits for an answer, and what the store remembers of it then.
    pub(super) fn waiting(
        &self,
        request: &HeaderMap,
        (kind, whose): (Kind, &Whose),
        now: OffsetDateTime,
    ) -> Option<(Challenge, AnsweredChallenge)> {
        let Begun { challenge, until, .. } = self.read(request, kind, whose, now)?;
        let answered = AnsweredChallenge { hash: challenge.hash(), expires_at: until };
        Some((challenge, answered))
    }

    /// A `Set-Cookie` value that ends what waits.
    pub(super) fn end(&self, kind: Kind) -> HeaderValue {
        self.cookie(kind).clear()
    }

    fn read(
        &self,
        request: &HeaderMap,
        kind: Kind,
        whose: &Whose,
        at: OffsetDateTime,
    ) -> Option<Begun> {
        let begun: Begun = self.cookie(kind).read(request)?;
        (begun.whose == *whose && at < begun.until).then_some(begun)
    }

    fn cookie(&self, kind: Kind) -> &SealedCookie {
        match kind {
            Kind::Login => &self.login,
            Kind::Verify => &self.verify,
            Kind::Again => &self.again,
            Kind::StepUp => &self.step_up,
            Kind::Codes => &self.codes,
            Kind::Register => &self.register,
        }
    }
}
