//! Logins and changes that take a code: of the authenticator app, or a backup code.

mod import;
pub(super) mod step_up;
pub(super) mod verify;

use aws_lc_rs::error::Unspecified;
use time::OffsetDateTime;

use super::AccountError;
use super::cookie::SealedCookie;
use super::limits::{Known, Uses, Whom};
use super::mfa::{BACKUP_CODES, BackupCode, TotpSecret, TotpStep};
use super::pending::{PendingLogins, Step};
use super::settings::setup_cookie;
use super::site::{Site, Visit};
use crate::audit::Action;
use crate::crypto::{KeyedHash, Keyring, Purpose, Random, Sealed};
use crate::http::CookiePolicy;
use crate::page::Letter;
use crate::scope::UserId;
use crate::store::{Effects, FactorProof, FactorUse, FactorUser};

const SECRET: Purpose = Purpose::new("account/totp");

/// Seals and opens what second factors are made of.
#[derive(Debug)]
pub(super) struct Factors {
    keyring: Keyring,
    pub(super) pending: PendingLogins,
    pub(super) setup: SealedCookie,
}

/// What became of a code that somebody typed.
pub(super) enum Checked {
    /// It is right; the store decides whether it was used meanwhile.
    Right(Box<FactorUser>, FactorProof),
    /// It is wrong, or codes of the user are locked.
    Wrong,
    /// The user has no codes (any more), or the epoch is another than was expected.
    Gone,
}

impl Factors {
    pub(super) fn new(policy: CookiePolicy, keyring: &Keyring) -> Self {
        Self {
            keyring: keyring.clone(),
            pending: PendingLogins::new(Step::Code, policy, keyring),
            setup: setup_cookie(policy, keyring),
        }
    }

    /// The secret as it is stored.
    pub(super) fn seal(&self, random: &dyn Random, user: &UserId, secret: &TotpSecret) -> Sealed {
        self.keyring.seal(random, SECRET, user.as_str().as_bytes(), secret.as_bytes())
    }

    /// Fresh backup codes, to be shown once, and what is stored of them.
    pub(super) fn backup_codes(
        &self,
        random: &dyn Random,
        user: &UserId,
    ) -> (Vec<String>, Vec<KeyedHash>) {
        let codes = BackupCode::generate(random, BACKUP_CODES);
        codes.iter().map(|code| (code.expose(), code.hash(&self.keyring, user))).unzip()
    }

    /// What a typed code proves.
    fn look(&self, user: &FactorUser, typed: &str, now: OffsetDateTime) -> Option<FactorProof> {
        let id = user.account.id();
        match user.secret.as_ref().map(|secret| self.open(id, secret)) {
            Some(Ok(secret)) => {
                if let Some(TotpStep(step)) =
                    secret.check(typed, now, Some(TotpStep(user.last_step)))
                {
                    return Some(FactorProof::Totp(step));
                }
            }
            Some(Err(Unspecified)) => tracing::error!(user = %id, "a TOTP secret does not open"),
            None => {}
        }
        let candidates = BackupCode::parse(typed)?.candidates(&self.keyring, id);
        let found = user.backup_codes.iter().find(|stored| candidates.contains(stored))?;
        Some(FactorProof::BackupCode(*found))
    }

    fn open(&self, user: &UserId, sealed: &Sealed) -> Result<TotpSecret, Unspecified> {
        let plain = self.keyring.open(SECRET, user.as_str().as_bytes(), sealed);
        let secret = plain.ok().and_then(|plain| TotpSecret::stored(&plain));
        secret.ok_or(Unspecified)
    }
}

/// Counts the attempt, then looks at the code. The audit log is told of a refusal of this action.
pub(super) async fn check_code(
    site: &Site,
    visit: &Visit,
    action: Action,
    (user, email, epoch): (&UserId, Option<&str>, Option<i64>),
    typed: &str,
) -> Result<Checked, AccountError> {
    let now = site.now();
    let mut locked = site.effects(visit.entry(Action::LOCK_SECOND_FACTOR).about(user));
    if let Some(to) = email {
        locked = locked.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::SecondFactorLocked { forgot },
            now,
        ));
    }
    let lockout = site.policy.second_factor_lockout;
    // Only whoever has the password, or is logged in, gets here: they keep nobody out.
    let whom = Whom { account: user.as_str(), known: Known::ByProof };
    let uses = Uses::of_login(site, visit, whom);
    let limits = uses.list();
    let attempt = site.store.begin_second_factor(user, lockout, &locked, limits, now).await?;
    locked.announce_if_written();
    uses.judge(visit, &attempt.counts, now)?;
    let Some(found) = attempt.user else { return Ok(Checked::Gone) };
    if epoch.is_some_and(|epoch| epoch != found.device_epoch) {
        return Ok(Checked::Gone);
    }
    let is_locked = attempt.locked_until.is_some();
    match site.factors.look(&found, typed, now).filter(|_| !is_locked) {
        Some(proof) => Ok(Checked::Right(Box::new(found), proof)),
        None => {
            let entry = visit.entry(action).about(user).refused().with("locked", is_locked);
            let entry = entry.at(now, &*site.random);
            site.store.write_audit_entry(&entry).await?;
            entry.announce();
            Ok(Checked::Wrong)
        }
    }
}

/// Uses a code up, for a login of this epoch; `along` is written then, and of a backup code its owner
/// is told.
pub(super) async fn use_up(
    site: &Site,
    visit: &Visit,
    (owner, epoch): (&FactorUser, i64),
    proof: FactorProof,
    mut along: Effects,
) -> Result<bool, AccountError> {
    let (store, user, now) = (&site.store, owner.account.id(), site.now());
    let used = match proof {
        FactorProof::Totp(step) => store.complete_totp(user, step, Some(epoch), &along).await?,
        FactorProof::BackupCode(code) => {
            let left = owner.backup_codes.len().saturating_sub(1);
            let entry = visit.entry(Action::USE_BACKUP_CODE).about(user).with("left", left);
            along = along.and_entry(entry.at(now, &*site.random));
            if let Some(to) = owner.account.email() {
                let letter = |forgot| Letter::BackupCodeUsed { forgot, left };
                along = along.and_delivery(site.letters.notice(to, letter, now));
            }
            store.consume_backup_code(user, &code, Some(epoch), &along).await?
        }
    };
    if used == FactorUse::Done {
        along.announce();
    }
    Ok(used == FactorUse::Done)
}
