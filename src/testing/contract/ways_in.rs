//! Ways into an account: who may add one, and what becomes of them when the owner of the address
//! comes for the first time.

mod codes;

use std::sync::Arc;

use super::account::{LIMIT, followed, fresh_email, new_link, new_user, owner_of};
use super::identity::new_identity;
use super::mfa::{new_codes, new_totp};
use super::passkey::{new_challenge, new_passkey};
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, open_ways, race, rule};
use crate::crypto::{RandomExt as _, Redacted, SystemRandom};
use crate::scope::{Account, SessionId, UserId};
use crate::store::{
    ApiTokenId, ApiTokenStore, Effects, Enrolment, FactorUse, IdentityRegistration, IdentityStore,
    LinkLogin, LinkPurpose, LinkUse, Linking, LoginCounter, MailLinkStore, MfaStore, NewApiToken,
    NewPassword, NewUser, PasskeyAddition, PasskeyStore, PasswordChange, PasswordReset,
    PasswordStore, SessionStore, TokenOwner, TokenPage, UserStore,
};

/// What the kit of [`ways_in`] works with: parts of one backend, all of which are proven.
#[derive(Clone, Debug)]
pub struct WaysInParts {
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// The links that are mailed to them.
    pub links: Arc<dyn MailLinkStore>,
    /// Their passkeys.
    pub passkeys: Arc<dyn PasskeyStore>,
    /// Who they are at providers.
    pub identities: Arc<dyn IdentityStore>,
    /// Their second factors.
    pub factors: Arc<dyn MfaStore>,
    /// Their passwords.
    pub passwords: Arc<dyn PasswordStore>,
    /// Their API tokens.
    pub tokens: Arc<dyn ApiTokenStore>,
    /// Their sessions.
    pub sessions: Arc<dyn SessionStore>,
}

/// Proves what several stores do together: no way into an account is added in a session that is over,
/// and none that somebody else added is left when the owner of the address comes for the first time.
///
/// # Errors
/// The first [`Violation`].
pub async fn ways_in(parts: WaysInParts) -> Result<(), Violation> {
    let kit = Kit(parts);
    kit.a_way_in_is_made_in_a_session_that_is_alive().await?;
    kit.a_reset_by_the_first_owner_leaves_nothing().await?;
    kit.a_login_by_the_first_owner_leaves_nothing().await?;
    kit.a_provider_that_vouches_for_the_owner_leaves_nothing().await?;
    kit.who_was_there_before_keeps_it().await?;
    kit.backup_codes_take_a_passkey().await?;
    kit.a_backup_code_without_an_app_works_once().await?;
    kit.backup_codes_go_with_the_last_factor().await?;
    kit.nothing_that_is_added_meanwhile_outlives_a_reset().await
}

struct Kit(WaysInParts);

/// How a user stands.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    passkeys: usize,
    identities: usize,
    app: bool,
    tokens: usize,
    has_second_factor: bool,
}

const EMPTY: Standing =
    Standing { passkeys: 0, identities: 0, app: false, tokens: 0, has_second_factor: false };
const FULL: Standing =
    Standing { passkeys: 1, identities: 1, app: true, tokens: 1, has_second_factor: true };

impl Kit {
    async fn a_way_in_is_made_in_a_session_that_is_alive(&self) -> Result<(), Violation> {
        const RULE: &str = "a way in is made in a session that is alive";
        let (_, id) = self.user(false).await?;
        let (_, somebody) = self.user(false).await?;
        let theirs = self.session(&somebody).await?;
        let over = SessionId(SystemRandom.uuid_v7(epoch()));
        for dead in [over, theirs] {
            let added = self.add_all(&id, dead).await?;
            rule(RULE, added == [false; 4], (dead == theirs, added))?;
            let standing = self.standing(&id).await?;
            rule(RULE, standing == EMPTY, standing)?;
        }
        let own = self.session(&id).await?;
        let added = self.add_all(&id, own).await?;
        rule(RULE, added == [true; 4], added)?;
        for (session, step, expected) in [
            (over, 101, FactorUse::Refused),
            (theirs, 101, FactorUse::Refused),
            (own, 101, FactorUse::Done),
        ] {
            let (codes, none) = (new_codes(), Effects::none());
            let store = &self.0.factors;
            let used =
                store.regenerate_backup_codes(&id, step, &codes, Some(session), &none).await?;
            rule(RULE, used == expected, (step, used))?;
        }
        Ok(())
    }

    async fn a_reset_by_the_first_owner_leaves_nothing(&self) -> Result<(), Violation> {
        const RULE: &str = "what was set up before the owner's reset is gone";
        let (email, id) = self.user(true).await?;
        self.set_up(&id).await?;
        self.reset(&email).await?;
        let standing = self.standing(&id).await?;
        rule(RULE, standing == EMPTY, standing)
    }

    async fn a_login_by_the_first_owner_leaves_nothing(&self) -> Result<(), Violation> {
        const RULE: &str = "what was set up before the owner came by a link is gone";
        for takes_over in [true, false] {
            let (email, id) = self.user(false).await?;
            self.set_up(&id).await?;
            let (link, reset) = (new_link(LinkPurpose::Login), new_link(LinkPurpose::Reset));
            for link in [&link, &reset] {
                self.0.users.request_link(&email, link, LIMIT, epoch()).await?;
            }
            let own = self.session(&id).await?;
            let login = LinkLogin { epoch: 0, session: Some(own), takes_over };
            let none = Effects::none();
            let used = followed(&link, &email, &id);
            let used = self.0.links.complete_link_login(&used, login, &none, at(1)).await?;
            rule("a link logs in", used == LinkUse::Done(id.clone()), used)?;
            let standing = self.standing(&id).await?;
            let expected = if takes_over { EMPTY } else { FULL };
            rule(RULE, standing == expected, (takes_over, standing))?;
            let left = self.0.sessions.sessions_of(&id, at(1)).await?;
            let stays = left.iter().any(|session| session.id == own);
            rule(RULE, stays && left.len() == if takes_over { 1 } else { 2 }, left.len())?;
            let epoch = self.0.passwords.load_login_user(&id).await?.map(|user| user.device_epoch);
            rule(RULE, epoch == Some(i64::from(takes_over)), epoch)?;
            let link = self.0.users.load_link(LinkPurpose::Reset, &reset.token, at(1)).await?;
            rule(RULE, link.is_some() != takes_over, link)?;
            let account = self.0.users.find_account(&id).await?;
            let verified = account.as_ref().is_some_and(Account::email_verified);
            rule("a login by a link confirms the address", verified, account)?;
        }
        Ok(())
    }

    async fn a_provider_that_vouches_for_the_owner_leaves_nothing(&self) -> Result<(), Violation> {
        const RULE: &str = "what was set up before the owner came by a provider is gone";
        let (email, id) = self.user(true).await?;
        self.set_up(&id).await?;
        let (identity, none) = (new_identity("acme"), Effects::none());
        let store = &self.0.identities;
        let told = store.take_over_with_identity(&id, &email, &identity, &none).await?;
        rule("an account is taken over", told == IdentityRegistration::Registered, told)?;
        let standing = self.standing(&id).await?;
        rule(RULE, standing == Standing { identities: 1, ..EMPTY }, standing)?;
        let left = self.0.sessions.sessions_of(&id, at(1)).await?;
        rule(RULE, left.is_empty(), left.len())?;
        let user = self.0.passwords.load_login_user(&id).await?;
        let known = user.map(|user| (user.password.is_none(), user.device_epoch));
        rule(RULE, known == Some((true, 1)), known)
    }

    async fn who_was_there_before_keeps_it(&self) -> Result<(), Violation> {
        const RULE: &str = "who has confirmed the address keeps what they set up";
        let (email, id) = self.user(true).await?;
        let confirm = new_link(LinkPurpose::Confirm);
        self.0.users.request_link(&email, &confirm, LIMIT, epoch()).await?;
        self.set_up(&id).await?;
        let confirm = followed(&confirm, &email, &id);
        self.0.users.confirm_email(&confirm, &Effects::none(), at(1)).await?;
        let standing = self.standing(&id).await?;
        rule(RULE, standing == FULL, standing)?;
        let link = new_link(LinkPurpose::Login);
        self.0.users.request_link(&email, &link, LIMIT, epoch()).await?;
        // It was let in without the second factor, as if nobody had confirmed the address.
        const LATE: &str = "nobody takes an account over that was confirmed meanwhile";
        let own = self.session(&id).await?;
        let login = LinkLogin { epoch: 0, session: Some(own), takes_over: true };
        let (none, link) = (Effects::none(), followed(&link, &email, &id));
        let used = self.0.links.complete_link_login(&link, login, &none, at(1)).await?;
        rule(LATE, used == LinkUse::Invalid, used)?;
        let login = LinkLogin { takes_over: false, ..login };
        let used = self.0.links.complete_link_login(&link, login, &none, at(1)).await?;
        rule("a link that took nothing over stays", used == LinkUse::Done(id.clone()), used)?;
        let standing = self.standing(&id).await?;
        rule(RULE, standing == FULL, standing)?;
        self.reset(&email).await?;
        let standing = self.standing(&id).await?;
        rule(RULE, standing == Standing { tokens: 0, ..FULL }, standing)
    }

    async fn nothing_that_is_added_meanwhile_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "nothing that is added meanwhile outlives a reset by the first owner";
        for _ in 0..5 {
            let (email, id) = self.user(true).await?;
            let session = self.session(&id).await?;
            let link = new_link(LinkPurpose::Reset);
            self.0.users.request_link(&email, &link, LIMIT, epoch()).await?;
            let resets = race(|caller| {
                let (kit, id) = (Self(self.0.clone()), id.clone());
                let token = followed(&link, &email, &id);
                async move {
                    let (made_in, none) = (Some(session), Effects::none());
                    match caller % 4 {
                        _ if caller == CALLERS / 2 => {
                            let new = Redacted("$argon2id$reset".to_owned());
                            let told =
                                kit.0.users.reset_password(&token, &new, &none, at(1)).await?;
                            return Ok(told != PasswordReset::Invalid);
                        }
                        0 => {
                            let (passkey, challenge) = (new_passkey(&id), new_challenge());
                            let store = kit.0.passkeys;
                            store.add_passkey(&passkey, challenge, made_in, &none).await?;
                        }
                        1 => {
                            let identity = new_identity(&format!("acme-{caller}"));
                            let store = kit.0.identities;
                            store.link_identity(&id, &identity, made_in, &none).await?;
                        }
                        2 => {
                            kit.0.factors.enroll_totp(&new_totp(&id), made_in, &none).await?;
                        }
                        _ => {
                            let token = new_token(&id, session);
                            kit.0.tokens.create_api_token(&token, 50, &none).await?;
                        }
                    }
                    Ok(false)
                }
            })
            .await?;
            let done = resets.iter().filter(|done| **done).count();
            rule("a reset is done", done == 1, done)?;
            let standing = self.standing(&id).await?;
            rule(RULE, standing == EMPTY, standing)?;
        }
        Ok(())
    }

    /// A user whose address nobody has confirmed.
    async fn user(&self, has_password: bool) -> Result<(String, UserId), Violation> {
        let email = fresh_email();
        let password = has_password.then(old);
        let user = NewUser { password, ..new_user(&email) };
        self.0.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    async fn session(&self, user: &UserId) -> Result<SessionId, Violation> {
        let session = new_session(Some(user.as_str()));
        self.0.sessions.create_session(&session).await?;
        Ok(session.id)
    }

    /// Adds one of each in a session of the user's own, but for a password.
    async fn set_up(&self, user: &UserId) -> Result<(), Violation> {
        let session = self.session(user).await?;
        self.add_rest(user, session).await?;
        let token = new_token(user, session);
        self.0.tokens.create_api_token(&token, 50, &Effects::none()).await?;
        let standing = self.standing(user).await?;
        rule("what a user sets up is there", standing == FULL, standing)
    }

    /// Whether a passkey, an identity, an app and a first password are added in this session.
    async fn add_all(&self, user: &UserId, session: SessionId) -> Result<[bool; 4], Violation> {
        let change = NewPassword {
            user: user.clone(),
            replaces: None,
            password: old(),
            keep: Some(session),
            epoch: None,
            counter: LoginCounter::Address,
            chosen_at: at(1),
        };
        let changed = self.0.passwords.change_password(&change, &Effects::none()).await?;
        let [passkey, identity, app] = self.add_rest(user, session).await?;
        Ok([passkey, identity, app, changed != PasswordChange::Refused])
    }

    async fn add_rest(&self, user: &UserId, session: SessionId) -> Result<[bool; 3], Violation> {
        let (made_in, none, parts) = (Some(session), Effects::none(), &self.0);
        let passkey =
            parts.passkeys.add_passkey(&new_passkey(user), new_challenge(), made_in, &none).await?;
        let linked =
            parts.identities.link_identity(user, &new_identity("acme"), made_in, &none).await?;
        let enrolled = parts.factors.enroll_totp(&new_totp(user), made_in, &none).await?;
        Ok([
            passkey == PasskeyAddition::Added,
            linked == Linking::Linked,
            enrolled == Enrolment::Enrolled,
        ])
    }

    async fn reset(&self, email: &str) -> Result<(), Violation> {
        let (link, new) = (new_link(LinkPurpose::Reset), Redacted("$argon2id$another".to_owned()));
        self.0.users.request_link(email, &link, LIMIT, epoch()).await?;
        let owner = owner_of(&*self.0.users, email).await?;
        let link = followed(&link, email, &owner);
        let told = self.0.users.reset_password(&link, &new, &Effects::none(), at(2)).await?;
        rule("a reset is done", told != PasswordReset::Invalid, told)
    }

    async fn standing(&self, user: &UserId) -> Result<Standing, Violation> {
        let parts = &self.0;
        let owner = TokenOwner::User(user.clone());
        let login = parts.passwords.load_login_user(user).await?;
        let app = parts.factors.find_second_factor(user).await?;
        Ok(Standing {
            passkeys: parts.passkeys.passkeys_of(user).await?.len(),
            identities: parts.identities.ways_in(user, &open_ways()).await?.identities.len(),
            app: app.is_some_and(|factor| factor.has_app()),
            tokens: parts.tokens.api_tokens_of(&owner, TokenPage::default(), 50).await?.len(),
            has_second_factor: login.is_some_and(|user| user.has_second_factor),
        })
    }
}

fn old() -> Redacted<String> {
    Redacted("$argon2id$old".to_owned())
}

fn new_token(user: &UserId, session: SessionId) -> NewApiToken {
    NewApiToken {
        id: ApiTokenId(SystemRandom.uuid_v7(epoch())),
        hash: SystemRandom.token().hash(),
        owner: TokenOwner::User(user.clone()),
        made_in: Some(session),
        by: None,
        name: "a token".to_owned(),
        scopes: Vec::new(),
        created_at: epoch(),
        expires_at: None,
    }
}
