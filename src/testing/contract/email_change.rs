mod claim;
mod ends;
mod managed;

use std::collections::HashSet;
use std::sync::Arc;

use time::Duration;

use super::account::{KIND, followed, fresh_email, new_delivery, new_link, new_user};
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{KeyedHash, RandomExt as _, SystemRandom, TokenHash};
use crate::scope::{Account, UserId};
use crate::store::{
    AuditFilter, AuditStore, Effects, EmailChange, EmailChangeCode, EmailChangeRequest,
    EmailChangeStore, EmailChangeTries, EmailChanged, EmailProof, LifecycleStore, LinkPurpose,
    NewEmailChange, NewLink, NewUser, OrganizationStore, OutboxStore, PasswordStore,
    PendingEmailChange, RateLimit, SessionStore, SsoStore, UserStore,
};

const HOUR: i64 = 3600;
const OFTEN: RateLimit = RateLimit { times: 1000, window: Duration::HOUR };
const LIMIT: RateLimit = RateLimit { times: 3, window: Duration::minutes(15) };

/// What the contract of an [`EmailChangeStore`] is proven with: the other parts of the same store.
#[derive(Clone, Debug)]
pub struct EmailChangeParts {
    /// Its users.
    pub users: Arc<dyn UserStore>,
    /// Their passwords.
    pub passwords: Arc<dyn PasswordStore>,
    /// How their accounts end.
    pub lifecycles: Arc<dyn LifecycleStore>,
    /// Their sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Their mails.
    pub outbox: Arc<dyn OutboxStore>,
    /// What is told of them.
    pub audit: Arc<dyn AuditStore>,
    /// Their organizations.
    pub organizations: Arc<dyn OrganizationStore>,
    /// What these enforce.
    pub single_sign_on: Arc<dyn SsoStore>,
}

/// Proves the contract of an [`EmailChangeStore`].
///
/// # Errors
/// The first [`Violation`].
pub async fn email_changes(
    store: Arc<dyn EmailChangeStore>,
    parts: EmailChangeParts,
) -> Result<(), Violation> {
    let kit = Kit { store, parts };
    kit.an_address_is_changed_once().await?;
    kit.a_change_is_for_its_user().await?;
    kit.a_newer_change_takes_the_place_of_the_older().await?;
    kit.a_change_waits_until_it_is_over_or_cancelled().await?;
    kit.a_code_of_a_change_is_tried_as_often_as_allowed().await?;
    kit.more_addresses_give_no_more_tries_than_the_user_has().await?;
    kit.who_proves_an_address_wins_over_who_never_did().await?;
    kit.an_address_goes_to_one_of_all_who_claim_it().await?;
    kit.an_address_that_is_confirmed_meanwhile_stays_where_it_is().await?;
    kit.the_word_of_the_host_is_proof().await?;
    kit.only_the_host_changes_a_managed_address().await?;
    kit.a_change_ends_what_the_old_address_opened().await?;
    kit.no_login_with_the_old_address_outlives_a_change().await?;
    kit.a_change_that_waits_ends_with_the_other_links().await?;
    kit.requests_are_limited_exactly().await?;
    kit.the_mail_goes_to_whom_it_is_for().await?;
    kit.what_goes_along_is_written_with_the_change().await
}

struct Kit {
    store: Arc<dyn EmailChangeStore>,
    parts: EmailChangeParts,
}

/// A change that waits.
#[derive(Clone, Debug)]
struct Asked {
    id: UserId,
    old: String,
    new: String,
    token: TokenHash,
    binding: KeyedHash,
}

impl Asked {
    fn change(&self) -> EmailChange {
        let proof = EmailProof::Link(self.token, self.new.clone());
        EmailChange { user: self.id.clone(), proof, keep: None, at: at(1) }
    }
}

impl Kit {
    async fn an_address_is_changed_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an address is changed once";
        let asked = self.ask(&fresh_email()).await?;
        let changes = race(|_| {
            let (store, change) = (Arc::clone(&self.store), asked.change());
            async move { store.change_email(&change, &Effects::none(), &Effects::none()).await }
        })
        .await?;
        let done: Vec<_> =
            changes.iter().filter(|change| **change != EmailChanged::Invalid).collect();
        rule(RULE, done.len() == 1, &done)?;
        let moved = done.first().is_some_and(|done| **done == changed_at(1));
        rule("a change moves the epoch", moved, &done)?;
        let users = &self.parts.users;
        let found = users.find_account_by_email(&asked.new).await?;
        let is_theirs = found.as_ref().map(|found| (found.id(), found.email_verified()));
        rule("a changed address is confirmed", is_theirs == Some((&asked.id, true)), &found)?;
        let old = users.find_account_by_email(&asked.old).await?;
        rule("a changed address is nobody's any more", old.is_none(), old)
    }

    async fn a_change_is_for_its_user(&self) -> Result<(), Violation> {
        const RULE: &str = "a change is for its user";
        let (asked, other) = (self.ask(&fresh_email()).await?, self.user(true).await?);
        let change = EmailChange { user: other.1.clone(), ..asked.change() };
        let told = self.change(&change).await?;
        rule(RULE, told == EmailChanged::Invalid, told)?;
        let kept = self.email_of(&other.1).await?;
        rule(RULE, kept.as_ref() == Some(&other.0), kept)?;
        let unknown = EmailProof::Link(SystemRandom.token().hash(), asked.new.clone());
        let told = self.change(&EmailChange { proof: unknown, ..asked.change() }).await?;
        rule("an unknown link changes nothing", told == EmailChanged::Invalid, told)?;
        let elsewhere = EmailProof::Link(asked.token, fresh_email());
        let told = self.change(&EmailChange { proof: elsewhere, ..asked.change() }).await?;
        rule(
            "a change is to the address its link was mailed to",
            told == EmailChanged::Invalid,
            told,
        )?;
        let told = self.change(&asked.change()).await?;
        rule("what others do with a link changes nothing", told == changed_at(1), told)
    }

    async fn a_newer_change_takes_the_place_of_the_older(&self) -> Result<(), Violation> {
        const RULE: &str = "a newer change takes the place of the older";
        let first = self.ask(&fresh_email()).await?;
        let second = self.ask_as((&first.old, &first.id), &fresh_email()).await?;
        let waits = self.pending(&first.id, 1).await?;
        let expected = PendingEmailChange {
            email: second.new.clone(),
            token: second.token,
            binding: second.binding,
            expires_at: at(HOUR),
        };
        rule(RULE, waits.as_ref() == Some(&expected), &waits)?;
        let told = (self.change(&first.change()).await?, self.change(&second.change()).await?);
        rule(RULE, told == (EmailChanged::Invalid, changed_at(1)), told)
    }

    async fn a_change_waits_until_it_is_over_or_cancelled(&self) -> Result<(), Violation> {
        const RULE: &str = "a change waits until it is over, or cancelled";
        let asked = self.ask(&fresh_email()).await?;
        let late = EmailChange { at: at(HOUR), ..asked.change() };
        let told = self.change(&late).await?;
        rule(RULE, told == EmailChanged::Invalid, told)?;
        let waits = self.pending(&asked.id, HOUR).await?;
        rule(RULE, waits.is_none(), waits)?;
        let gone = race(|_| {
            let (store, id) = (Arc::clone(&self.store), asked.id.clone());
            async move { store.cancel_email_change(&id, &Effects::none()).await }
        })
        .await?;
        let times = gone.iter().filter(|gone| **gone).count();
        rule("a change is cancelled once", times == 1, times)?;
        let told = self.change(&asked.change()).await?;
        rule(RULE, told == EmailChanged::Invalid, told)?;
        let kept = self.email_of(&asked.id).await?;
        rule(RULE, kept.as_ref() == Some(&asked.old), kept)
    }

    async fn a_code_of_a_change_is_tried_as_often_as_allowed(&self) -> Result<(), Violation> {
        const RULE: &str = "a code of a change is tried as often as is allowed";
        let tries = EmailChangeTries { each: 5, address: OFTEN, user: OFTEN };
        let (asked, address) = (self.ask(&fresh_email()).await?, fresh_email());
        let tried = race(|_| {
            let (store, id) = (Arc::clone(&self.store), asked.id.clone());
            async move { store.begin_email_change_code(&id, tries, at(1)).await }
        })
        .await?;
        let admitted: Vec<_> = tried.into_iter().flatten().collect();
        rule(RULE, admitted.len() == tries.each as usize, admitted.len())?;
        let knows = |mailed: &EmailChangeCode| {
            mailed.email == asked.new && mailed.token == asked.token && mailed.code == code()
        };
        rule("a try knows what it is compared with", admitted.iter().all(knows), admitted.first())?;
        // Whoever wants the same address, and however often, has no more tries than it has.
        let limit = RateLimit { times: 7, window: Duration::minutes(30) };
        let tries = EmailChangeTries { each: 5, address: limit, user: OFTEN };
        let mut admitted = 0;
        for _ in 0..3 {
            let asked = self.ask(&address).await?;
            for _ in 0..4 {
                let begun = self.store.begin_email_change_code(&asked.id, tries, at(1)).await?;
                admitted += usize::from(begun.is_some());
            }
        }
        rule(RULE, admitted == limit.times as usize, admitted)?;
        let asked = self.ask(&fresh_email()).await?;
        let (_, nobody) = self.user(true).await?;
        for (id, seconds, expected) in
            [(&asked.id, 1, true), (&asked.id, HOUR, false), (&nobody, 1, false)]
        {
            let begun = self.store.begin_email_change_code(id, tries, at(seconds)).await?;
            rule("a code is there while its change waits", begun.is_some() == expected, seconds)?;
        }
        let told = self.change(&asked.change()).await?;
        rule("a code that was tried leaves its link", told == changed_at(1), told)
    }

    async fn more_addresses_give_no_more_tries_than_the_user_has(&self) -> Result<(), Violation> {
        const RULE: &str = "more addresses give no more tries than the user has";
        let limit = RateLimit { times: 7, window: Duration::minutes(30) };
        let tries = EmailChangeTries { each: 5, address: OFTEN, user: limit };
        let (old, id) = self.user(true).await?;
        let mut admitted = 0;
        for _ in 0..3 {
            self.ask_as((&old, &id), &fresh_email()).await?;
            for _ in 0..4 {
                let begun = self.store.begin_email_change_code(&id, tries, at(1)).await?;
                admitted += usize::from(begun.is_some());
            }
        }
        rule(RULE, admitted == limit.times as usize, admitted)?;
        // What is too much for a user is not counted against an address that others want, too.
        let (address, once) = (fresh_email(), RateLimit { times: 1, ..limit });
        self.ask_as((&old, &id), &address).await?;
        let strict = EmailChangeTries { address: once, ..tries };
        let begun = self.store.begin_email_change_code(&id, strict, at(1)).await?;
        rule(RULE, begun.is_none(), begun)?;
        let other = self.ask(&address).await?;
        let begun = self.store.begin_email_change_code(&other.id, strict, at(1)).await?;
        rule("who tries too much uses up nobody else's tries", begun.is_some(), begun)?;
        let later = at(1) + limit.window;
        let begun = self.store.begin_email_change_code(&id, tries, later).await?;
        rule("a window of tries ends", begun.is_some(), begun)
    }

    async fn requests_are_limited_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "requests for changes are limited exactly, by user";
        let (_, id) = self.user(true).await?;
        let told =
            race(|_| {
                let (store, change) = (Arc::clone(&self.store), new_change(&id, &fresh_email()));
                async move {
                    store.request_email_change(&change, &Effects::none(), LIMIT, epoch()).await
                }
            })
            .await?;
        let pending = |told: &[EmailChangeRequest]| {
            told.iter().filter(|told| **told == EmailChangeRequest::Pending).count()
        };
        rule(RULE, pending(&told) == LIMIT.times as usize, pending(&told))?;
        let limited = told.iter().filter(|told| **told == EmailChangeRequest::Limited).count();
        rule(RULE, limited == CALLERS - LIMIT.times as usize, limited)?;
        let (later, change) = (epoch() + LIMIT.window, new_change(&id, &fresh_email()));
        let told = self.store.request_email_change(&change, &Effects::none(), LIMIT, later).await?;
        rule("a window of requests ends", told == EmailChangeRequest::Pending, told)?;

        let address = fresh_email();
        let mut users = Vec::new();
        for _ in 0..CALLERS {
            users.push(self.user(true).await?.1);
        }
        self.mails_written().await?;
        let told = race(|caller| {
            let store = Arc::clone(&self.store);
            let change = users.get(caller).map(|id| new_change(id, &address));
            async move {
                let Some(change) = change else { return Ok(EmailChangeRequest::NoAccount) };
                store.request_email_change(&change, &Effects::none(), LIMIT, epoch()).await
            }
        })
        .await?;
        rule("nobody is told how often others ask", pending(&told) == CALLERS, pending(&told))?;
        let mails = self.mails_written().await?.len();
        rule("what is mailed to an address is limited", mails == LIMIT.times as usize, mails)
    }

    async fn the_mail_goes_to_whom_it_is_for(&self) -> Result<(), Violation> {
        const RULE: &str = "who has confirmed an address is told, and the link is not mailed";
        let (confirmed, unconfirmed) = (self.user(true).await?, self.user(false).await?);
        for (email, is_taken) in
            [(&confirmed.0, true), (&unconfirmed.0, false), (&fresh_email(), false)]
        {
            let (_, id) = self.user(true).await?;
            let (change, notice) = (new_change(&id, email), new_delivery());
            let mail = |effects: &Effects| effects.deliveries.first().map(|mail| mail.id);
            let (link, taken) = (mail(&change.link.effects), mail(&change.taken));
            self.mails_written().await?;
            let along = notice.clone().into();
            let told = self.store.request_email_change(&change, &along, OFTEN, epoch()).await?;
            rule("it makes no difference", told == EmailChangeRequest::Pending, told)?;
            let written = self.mails_written().await?;
            let sent = if is_taken { taken } else { link };
            let expected: HashSet<_> = [Some(notice.id), sent].into_iter().flatten().collect();
            rule(RULE, written == expected, (is_taken, written.len()))?;
            let waits = self.pending(&id, 1).await?.map(|waits| waits.email);
            rule("it waits in any case", waits.as_ref() == Some(email), waits)?;
        }
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let change = new_change(&nobody, &fresh_email());
        let told =
            self.store.request_email_change(&change, &Effects::none(), OFTEN, epoch()).await?;
        rule("nobody asks for nothing", told == EmailChangeRequest::NoAccount, told)
    }

    async fn what_goes_along_is_written_with_the_change(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (loser, stranger) = (self.user(false).await?, self.user(false).await?);
        let (_, id) = self.user(true).await?;
        let change = new_change(&id, &loser.0);
        let (name, written) = along();
        self.store.request_email_change(&change, &written, OFTEN, epoch()).await?;
        rule(RULE, self.wrote(&name, Some(&id)).await?, "a request")?;
        let asked = EmailChange {
            user: id.clone(),
            proof: EmailProof::Link(change.link.token, change.email.clone()),
            keep: None,
            at: at(1),
        };
        for (owner, loser) in [(Some(&id), Some(&loser.1)), (None, None)] {
            let ((name, done), (lost, released)) = (along(), along());
            self.store.change_email(&asked, &done, &released).await?;
            rule(RULE, self.wrote(&name, owner).await?, ("a change", owner))?;
            rule(RULE, self.wrote(&lost, loser).await?, ("a loss", loser))?;
        }
        self.ask_as((&stranger.0, &stranger.1), &fresh_email()).await?;
        for owner in [Some(&stranger.1), None] {
            let (name, written) = along();
            self.store.cancel_email_change(&stranger.1, &written).await?;
            rule(RULE, self.wrote(&name, owner).await?, ("an end", owner))?;
        }
        Ok(())
    }

    async fn user(&self, verified: bool) -> Result<(String, UserId), Violation> {
        let email = fresh_email();
        let user = new_user(&email);
        let account = user.account.clone().with_email(&email, verified);
        let id = account.id().clone();
        let user = NewUser { account, ..user };
        self.parts.users.create_user(&user, &Effects::none()).await?;
        Ok((email, id))
    }

    /// A user who has asked for this address.
    async fn ask(&self, new: &str) -> Result<Asked, Violation> {
        let (old, id) = self.user(true).await?;
        self.ask_as((&old, &id), new).await
    }

    async fn ask_as(&self, (old, id): (&str, &UserId), new: &str) -> Result<Asked, Violation> {
        let change = new_change(id, new);
        let told =
            self.store.request_email_change(&change, &Effects::none(), OFTEN, epoch()).await?;
        rule("a user asks for an address", told == EmailChangeRequest::Pending, told)?;
        let (old, new) = (old.to_owned(), new.to_owned());
        let binding = change.link.key.bind(id, &new);
        Ok(Asked { id: id.clone(), old, new, token: change.link.token, binding })
    }

    async fn change(&self, change: &EmailChange) -> Result<EmailChanged, Violation> {
        Ok(self.store.change_email(change, &Effects::none(), &Effects::none()).await?)
    }

    async fn pending(
        &self,
        id: &UserId,
        seconds: i64,
    ) -> Result<Option<PendingEmailChange>, Violation> {
        Ok(self.store.pending_email_change(id, at(seconds)).await?)
    }

    async fn email_of(&self, id: &UserId) -> Result<Option<String>, Violation> {
        let found = self.parts.users.find_account(id).await?;
        Ok(found.as_ref().and_then(Account::email).map(str::to_owned))
    }

    /// The ids of the mails that were written since this was last asked.
    async fn mails_written(&self) -> Result<HashSet<uuid::Uuid>, Violation> {
        let lease = Duration::days(36_500);
        let claimed = self.parts.outbox.claim_deliveries(KIND, at(HOUR), lease, 1000).await?;
        Ok(claimed.into_iter().map(|delivery| delivery.id).collect())
    }

    /// Whether the entry of this name was written, about this user; or, without one, was not.
    async fn wrote(&self, name: &str, user: Option<&UserId>) -> Result<bool, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        let entries = self.parts.audit.audit_entries(&filter, 10).await?;
        Ok(entries.iter().map(|entry| entry.user.as_ref()).eq(user.map(Some)))
    }
}

pub(super) fn new_change(user: &UserId, email: &str) -> NewEmailChange {
    NewEmailChange {
        user: user.clone(),
        email: email.to_owned(),
        link: NewLink { code: Some(code()), ..new_link(LinkPurpose::ChangeEmail) },
        taken: new_delivery().into(),
    }
}

fn code() -> KeyedHash {
    KeyedHash::from_bytes([7; 32])
}

fn changed_at(device_epoch: i64) -> EmailChanged {
    EmailChanged::Done { device_epoch }
}

/// What goes along, and the name of its entry.
fn along() -> (String, Effects) {
    let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
    let action = Action::host(&name).unwrap_or(Action::CREATE);
    (name, Entry::new(action).at(epoch(), &SystemRandom).into())
}
