//! What a store says of effects that it was given for one outcome of several.

use std::sync::Arc;

use time::Duration;

use super::account::{LIMIT, followed, fresh_email, new_link, new_user};
use super::audit::new_note;
use super::email_change::new_change;
use super::identity::new_identity;
use super::mfa::{new_codes, new_totp};
use super::passkey::{new_challenge, new_credential, new_passkey, proof};
use super::{Violation, at, epoch, rule};
use crate::crypto::{KeyedHash, Redacted};
use crate::scope::UserId;
use crate::store::{
    AuditFilter, AuditStore, Effects, EmailChange, EmailChangeStore, EmailProof, IdentityStore,
    KeptBy, LifecycleStore, LinkLogin, LinkPurpose, LockoutPolicy, LoginCounter, MailLinkStore,
    MfaStore, NewDeletion, NewIdentity, NewPassword, NewUser, Passkey, PasskeyProof, PasskeyStore,
    PasswordStore, RateLimit, ReplacedTokens, Sighting, SignCountPolicy, UserStore,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 3, lock_for: Duration::minutes(15) };

/// What the kit of [`receipts`] works with: parts of one backend, all of which are proven.
#[derive(Clone, Debug)]
pub struct ReceiptParts {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// Their second factors.
    pub factors: Arc<dyn MfaStore>,
    /// Their passkeys.
    pub passkeys: Arc<dyn PasskeyStore>,
    /// The links that are mailed to them.
    pub links: Arc<dyn MailLinkStore>,
    /// Their passwords.
    pub passwords: Arc<dyn PasswordStore>,
    /// Who they are at providers.
    pub identities: Arc<dyn IdentityStore>,
    /// Their addresses.
    pub addresses: Arc<dyn EmailChangeStore>,
    /// How their accounts end.
    pub lifecycles: Arc<dyn LifecycleStore>,
    /// What was done.
    pub audit: Arc<dyn AuditStore>,
}

/// Proves that a store says which effects it has written, where its answer does not tell
/// ([`Receipt`](crate::store::Receipt)).
///
/// # Errors
/// The first [`Violation`].
pub async fn receipts(parts: ReceiptParts) -> Result<(), Violation> {
    let kit = Kit(parts);
    kit.it_says_with_which_attempt_it_locked().await?;
    kit.it_says_whether_the_owner_of_a_taken_address_was_told().await?;
    kit.it_says_whether_a_passkey_was_suspected().await?;
    kit.it_says_whether_an_address_was_taken_away().await?;
    for way in [
        Way::Password,
        Way::App,
        Way::BackupCode,
        Way::Passkey,
        Way::Link,
        Way::NewPassword,
        Way::Identity,
        Way::Kept,
    ] {
        kit.it_says_where_a_login_was_seen(way).await?;
    }
    Ok(())
}

struct Kit(ReceiptParts);

/// How somebody logs in.
#[derive(Clone, Copy, Debug)]
enum Way {
    Password,
    App,
    BackupCode,
    Passkey,
    Link,
    NewPassword,
    Identity,
    Kept,
}

/// A user with all of it.
struct Somebody {
    user: NewUser,
    id: UserId,
    email: String,
    passkey: Passkey,
    identity: NewIdentity,
    codes: Vec<KeyedHash>,
}

impl Kit {
    async fn it_says_with_which_attempt_it_locked(&self) -> Result<(), Violation> {
        const RULE: &str = "a store says with which attempt it locked";
        for by in 0..3 {
            let who = self.somebody().await?;
            let ((name, locked), unknown) = (new_note(), new_credential());
            for attempt in 1..=LOCKOUT.attempts + 2 {
                let (email, id) = ((who.email.as_str(), false), &who.id);
                if by == 0 {
                    let users = &self.0.users;
                    users.begin_login(email, None, LOCKOUT, &locked, &[], epoch()).await?;
                } else if by == 1 {
                    let factors = &self.0.factors;
                    factors.begin_second_factor(id, LOCKOUT, &locked, &[], epoch()).await?;
                } else {
                    let keys = &self.0.passkeys;
                    let attempt =
                        keys.begin_passkey(&unknown, Some(id), LOCKOUT, &locked, &[], epoch());
                    attempt.await?;
                }
                let expected = attempt == LOCKOUT.attempts + 1;
                let said = locked.receipt.is_written();
                rule(RULE, said == expected, (by, attempt, said))?;
            }
            rule(RULE, self.is_written(&name).await?, by)?;
        }
        Ok(())
    }

    async fn it_says_whether_the_owner_of_a_taken_address_was_told(&self) -> Result<(), Violation> {
        const RULE: &str = "a store says whether it told the owner of a taken address";
        let email = fresh_email();
        let (_, taken) = new_note();
        for expected in [false, true, false] {
            let (user, link) = (new_user(&email), new_link(LinkPurpose::Confirm));
            let limit = RateLimit { times: 1, ..LIMIT };
            self.0.users.register(&user, &link, &taken, (limit, epoch())).await?;
            let said = taken.receipt.is_written();
            rule(RULE, said == expected, (expected, said))?;
        }
        Ok(())
    }

    async fn it_says_whether_a_passkey_was_suspected(&self) -> Result<(), Violation> {
        const RULE: &str = "a store says whether it suspected a passkey";
        let who = self.somebody().await?;
        let (_, suspected) = new_note();
        for (sign_count, expected) in [(7, false), (7, true), (8, false)] {
            let proof = PasskeyProof { sign_count, ..proof(&who.passkey) };
            let (policy, none) = (SignCountPolicy::Warn, Effects::none());
            self.0.passkeys.use_passkey(&proof, policy, &none, &suspected).await?;
            let said = suspected.receipt.is_written();
            rule(RULE, said == expected, (sign_count, expected, said))?;
        }
        Ok(())
    }

    async fn it_says_whether_an_address_was_taken_away(&self) -> Result<(), Violation> {
        const RULE: &str = "a store says whether an address was taken from somebody";
        let (who, holder) = (self.somebody().await?, self.somebody().await?);
        let (_, released) = new_note();
        let none = Effects::none();
        for (email, expected) in
            [(fresh_email(), false), (holder.email, true), (fresh_email(), false)]
        {
            let change = new_change(&who.id, &email);
            self.0.addresses.request_email_change(&change, &none, LIMIT, epoch()).await?;
            let proof = EmailProof::Link(change.link.token, email);
            let change = EmailChange { user: who.id.clone(), proof, keep: None, at: at(1) };
            self.0.addresses.change_email(&change, &none, &released).await?;
            let said = released.receipt.is_written();
            rule(RULE, said == expected, (expected, said))?;
        }
        Ok(())
    }

    async fn it_says_where_a_login_was_seen(&self, way: Way) -> Result<(), Violation> {
        const RULE: &str = "a store says where a login was seen";
        let who = self.somebody().await?;
        for (nth, network, expected) in
            [(0, "a", (false, false)), (1, "b", (false, true)), (2, "a", (true, false))]
        {
            let ((known, familiar), (unknown, strange)) = (new_note(), new_note());
            let (familiar, strange) = (Box::new(familiar), Box::new(strange));
            let seen = Sighting { network: network.to_owned(), at: epoch(), familiar, strange };
            let along = Effects::none().and_sighting(seen.clone());
            self.log_in(way, &who, nth, &along).await?;
            let written = (self.is_written(&known).await?, self.is_written(&unknown).await?);
            rule("a login is seen, whatever the way", written == expected, (way, nth, written))?;
            let said = (seen.familiar.receipt.is_written(), seen.strange.receipt.is_written());
            rule(RULE, said == expected, (way, nth, said))?;
        }
        Ok(())
    }

    /// Logs in for the `nth` time.
    async fn log_in(
        &self,
        way: Way,
        who: &Somebody,
        nth: u32,
        along: &Effects,
    ) -> Result<(), Violation> {
        let (id, parts, none) = (&who.id, &self.0, Effects::none());
        let password = who.user.password.clone().unwrap_or(Redacted(String::new()));
        let nth_password =
            |nth| if nth == 0 { password.clone() } else { Redacted(format!("$argon2id${nth}")) };
        match way {
            Way::Password => {
                let (counter, known) = (LoginCounter::Address, (&password, None));
                parts.users.complete_login(&who.email, counter, known, None, along).await?;
            }
            Way::App => {
                let step = 101 + i64::from(nth);
                parts.factors.complete_totp(id, step, None, along).await?;
            }
            Way::BackupCode => {
                if let Some(code) = who.codes.get(nth as usize) {
                    parts.factors.consume_backup_code(id, code, None, along).await?;
                }
            }
            Way::Passkey => {
                let (sign_count, challenge) = (1 + nth, new_challenge());
                let proof = PasskeyProof { sign_count, challenge, ..proof(&who.passkey) };
                let policy = SignCountPolicy::Warn;
                parts.passkeys.use_passkey(&proof, policy, along, &none).await?;
            }
            Way::Link => {
                let link = new_link(LinkPurpose::Login);
                parts.users.request_link(&who.email, &link, LIMIT, epoch()).await?;
                let login = LinkLogin { epoch: 0, session: None, takes_over: false };
                parts
                    .links
                    .complete_link_login(&followed(&link, &who.email, id), login, along, at(1))
                    .await?;
            }
            Way::NewPassword => {
                let change = NewPassword {
                    user: id.clone(),
                    replaces: Some(nth_password(nth)),
                    password: nth_password(nth + 1),
                    keep: None,
                    epoch: None,
                    counter: LoginCounter::Address,
                    chosen_at: at(1),
                };
                parts.passwords.change_password(&change, along).await?;
            }
            Way::Identity => {
                let since = (0, ReplacedTokens::Any);
                parts.identities.log_in_with_identity(id, &who.identity, since, along).await?;
            }
            Way::Kept => {
                let asked = i64::from(nth) * 1_000;
                let deletion = NewDeletion { user: id.clone(), at: at(asked + 500), keep: None };
                parts.lifecycles.request_deletion(&deletion, &none, at(asked)).await?;
                let (by, cools) = (KeptBy::Administrator(id.clone()), Duration::seconds(100));
                parts.lifecycles.cancel_deletion(&by, cools, along, at(asked + 1)).await?;
            }
        }
        Ok(())
    }

    async fn somebody(&self) -> Result<Somebody, Violation> {
        let (email, none) = (fresh_email(), Effects::none());
        let user = new_user(&email);
        let id = user.account.id().clone();
        let (passkey, identity, app) = (new_passkey(&id), new_identity("idp"), new_totp(&id));
        self.0.users.create_user(&user, &none).await?;
        self.0.passkeys.add_passkey(&passkey, new_challenge(), None, &none).await?;
        self.0.identities.link_identity(&id, &identity, None, &none).await?;
        let codes = new_codes();
        let app = crate::store::NewTotp { backup_codes: codes.clone(), ..app };
        self.0.factors.enroll_totp(&app, None, &none).await?;
        Ok(Somebody { user, id, email, passkey, identity, codes })
    }

    async fn is_written(&self, name: &str) -> Result<bool, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        Ok(!self.0.audit.audit_entries(&filter, 1).await?.is_empty())
    }
}
