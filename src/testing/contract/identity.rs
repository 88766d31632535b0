mod link;
mod tokens;

use std::sync::Arc;

use time::Duration;

use super::account::{LIMIT, followed, fresh_email, new_link, new_user};
use super::{CALLERS, Violation, at, epoch, open_ways, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, Redacted, Sealed, SystemRandom, TokenHash};
use crate::scope::UserId;
use crate::store::{
    AuditFilter, AuditStore, Effects, IdentityRegistration, IdentityStore, IdentityUse,
    LinkPurpose, Linking, NewIdentity, NewUser, ParkedIdentity, ReplacedTokens, UserStore,
};

/// Tokens that stand by themselves.
const ANY: ReplacedTokens = ReplacedTokens::Any;

/// Proves the contract of an [`IdentityStore`] whose users are in `users`, and whose entries
/// `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn identities(
    store: Arc<dyn IdentityStore>,
    users: Arc<dyn UserStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, audit };
    kit.an_identity_registers_once().await?;
    kit.an_address_is_registered_once_by_identities().await?;
    kit.an_identity_is_found_by_provider_and_subject_alone().await?;
    kit.a_login_writes_what_the_provider_says_now().await?;
    kit.no_login_by_an_identity_outlives_a_reset().await?;
    kit.an_identity_is_linked_once().await?;
    kit.an_unconfirmed_account_is_taken_over_once().await?;
    kit.the_last_way_in_stays().await?;
    kit.what_opens_nothing_is_no_way_in().await?;
    kit.of_two_who_take_the_last_ways_in_one_does().await?;
    kit.an_identity_waits_until_it_is_taken_once().await?;
    kit.mails_to_one_address_are_limited_exactly().await?;
    kit.tokens_are_refreshed_by_one_at_a_time().await?;
    kit.new_tokens_are_never_overwritten_by_older_ones().await?;
    kit.tokens_that_go_on_with_others_wait_for_a_refresh().await?;
    kit.tokens_that_go_on_with_others_are_written_over_those_only().await?;
    kit.what_goes_along_with_an_identity_is_written_with_it().await
}

struct Kit {
    store: Arc<dyn IdentityStore>,
    users: Arc<dyn UserStore>,
    audit: Arc<dyn AuditStore>,
}

/// A user who has signed up by an identity, and has no password.
struct Known {
    email: String,
    id: UserId,
    identity: NewIdentity,
}

impl Kit {
    async fn an_identity_registers_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity registers once";
        let identity = new_identity("acme");
        let users: Vec<_> = (0..CALLERS).map(|_| no_password(&fresh_email())).collect();
        let outcomes = race(|caller| {
            let (store, identity) = (Arc::clone(&self.store), identity.clone());
            let user = users.get(caller).cloned();
            async move {
                let Some(user) = user else { return Ok(None) };
                let none = Effects::none();
                let outcome = store.register_with_identity(&user, &identity, &none).await?;
                Ok(Some((outcome, user)))
            }
        })
        .await?;
        let mut winners = Vec::new();
        for (outcome, user) in outcomes.into_iter().flatten() {
            let found = self.users.find_account(user.account.id()).await?;
            match outcome {
                IdentityRegistration::Registered => {
                    rule(RULE, found.as_ref() == Some(&user.account), &found)?;
                    winners.push(user);
                }
                IdentityRegistration::IdentityTaken => rule(RULE, found.is_none(), &found)?,
                IdentityRegistration::EmailTaken => rule(RULE, false, outcome)?,
            }
        }
        rule(RULE, winners.len() == 1, winners.len())?;
        let owner = self.owner(&identity).await?;
        rule(RULE, owner.as_ref() == winners.first().map(|user| user.account.id()), owner)
    }

    async fn an_address_is_registered_once_by_identities(&self) -> Result<(), Violation> {
        const RULE: &str = "an address is registered once, whatever the identities";
        let email = fresh_email();
        let identities: Vec<_> = (0..CALLERS).map(|_| new_identity("acme")).collect();
        let outcomes = race(|caller| {
            let (store, user) = (Arc::clone(&self.store), no_password(&email));
            let identity = identities.get(caller).cloned();
            async move {
                let Some(identity) = identity else { return Ok(None) };
                let none = Effects::none();
                let outcome = store.register_with_identity(&user, &identity, &none).await?;
                Ok(Some((outcome, identity)))
            }
        })
        .await?;
        let mut registered = 0;
        for (outcome, identity) in outcomes.into_iter().flatten() {
            let fresh = outcome == IdentityRegistration::Registered;
            let expected = fresh || outcome == IdentityRegistration::EmailTaken;
            let owned = self.owner(&identity).await?.is_some();
            rule(RULE, expected && owned == fresh, (outcome, owned))?;
            registered += usize::from(fresh);
        }
        rule(RULE, registered == 1, registered)
    }

    async fn an_identity_is_found_by_provider_and_subject_alone(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity is found by provider and subject alone";
        let known = self.known().await?;
        let bystander = new_user(&fresh_email());
        self.users.create_user(&bystander, &Effects::none()).await?;
        let (provider, subject) = (&known.identity.provider, &known.identity.subject);
        let other = format!("{subject}x");
        for (provider, subject, email, owned, held) in [
            (provider.as_str(), subject, None, true, None),
            (provider, subject, bystander.account.email(), true, Some(bystander.account.id())),
            (provider, &other, Some(known.email.as_str()), false, Some(&known.id)),
            ("other", subject, Some("nobody@example.test"), false, None),
        ] {
            let found = self.store.find_identity(provider, subject, email).await?;
            let owner = found.identity.as_ref().map(|user| user.account.id());
            let holder = found.email.as_ref().map(crate::scope::Account::id);
            rule(RULE, owner == owned.then_some(&known.id) && holder == held, (owner, holder))?;
        }
        Ok(())
    }

    async fn a_login_writes_what_the_provider_says_now(&self) -> Result<(), Violation> {
        const RULE: &str = "a login writes what the provider says, and leaves what it does not say";
        let known = self.known().await?;
        let said = NewIdentity {
            email: None,
            name: Some("Zoë \"Z\" O'Hara".into()),
            tokens: None,
            at: at(60),
            ..known.identity.clone()
        };
        let none = Effects::none();
        let used = self.store.log_in_with_identity(&known.id, &said, (0, ANY), &none).await?;
        rule(RULE, used == IdentityUse::Done, used)?;
        let ways = self.store.ways_in(&known.id, &open_ways()).await?;
        let Some(identity) = ways.identities.first() else { return rule(RULE, false, ways) };
        let holds = identity.email == known.identity.email
            && identity.name == said.name
            && (identity.created_at, identity.last_used_at) == (epoch(), at(60));
        rule(RULE, holds && ways.count == 1 && !ways.password, &ways)?;
        let tokens = self.store.provider_tokens(&known.id, &said.provider).await?;
        let kept = tokens.map(|stored| (Some(stored.tokens), stored.version));
        rule(RULE, kept == Some((known.identity.tokens.clone(), 0)), kept)?;

        let stranger = new_user(&fresh_email());
        self.users.create_user(&stranger, &none).await?;
        let foreign =
            self.store.log_in_with_identity(stranger.account.id(), &said, (0, ANY), &none).await?;
        rule("an identity logs in its own user", foreign == IdentityUse::Refused, foreign)
    }

    async fn no_login_by_an_identity_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no login by an identity that was begun before a reset stands";
        let known = self.known().await?;
        let link = new_link(LinkPurpose::Reset);
        self.users.request_link(&known.email, &link, LIMIT, epoch()).await?;
        let (password, none) = (Redacted("$new".to_owned()), Effects::none());
        let link = followed(&link, &known.email, &known.id);
        self.users.reset_password(&link, &password, &none, epoch()).await?;
        for (began, expected) in [(0, IdentityUse::Refused), (1, IdentityUse::Done)] {
            let identity = &known.identity;
            let used =
                self.store.log_in_with_identity(&known.id, identity, (began, ANY), &none).await?;
            rule(RULE, used == expected, (began, used))?;
        }
        Ok(())
    }

    async fn an_identity_waits_until_it_is_taken_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity waits for so long, and is taken once";
        let parked = new_parked();
        self.store.park_identity(&parked).await?;
        for (moment, there) in [(epoch(), true), (at(59), true), (at(60), false)] {
            let seen = self.store.parked_identity(&parked.handle, moment).await?;
            rule(RULE, seen == there.then(|| parked.identity.clone()), (moment, &seen))?;
        }
        let late = self.store.take_parked_identity(&parked.handle, at(60)).await?;
        rule(RULE, late.is_none(), late)?;
        let taken = race(|_| {
            let (store, handle) = (Arc::clone(&self.store), parked.handle);
            async move { store.take_parked_identity(&handle, epoch()).await }
        })
        .await?;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        rule(RULE, taken == [parked.identity.clone()], taken.len())?;

        let [old, new] = [new_parked(), ParkedIdentity { expires_at: at(600), ..new_parked() }];
        self.store.park_identity(&old).await?;
        self.store.park_identity(&new).await?;
        let swept = self.store.sweep_parked_identities(at(60), 100).await?;
        let left = self.store.parked_identity(&new.handle, at(60)).await?;
        rule("the sweeper takes what is over", swept == 1 && left.is_some(), (swept, left))
    }

    async fn mails_to_one_address_are_limited_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity waits whether or not its mail may be sent so soon";
        let email = fresh_email();
        let all: Vec<_> = (0..CALLERS).map(|_| new_parked()).collect();
        let (name, along) = self.along();
        let sent =
            race(|caller| {
                let (store, email, along) = (Arc::clone(&self.store), email.clone(), along.clone());
                let parked = all.get(caller).cloned().unwrap_or_else(new_parked);
                let along = Effects::from(crate::audit::AuditEntry {
                    id: SystemRandom.uuid_v7(epoch()),
                    ..along.audit.first().cloned().unwrap_or_else(|| entry(Action::CREATE))
                });
                async move {
                    store.park_identity_with_mail(&parked, &email, &along, (LIMIT, epoch())).await
                }
            })
            .await?;
        let sent = sent.into_iter().filter(|sent| *sent).count();
        rule(RULE, sent == LIMIT.times as usize, sent)?;
        let written = self.written(&name, None).await?;
        rule(RULE, written == sent, written)?;
        for parked in &all {
            let waits = self.store.parked_identity(&parked.handle, epoch()).await?.is_some();
            rule(RULE, waits, parked)?;
        }
        let later = epoch() + LIMIT.window;
        let again = self
            .store
            .park_identity_with_mail(&new_parked(), &email, &Effects::none(), (LIMIT, later))
            .await?;
        rule("a window of mails ends", again, again)
    }

    async fn what_goes_along_with_an_identity_is_written_with_it(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (user, identity) = (no_password(&fresh_email()), new_identity("acme"));
        let id = user.account.id();
        for expected in [1, 0] {
            let (name, along) = self.along();
            self.store.register_with_identity(&user, &identity, &along).await?;
            let written = self.written(&name, Some(id)).await?;
            rule(RULE, written == expected, ("a registration", written))?;
        }
        for (began, expected) in [(0, 1), (7, 0)] {
            let (name, along) = self.along();
            self.store.log_in_with_identity(id, &identity, (began, ANY), &along).await?;
            let written = self.written(&name, Some(id)).await?;
            rule(RULE, written == expected, ("a login", written))?;
        }
        let second = new_identity("other");
        for expected in [1, 0] {
            let (name, along) = self.along();
            self.store.link_identity(id, &second, None, &along).await?;
            let written = self.written(&name, Some(id)).await?;
            rule(RULE, written == expected, ("a link", written))?;
        }
        for expected in [1, 0] {
            let (name, along) = self.along();
            self.store.unlink_identity(id, "other", &open_ways(), &along).await?;
            let written = self.written(&name, Some(id)).await?;
            rule(RULE, written == expected, ("an unlinking", written))?;
        }
        let (name, along) = self.along();
        self.store.unlink_identity(id, "acme", &open_ways(), &along).await?;
        let written = self.written(&name, Some(id)).await?;
        rule(RULE, written == 0, ("the last way in", written))
    }

    /// An entry to be found again.
    fn along(&self) -> (String, Effects) {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        (name, entry(action).into())
    }

    /// How often it was written, about this user if one is given.
    async fn written(&self, name: &str, user: Option<&UserId>) -> Result<usize, Violation> {
        let action = Some(name.to_owned());
        let filter = AuditFilter { action, user: user.cloned(), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 100).await?.len())
    }

    async fn owner(&self, identity: &NewIdentity) -> Result<Option<UserId>, Violation> {
        let found = self.store.find_identity(&identity.provider, &identity.subject, None).await?;
        Ok(found.identity.map(|user| user.account.id().clone()))
    }

    async fn known(&self) -> Result<Known, Violation> {
        let (email, identity) = (fresh_email(), new_identity("acme"));
        let user = no_password(&email);
        self.store.register_with_identity(&user, &identity, &Effects::none()).await?;
        Ok(Known { email, id: user.account.id().clone(), identity })
    }
}

fn entry(action: Action) -> crate::audit::AuditEntry {
    Entry::new(action).at(epoch(), &SystemRandom)
}

/// Somebody whose address a provider vouches for.
fn no_password(email: &str) -> NewUser {
    let mut user = new_user(email);
    user.account = user.account.with_email(email, true);
    NewUser { password: None, ..user }
}

pub(super) fn new_identity(provider: &str) -> NewIdentity {
    NewIdentity {
        provider: provider.to_owned(),
        subject: SystemRandom.uuid_v7(epoch()).to_string(),
        email: Some("someone@provider.test".to_owned()),
        name: Some("Someone".to_owned()),
        tokens: Some(sealed()),
        at: epoch(),
    }
}

fn new_parked() -> ParkedIdentity {
    let handle = TokenHash::from_bytes(SystemRandom.bytes());
    let expires_at = epoch() + Duration::MINUTE;
    ParkedIdentity { handle, identity: sealed(), expires_at }
}

fn sealed() -> Sealed {
    Sealed::from_bytes(SystemRandom.bytes::<40>().to_vec())
}
