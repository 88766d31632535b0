//! Holds an answer against the passkey that it says it is of. Unknown, locked and wrong cost the
//! same store calls.

use super::ceremony::{Kind, Whose};
use super::{PasskeySite, suspect};
use crate::account::AccountError;
use crate::account::limits::{self, Uses};
use crate::account::passkey::{
    AssertionResponse, KnownCredential, Naming, PasskeyFault, PasskeyPublicKey, UserHandle,
    UserVerification, VerifiedAssertion, verify_assertion,
};
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::page::Letter;
use crate::scope::{Account, SessionId, UserId};
use crate::store::{Effects, FoundPasskey, PasskeyProof, PasskeyUse, SignCountPolicy};

/// A passkey whose answer was right; the store decides whether it still is.
pub(super) struct Proven {
    pub(super) found: FoundPasskey,
    pub(super) proof: PasskeyProof,
}

/// Who is to be proven.
pub(super) enum Whom<'a> {
    /// Whoever it is: the passkey must say so, and have verified them.
    Anybody,
    /// This user, whose address is known, and whose epoch was this when the login began.
    User(&'a UserId, &'a str, i64),
    /// Who is logged in, in this session, and proves it anew by nothing else.
    Present(&'a Account, Option<SessionId>),
    /// Who is logged in, in this session, which is one factor already.
    Beside(&'a Account, Option<SessionId>),
}

impl<'a> Whom<'a> {
    fn user(&self) -> Option<&'a UserId> {
        match self {
            Self::Anybody => None,
            Self::User(user, ..) => Some(user),
            Self::Present(account, _) | Self::Beside(account, _) => Some(account.id()),
        }
    }

    /// Where their lock is told of.
    fn address(&self) -> Option<&'a str> {
        match self {
            Self::Anybody => None,
            Self::User(_, to, _) => Some(to),
            Self::Present(account, _) | Self::Beside(account, _) => account.email(),
        }
    }

    /// What an answer has to say: beside another proof it is one factor, and else the only one.
    fn asked(&self) -> (UserVerification, Naming) {
        match self {
            Self::Anybody => (UserVerification::Required, Naming::Required),
            Self::User(..) | Self::Beside(..) => (UserVerification::Preferred, Naming::Optional),
            Self::Present(..) => (UserVerification::Required, Naming::Optional),
        }
    }

    fn session(&self) -> Option<SessionId> {
        match self {
            Self::Anybody | Self::User(..) => None,
            Self::Present(_, session) | Self::Beside(_, session) => *session,
        }
    }
}

/// Counts the attempt, then looks at the answer. The audit log is told of a refusal of this action.
pub(super) async fn prove(
    site: &Site,
    keys: &PasskeySite,
    visit: &Visit,
    (kind, whom, action): (Kind, Whom<'_>, Action),
    answer: &str,
) -> Result<Option<Proven>, AccountError> {
    let now = site.now();
    let (user, asked) = (whom.user(), whom.asked());
    let whose = Whose { user: user.cloned(), session: whom.session() };
    let uses = Uses::of_attempt(site, visit, user);
    let waiting = keys.ceremonies.waiting(&visit.headers, (kind, &whose), now);
    let (Ok(answer), Some((challenge, answered))) = (AssertionResponse::parse(answer), waiting)
    else {
        limits::count(site, visit, &uses).await?;
        return Ok(None);
    };

    let mut locked = site.effects(visit.entry(Action::LOCK_SECOND_FACTOR));
    if let Some(to) = whom.address() {
        locked = locked.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::SecondFactorLocked { forgot },
            now,
        ));
    }
    let lockout = site.policy.second_factor_lockout;
    let (store, credential) = (&site.store, answer.credential());
    let attempt = store.begin_passkey(credential, user, lockout, &locked, uses.list(), now).await?;
    locked.announce_if_written();
    uses.judge(visit, &attempt.counts, now)?;
    let is_locked = attempt.locked_until.is_some();
    let verdict = attempt.found.as_ref().ok_or(PasskeyFault::Credential).and_then(|found| {
        let party = &keys.party;
        let (key, handle) = (
            PasskeyPublicKey::from_bytes(&found.passkey.public_key)?,
            UserHandle::of(&found.passkey.user, party),
        );
        let known = KnownCredential {
            id: &found.passkey.credential,
            key: &key,
            user: &handle,
            backup_eligible: found.passkey.backup_eligible,
        };
        verify_assertion(&answer, known, &challenge, party, asked)
    });
    let epoch = match whom {
        Whom::Anybody | Whom::Present(..) | Whom::Beside(..) => {
            attempt.found.as_ref().map(|found| found.device_epoch)
        }
        Whom::User(.., epoch) => Some(epoch),
    };
    match (attempt.found, verdict) {
        (Some(found), Ok(verified)) if !is_locked => {
            let proof = proof(&found, verified, answered, epoch, now);
            Ok(Some(Proven { found, proof }))
        }
        (found, verdict) => {
            let mut entry = visit.entry(action).refused().with("locked", is_locked);
            if let Err(fault) = verdict {
                entry = entry.with("passkey", fault.to_string());
            }
            if let Some(user) = found.as_ref().map(|found| found.account.id()).or(user) {
                entry = entry.about(user);
            }
            let entry = entry.at(now, &*site.random);
            site.store.write_audit_entry(&entry).await?;
            entry.announce();
            Ok(None)
        }
    }
}

fn proof(
    found: &FoundPasskey,
    verified: VerifiedAssertion,
    challenge: crate::store::AnsweredChallenge,
    epoch: Option<i64>,
    at: time::OffsetDateTime,
) -> PasskeyProof {
    PasskeyProof {
        user: found.passkey.user.clone(),
        id: found.passkey.id,
        challenge,
        sign_count: verified.sign_count(),
        backed_up: verified.backed_up(),
        user_verified: verified.user_verified(),
        at,
        epoch,
    }
}

/// Uses the passkey; `along` is written then. A passkey that may have been copied is told of.
pub(super) async fn use_up(
    site: &Site,
    keys: &PasskeySite,
    visit: &Visit,
    proven: &Proven,
    along: Effects,
) -> Result<bool, AccountError> {
    let (policy, suspected) =
        (keys.policy.sign_count, suspect::effects(site, keys, visit, proven).await?);
    let used = site.store.use_passkey(&proven.proof, policy, &along, &suspected).await?;
    suspected.announce_if_written();
    match used {
        PasskeyUse::Done => along.announce(),
        PasskeyUse::Suspected if policy == SignCountPolicy::Revoke => {
            suspect::revoke(site, visit, &proven.proof.user, proven.proof.id).await?;
        }
        PasskeyUse::Suspected | PasskeyUse::Refused => {}
    }
    Ok(used == PasskeyUse::Done)
}
