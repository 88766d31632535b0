mod attribute;
mod device;
mod effects;
mod limited;
mod links;
mod refused;
mod seen;

use std::collections::HashSet;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::crypto::{RandomExt as _, Redacted, Sealed, SystemRandom};
use crate::scope::{Account, Attributes, SessionEnd, SessionId, UserId};
use crate::store::{
    AuditStore, Effects, FollowedLink, LinkKey, LinkPurpose, LinkRequest, LinkUse, LockoutPolicy,
    LoginAttempt, LoginCompletion, LoginCounter, NewDelivery, NewLink, NewUser, OutboxStore,
    PasswordReset, RateLimit, Registration, SessionStore, UserStore,
};

/// The kind of the deliveries that the kit writes.
pub(super) const KIND: &str = "contract";
const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };
pub(super) const LIMIT: RateLimit = RateLimit { times: 3, window: Duration::minutes(15) };
const ADDRESS: LoginCounter = LoginCounter::Address;
const HOUR: i64 = 3600;

/// Proves the contract of an [`UserStore`] whose mails go to `outbox`, whose resets end the
/// sessions in `sessions`, and whose entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn accounts(
    store: Arc<dyn UserStore>,
    outbox: Arc<dyn OutboxStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, outbox, sessions, audit };
    kit.an_address_is_registered_once().await?;
    kit.an_account_is_found_as_it_was_written().await?;
    kit.an_attribute_is_claimed_once().await?;
    kit.attempts_are_counted_exactly().await?;
    kit.a_lock_ends_and_comes_again().await?;
    kit.a_refused_attempt_is_none().await?;
    kit.known_devices_are_counted_by_themselves().await?;
    kit.a_device_counts_only_for_its_user_and_epoch().await?;
    kit.a_success_forgets_only_its_own_attempts().await?;
    kit.a_login_completes_only_with_the_present_password().await?;
    kit.a_link_confirms_once().await?;
    kit.a_link_resets_once().await?;
    kit.a_reset_ends_every_session().await?;
    kit.no_session_of_the_old_password_outlives_a_reset().await?;
    kit.a_link_works_for_its_purpose_until_it_expires().await?;
    kit.a_newer_link_takes_the_place_of_the_older().await?;
    kit.a_link_is_bound_to_user_and_address().await?;
    kit.a_link_is_used_as_what_it_was_found_to_be().await?;
    kit.requests_for_links_are_limited_exactly().await?;
    kit.a_refused_login_mails_the_link_only_to_whom_it_waits_for().await?;
    kit.what_goes_along_is_written_with_the_change().await?;
    kit.a_user_is_known_from_where_they_were_seen().await?;
    kit.the_sweeper_removes_only_what_is_over().await
}

struct Kit {
    store: Arc<dyn UserStore>,
    outbox: Arc<dyn OutboxStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

/// A user that was registered, and the secret of the link that confirms the address.
struct Registered {
    email: String,
    id: UserId,
    confirm: FollowedLink,
}

impl Kit {
    async fn an_address_is_registered_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an address is registered once";
        let email = fresh_email();
        let users: Vec<_> = (0..CALLERS).map(|_| new_user(&email)).collect();
        let links: Vec<_> = (0..CALLERS).map(|_| new_link(LinkPurpose::Confirm)).collect();
        let notices: Vec<_> = (0..CALLERS).map(|_| new_delivery()).collect();
        let outcomes = race(|index| {
            let store = Arc::clone(&self.store);
            let taken = (users.get(index).cloned(), links.get(index).cloned());
            let notice = notices.get(index).cloned();
            async move {
                let ((Some(user), Some(link)), Some(notice)) = (taken, notice) else {
                    return Ok(None);
                };
                let outcome =
                    store.register(&user, &link, &notice.clone().into(), (LIMIT, epoch())).await?;
                Ok(Some((outcome, user.account.id().clone(), mail_of(&link), notice.id)))
            }
        })
        .await?;
        let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        let winners: Vec<_> = outcomes.iter().filter(|o| o.0 == Registration::Registered).collect();
        rule(RULE, winners.len() == 1, winners.len())?;

        let found = self.store.find_account_by_email(&email).await?;
        let winner = winners.first().map(|winner| winner.1.clone());
        let found_id = found.map(|account| account.id().clone());
        rule(RULE, found_id == winner, (&found_id, &winner))?;

        let written = self.mails_written().await?;
        let welcome = winners.first().is_some_and(|winner| written.contains(&winner.2));
        rule("a registration writes its mail", welcome, written.len())?;
        let told = outcomes
            .iter()
            .filter(|o| o.0 == Registration::EmailTaken && written.contains(&o.3))
            .count();
        let as_often = told == LIMIT.times as usize && written.len() == told + 1;
        rule("the owner of a taken address is told only so often", as_often, written.len())
    }

    async fn an_account_is_found_as_it_was_written(&self) -> Result<(), Violation> {
        const RULE: &str = "an account is found as it was written";
        let mut user = new_user(&fresh_email());
        let mut attributes = Attributes::new();
        attributes.insert("name".into(), "Zoë \"Z\" O'Hara".into());
        user.account = user.account.with_attributes(attributes);
        let outcome = self.store.create_user(&user, &Effects::none()).await?;
        rule(RULE, outcome == Registration::Registered, outcome)?;
        let by_id = self.store.find_account(user.account.id()).await?;
        rule(RULE, by_id.as_ref() == Some(&user.account), &by_id)?;

        let again = self
            .store
            .create_user(&new_user(user.account.email().unwrap_or("")), &Effects::none())
            .await?;
        rule("a taken address stays with its owner", again == Registration::EmailTaken, again)?;
        let nobody = self.store.find_account_by_email(&fresh_email()).await?;
        rule(RULE, nobody.is_none(), nobody)
    }

    async fn a_link_confirms_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a link to confirm is used once";
        let user = self.register().await?;
        let uses = race(|_| {
            let (store, link) = (Arc::clone(&self.store), user.confirm.clone());
            async move { store.confirm_email(&link, &Effects::none(), at(1)).await }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == LinkUse::Done(user.id.clone())).count();
        let invalid = uses.iter().filter(|used| **used == LinkUse::Invalid).count();
        rule(RULE, done == 1 && invalid == CALLERS - 1, uses)?;
        let account = self.store.find_account(&user.id).await?;
        let verified = account.as_ref().is_some_and(Account::email_verified);
        rule("a link to confirm confirms the address", verified, account)
    }

    async fn a_link_resets_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a link to reset is used once";
        let user = self.register().await?;
        let link = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        self.fail(&user.email, LOCKOUT.attempts, epoch()).await?;
        self.mails_written().await?;
        let uses = race(|index| {
            let (store, link) = (Arc::clone(&self.store), link.clone());
            async move {
                let password = Redacted(format!("$argon2id$reset-{index}"));
                let used =
                    store.reset_password(&link, &password, &new_delivery().into(), at(1)).await?;
                Ok((used, password))
            }
        })
        .await?;
        let done: Vec<_> = uses.iter().filter(|(reset, _)| is_done(reset, &user.id)).collect();
        rule(RULE, done.len() == 1, done.len())?;
        let notices = self.mails_written().await?.len();
        rule("a reset writes its notice, and only then", notices == 1, notices)?;

        let login = self.begin(&user.email, at(2)).await?;
        let stored = login.user.as_ref().and_then(|user| user.password.clone());
        let set = done.first().map(|(_, password)| password.clone());
        rule("a reset sets the password of the one who was told so", stored == set, login.user)?;
        let open = login.locked_until.is_none();
        rule("a reset forgets the attempts", open, login.locked_until)?;
        let account = self.store.find_account(&user.id).await?;
        let verified = account.as_ref().is_some_and(Account::email_verified);
        rule("a reset confirms the address", verified, account)?;
        let confirmed = self.store.confirm_email(&user.confirm, &Effects::none(), at(2)).await?;
        rule("a reset ends all links", confirmed == LinkUse::Invalid, confirmed)
    }

    async fn a_reset_ends_every_session(&self) -> Result<(), Violation> {
        const RULE: &str = "a reset ends every session and notes it";
        let user = self.register().await?;
        let other = new_session(Some("somebody-else"));
        self.sessions.create_session(&other).await?;
        let mut expected = HashSet::new();
        for _ in 0..3 {
            let session = new_session(Some(user.id.as_str()));
            self.sessions.create_session(&session).await?;
            expected.insert(Some(session.id));
        }
        // What sessions that are over have left behind ends too.
        expected.insert(None);
        let link = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        let used = self.reset(&link, at(1)).await?;
        rule(RULE, is_done(&used, &user.id), used)?;

        let left = self.sessions.sessions_of(&user.id, at(1)).await?;
        rule(RULE, left.is_empty(), left.len())?;
        let events = self.sessions.session_events(0, 10_000).await?;
        let noted: HashSet<Option<SessionId>> = events
            .iter()
            .filter(|event| event.user_id == user.id && event.end == SessionEnd::PasswordReset)
            .map(|event| event.session_id)
            .collect();
        rule(RULE, noted == expected, noted)?;
        let spared = self.sessions.load_session(&other.token, at(1)).await?;
        rule("a reset ends nobody else's session", spared.is_some(), spared)
    }

    async fn no_session_of_the_old_password_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no session opened with the old password outlives a reset";
        for _ in 0..5 {
            let user = self.register().await?;
            let link = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
            race(|caller| {
                let (store, sessions) = (Arc::clone(&self.store), Arc::clone(&self.sessions));
                let (email, id) = (user.email.clone(), user.id.clone());
                let link = link.clone();
                async move {
                    if caller == CALLERS / 2 {
                        let new = Redacted("$argon2id$reset".to_owned());
                        store.reset_password(&link, &new, &new_delivery().into(), at(1)).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let completion = store
                        .complete_login(
                            &email,
                            ADDRESS,
                            (&password(), None),
                            None,
                            &Effects::none(),
                        )
                        .await?;
                    if completion == LoginCompletion::PasswordChanged {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&user.id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn a_link_works_for_its_purpose_until_it_expires(&self) -> Result<(), Violation> {
        const EXPIRED: &str = "an expired link opens nothing";
        const PURPOSE: &str = "a link opens nothing but its purpose";
        let user = self.register().await?;
        let link = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        let loaded = self.store.load_link(LinkPurpose::Reset, &link.token, at(HOUR - 1)).await?;
        let id = loaded.map(|link| link.account.id().clone());
        rule("a link names its account", id.as_ref() == Some(&user.id), id)?;
        let loaded = self.store.load_link(LinkPurpose::Reset, &link.token, at(HOUR)).await?;
        rule(EXPIRED, loaded.is_none(), loaded)?;
        let other = self.store.load_link(LinkPurpose::Confirm, &link.token, epoch()).await?;
        rule(PURPOSE, other.is_none(), other)?;

        let confirmed = self.store.confirm_email(&link, &Effects::none(), epoch()).await?;
        rule(PURPOSE, confirmed == LinkUse::Invalid, confirmed)?;
        let reset = self.reset(&user.confirm, epoch()).await?;
        rule(PURPOSE, reset == PasswordReset::Invalid, reset)?;
        let reset = self.reset(&link, at(HOUR)).await?;
        rule(EXPIRED, reset == PasswordReset::Invalid, reset)?;
        let confirmed = self.store.confirm_email(&user.confirm, &Effects::none(), at(HOUR)).await?;
        rule(EXPIRED, confirmed == LinkUse::Invalid, confirmed)
    }

    async fn attempts_are_counted_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "any number of callers get the allowed attempts and no more";
        const NOTICE: &str = "the first refused attempt writes the notice to the owner";
        let user = self.register().await?;
        for (email, notices) in [(user.email, 1), (fresh_email(), 0)] {
            self.mails_written().await?;
            let attempts = race(|_| {
                let (store, email) = (Arc::clone(&self.store), email.clone());
                let mail = new_delivery().into();
                async move {
                    let whom = (email.as_str(), false);
                    store.begin_login(whom, None, LOCKOUT, &mail, &[], epoch()).await
                }
            })
            .await?;
            let admitted = attempts.iter().filter(|a| a.locked_until.is_none()).count();
            rule(RULE, admitted == LOCKOUT.attempts as usize, admitted)?;
            let written = self.mails_written().await?.len();
            rule(NOTICE, written == notices, written)?;
        }
        Ok(())
    }

    async fn a_lock_ends_and_comes_again(&self) -> Result<(), Violation> {
        let email = self.register().await?.email;
        let mut begins = epoch();
        for _ in 0..2 {
            let until = begins + LOCKOUT.lock_for;
            self.fail(&email, LOCKOUT.attempts, begins).await?;
            let locked = self.begin(&email, begins).await?.locked_until;
            rule("a lock comes again", locked == Some(until), locked)?;
            let locked = self.begin(&email, until - Duration::SECOND).await?.locked_until;
            rule("trying does not prolong a lock", locked == Some(until), locked)?;
            let locked = self.begin(&email, until).await?.locked_until;
            rule("a lock ends", locked.is_none(), locked)?;
            begins = until + LOCKOUT.lock_for;
        }
        Ok(())
    }

    async fn a_login_completes_only_with_the_present_password(&self) -> Result<(), Violation> {
        const RULE: &str = "a login completes only with the present password";
        let user = self.register().await?;
        let (old, new) = (password(), Redacted("$argon2id$better".to_owned()));
        self.fail(&user.email, LOCKOUT.attempts, epoch()).await?;
        let wrong = self
            .store
            .complete_login(&user.email, ADDRESS, (&new, None), None, &Effects::none())
            .await?;
        rule(RULE, wrong == LoginCompletion::PasswordChanged, wrong)?;
        let login = self.begin(&user.email, epoch()).await?;
        rule("only a success forgets the attempts", login.locked_until.is_some(), &login)?;

        let right = self
            .store
            .complete_login(&user.email, ADDRESS, (&old, Some(0)), Some(&new), &Effects::none())
            .await?;
        rule(RULE, right == LoginCompletion::Completed, right)?;
        let login = self.begin(&user.email, epoch()).await?;
        rule("a success forgets the attempts", login.locked_until.is_none(), &login)?;
        let stored = login.user.and_then(|user| user.password);
        rule("a better hash is stored", stored == Some(new), stored.is_some())?;
        let stale = self
            .store
            .complete_login(&user.email, ADDRESS, (&old, None), None, &Effects::none())
            .await?;
        rule(RULE, stale == LoginCompletion::PasswordChanged, stale)
    }

    async fn requests_for_links_are_limited_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "requests for links are limited exactly";
        let user = self.register().await?;
        let granted = LIMIT.times as usize;
        for (email, outcome, mails) in
            [(user.email, LinkRequest::Sent, granted), (fresh_email(), LinkRequest::NoAccount, 0)]
        {
            self.mails_written().await?;
            let requests = race(|_| {
                let (store, email) = (Arc::clone(&self.store), email.clone());
                let link = new_link(LinkPurpose::Reset);
                async move { store.request_link(&email, &link, LIMIT, epoch()).await }
            })
            .await?;
            let passed = requests.iter().filter(|request| **request == outcome).count();
            let limited = requests.iter().filter(|r| **r == LinkRequest::Limited).count();
            rule(RULE, passed == granted && limited == CALLERS - granted, requests)?;
            let written = self.mails_written().await?.len();
            rule("a link is written with its mail", written == mails, written)?;
            let link = new_link(LinkPurpose::Reset);
            let later =
                self.store.request_link(&email, &link, LIMIT, epoch() + LIMIT.window).await?;
            rule("a limit ends with its window", later == outcome, later)?;
        }
        Ok(())
    }

    async fn the_sweeper_removes_only_what_is_over(&self) -> Result<(), Violation> {
        const RULE: &str = "the sweeper removes what is over and nothing else";
        let user = self.register().await?;
        self.fail(&user.email, LOCKOUT.attempts + 1, epoch()).await?;
        while self.store.sweep_accounts(at(1), 2).await? > 0 {}
        let link = self.store.load_link(LinkPurpose::Confirm, &user.confirm.token, at(1)).await?;
        rule(RULE, link.is_some(), &link)?;
        let login = self.begin(&user.email, at(1)).await?;
        rule(RULE, login.locked_until.is_some(), &login)?;
        let mut removed = 0;
        for _ in 0..1000 {
            match self.store.sweep_accounts(at(30 * 24 * HOUR), 2).await? {
                0 => break,
                swept => removed += swept,
            }
        }
        rule(RULE, removed >= 2, removed)?;
        let link = self.store.load_link(LinkPurpose::Confirm, &user.confirm.token, at(1)).await?;
        rule(RULE, link.is_none(), link)
    }

    async fn register(&self) -> Result<Registered, Violation> {
        let user = new_user(&fresh_email());
        let link = new_link(LinkPurpose::Confirm);
        let outcome =
            self.store.register(&user, &link, &new_delivery().into(), (LIMIT, epoch())).await?;
        rule("a fresh address is registered", outcome == Registration::Registered, outcome)?;
        let email = user.account.email().unwrap_or_default().to_owned();
        let (id, confirm) = (user.account.id().clone(), followed(&link, &email, user.account.id()));
        Ok(Registered { email, id, confirm })
    }

    async fn request(
        &self,
        user: &Registered,
        purpose: LinkPurpose,
        expires_at: OffsetDateTime,
    ) -> Result<FollowedLink, Violation> {
        let link = NewLink { expires_at, ..new_link(purpose) };
        let outcome = self.store.request_link(&user.email, &link, LIMIT, epoch()).await?;
        rule("a link is written for an account", outcome == LinkRequest::Sent, outcome)?;
        Ok(followed(&link, &user.email, &user.id))
    }

    async fn reset(
        &self,
        link: &FollowedLink,
        now: OffsetDateTime,
    ) -> Result<PasswordReset, Violation> {
        Ok(self.store.reset_password(link, &password(), &new_delivery().into(), now).await?)
    }

    /// The ids of the mails that were written since this was last asked.
    async fn mails_written(&self) -> Result<HashSet<Uuid>, Violation> {
        let lease = Duration::days(36_500);
        let claimed = self.outbox.claim_deliveries(KIND, at(HOUR), lease, 1000).await?;
        Ok(claimed.into_iter().map(|delivery| delivery.id).collect())
    }
}

fn is_done(reset: &PasswordReset, owner: &UserId) -> bool {
    matches!(reset, PasswordReset::Done { user, .. } if user == owner)
}

pub(super) fn fresh_email() -> String {
    format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple())
}

fn password() -> Redacted<String> {
    Redacted("$argon2id$first".to_owned())
}

pub(super) fn new_user(email: &str) -> NewUser {
    let id = UserId::from(SystemRandom.uuid_v7(epoch()));
    NewUser {
        account: Account::new(id).with_email(email, false),
        password: Some(password()),
        created_at: epoch(),
    }
}

fn mail_of(link: &NewLink) -> Uuid {
    link.effects.deliveries.first().map_or_else(Uuid::nil, |mail| mail.id)
}

pub(super) fn new_link(purpose: LinkPurpose) -> NewLink {
    NewLink {
        key: LinkKey::from_bytes(SystemRandom.bytes()),
        purpose,
        token: SystemRandom.token().hash(),
        code: None,
        expires_at: at(HOUR),
        effects: new_delivery().into(),
    }
}

/// The link of somebody who follows it, having been found to be bound to them.
pub(super) fn followed(link: &NewLink, email: &str, user: &UserId) -> FollowedLink {
    FollowedLink { token: link.token, user: user.clone(), email: email.to_owned() }
}

/// Whose an address is.
pub(super) async fn owner_of(users: &dyn UserStore, email: &str) -> Result<UserId, Violation> {
    let owner = users.find_account_by_email(email).await?;
    rule("an account is found by its address", owner.is_some(), &owner)?;
    Ok(owner.map_or_else(|| UserId::from(Uuid::nil()), |owner| owner.id().clone()))
}

pub(super) fn new_delivery() -> NewDelivery {
    NewDelivery {
        id: SystemRandom.uuid_v7(epoch()),
        kind: KIND,
        payload: Sealed::from_bytes(b"sealed".to_vec()),
        created_at: epoch(),
    }
}
