//! Verifies a password. Unknown, locked and wrong cost the same store and hash calls.

use super::limits::{Known, Uses, Whom};
use super::site::{Site, Visit};
use super::{AccountError, Email};
use crate::audit::{self, Action};
use crate::crypto::Redacted;
use crate::page::Letter;
use crate::scope::{Account, Method};
use crate::store::{Effects, LoginCompletion, LoginCounter};

/// A user whose password was just verified.
pub(super) struct ProvenUser {
    pub(super) account: Account,
    pub(super) device_epoch: i64,
    pub(super) has_second_factor: bool,
    pub(super) must_change_password: bool,
    pub(super) counter: LoginCounter,
    pub(super) verified: Redacted<String>,
    /// What was typed, if its hash is to be replaced.
    outdated: Option<Redacted<String>>,
}

/// The page that asks for a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The page to log in, which looks at no password of a domain that enforces single sign-on, and refuses
    /// a right one of who must confirm the address first.
    Login,
    /// The page for those whom such a domain lets in, which refuses everybody else.
    BreakGlass,
    /// Any other: it says whether the password was right.
    Other,
}

/// How an attempt ended.
pub(super) enum Attempt {
    Proven(Box<ProvenUser>),
    Mistaken(Mistaken),
    /// The users of the domain log in there, whoever they are: the password was not looked at.
    Elsewhere(String),
}

/// An attempt whose password was wrong, or which was not to be made.
pub(super) struct Mistaken {
    pub(super) owner: Option<Account>,
    pub(super) is_locked: bool,
}

/// Counts the attempt, then looks at the password, whatever is known by then. The audit log is told
/// of a refusal of this action.
pub(super) async fn prove(
    site: &Site,
    visit: &Visit,
    action: Action,
    email: &Email,
    password: Redacted<String>,
) -> Result<Option<ProvenUser>, AccountError> {
    match attempt(site, visit, (email, Door::Other), password).await? {
        Attempt::Proven(user) => Ok(Some(*user)),
        Attempt::Mistaken(Mistaken { owner, is_locked }) => {
            let entry = visit.entry(action).refused().with("locked", is_locked);
            note_refusal(site, entry, owner.as_ref()).await?;
            Ok(None)
        }
        Attempt::Elsewhere(_) => Ok(None),
    }
}

/// The same, and tells nobody.
pub(super) async fn attempt(
    site: &Site,
    visit: &Visit,
    (email, door): (&Email, Door),
    password: Redacted<String>,
) -> Result<Attempt, AccountError> {
    // An attempt that is counted is looked at: who is turned away has not tried.
    let place = site.passwords.reserve()?;
    let now = site.now();
    let notice = site.letters.notice(email.as_str(), |forgot| Letter::Locked { forgot }, now);
    let lockout = site.policy.lockout;
    let locked = site.effects(visit.entry(Action::LOCK)).and_delivery(notice);
    let device = site.devices.known(&visit.headers, email, now);
    let known = device.as_ref().map_or(Known::Not, |device| Known::ByBrowser(device.id));
    let whom = Whom { account: email.as_str(), known };
    let uses = Uses::of_login(site, visit, whom);
    let yields = door == Door::Login;
    let (address, device, limits) = ((email.as_str(), yields), device.as_ref(), uses.list());
    let attempt = site.store.begin_login(address, device, lockout, &locked, limits, now).await?;
    locked.announce_if_written();
    uses.judge(visit, &attempt.counts, now)?;
    if let Some(login_path) = attempt.elsewhere {
        return Ok(Attempt::Elsewhere(login_path));
    }
    let stored = attempt.user.as_ref().and_then(|user| user.password.clone());
    let right = place.look(password.clone(), stored).await?;
    Ok(match (attempt.locked_until, attempt.user, right) {
        (None, Some(user), Some(right)) => Attempt::Proven(Box::new(ProvenUser {
            must_change_password: site.must_change_password(&user, &[Method::PASSWORD]),
            account: user.account,
            device_epoch: user.device_epoch,
            has_second_factor: user.has_second_factor,
            counter: attempt.counter,
            verified: right.verified,
            outdated: right.outdated.then_some(password),
        })),
        (locked, user, _) => Attempt::Mistaken(Mistaken {
            owner: user.map(|user| user.account),
            is_locked: locked.is_some(),
        }),
    })
}

/// Whoever the address belongs to, it is one write.
pub(super) async fn note_refusal(
    site: &Site,
    mut entry: audit::Entry,
    owner: Option<&Account>,
) -> Result<(), AccountError> {
    if let Some(owner) = owner {
        entry = entry.about(owner.id());
    }
    let entry = entry.at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    Ok(())
}

/// Forgets the attempts, and stores a better hash, if the password is still the same; `along` is
/// written then. That hash is made here and no earlier: whoever is refused although the password is right
/// does not learn that by the time.
pub(super) async fn complete(
    site: &Site,
    email: &Email,
    user: &ProvenUser,
    along: &Effects,
) -> Result<LoginCompletion, AccountError> {
    let rehashed = match &user.outdated {
        // Where too many wait, it is replaced another time.
        Some(password) => site.passwords.hash(password.clone()).await.ok(),
        None => None,
    };
    let (verified, store) = ((&user.verified, Some(user.device_epoch)), &site.store);
    let (address, counter) = (email.as_str(), user.counter);
    let completion =
        store.complete_login(address, counter, verified, rehashed.as_ref(), along).await?;
    if completion == LoginCompletion::Completed {
        along.announce();
    }
    Ok(completion)
}
