mod authority;
mod service_account;

use std::sync::Arc;

use super::account::{LIMIT, followed, new_delivery, new_link, new_user};
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, Redacted, SystemRandom};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::{
    ApiTokenId, ApiTokenStore, AuditFilter, AuditStore, Effects, LinkPurpose, NewApiToken, NewLink,
    OrganizationStore, RateLimit, ServiceAccountCreation, SessionStore, StoredApiToken,
    TokenCreation, TokenHolder, TokenOwner, TokenPage, UserStore,
};

const MANY: u32 = 1000;

/// Proves the contract of an [`ApiTokenStore`] whose users are in `users`, `sessions` and
/// `organizations`, and whose entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn api_tokens(
    store: Arc<dyn ApiTokenStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    organizations: Arc<dyn OrganizationStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, organizations, audit };
    kit.a_token_is_found_with_its_owner().await?;
    kit.an_owner_gets_so_many_tokens_and_no_more().await?;
    kit.a_token_is_made_in_a_session_that_is_alive().await?;
    kit.no_token_outlives_a_reset().await?;
    kit.no_token_outlives_a_sign_out_from_apps().await?;
    kit.a_token_is_revoked_once_and_by_its_owner().await?;
    kit.all_tokens_of_an_owner_are_revoked().await?;
    kit.tokens_are_listed_newest_first_in_pages_that_join().await?;
    kit.refusals_are_told_so_often_and_no_more().await?;
    kit.only_what_is_long_over_is_swept().await?;
    kit.a_service_account_has_credentials_of_its_own().await?;
    kit.a_service_account_is_disabled_and_enabled_once().await?;
    kit.service_accounts_are_listed_by_organization().await?;
    kit.only_who_may_sees_to_a_service_account().await?;
    kit.an_organization_has_so_many_service_accounts().await?;
    kit.what_goes_along_with_a_token_is_written_with_it().await
}

struct Kit {
    store: Arc<dyn ApiTokenStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    organizations: Arc<dyn OrganizationStore>,
    audit: Arc<dyn AuditStore>,
}

impl Kit {
    async fn a_token_is_found_with_its_owner(&self) -> Result<(), Violation> {
        const RULE: &str = "a token is found by its hash, with its owner as they are now";
        let (_, id) = self.user().await?;
        let token = NewApiToken { expires_at: Some(at(60)), ..new_token(&user(&id)) };
        let unknown = self.store.find_api_token(&token.hash).await?;
        rule(RULE, unknown.is_none(), &unknown)?;
        self.create(&token).await?;
        let found = self.store.find_api_token(&token.hash).await?;
        let same = found.as_ref().is_some_and(|found| {
            let theirs = matches!(&found.holder, TokenHolder::User(user) if *user.id() == id);
            theirs && found.token == stored(&token)
        });
        rule(RULE, same, &found)?;
        for (seconds, expected) in [(10, 10), (5, 10), (20, 20)] {
            self.store.touch_api_token(token.id, at(seconds)).await?;
            let found = self.store.find_api_token(&token.hash).await?;
            let used = found.and_then(|found| found.token.last_used_at);
            rule("the use of a token moves forward", used == Some(at(expected)), used)?;
        }
        Ok(())
    }

    async fn an_owner_gets_so_many_tokens_and_no_more(&self) -> Result<(), Violation> {
        const RULE: &str = "any number of callers get the allowed number of tokens and no more";
        let (_, id) = self.user().await?;
        let outcomes = race(|_| {
            let (store, token) = (Arc::clone(&self.store), new_token(&user(&id)));
            async move { store.create_api_token(&token, 5, &Effects::none()).await }
        })
        .await?;
        let made = outcomes.iter().filter(|outcome| **outcome == TokenCreation::Created).count();
        rule(RULE, made == 5, &outcomes)?;
        let held = self.list(&user(&id), TokenPage::default()).await?;
        rule(RULE, held.len() == 5, held.len())?;
        let Some(first) = held.first() else { return Ok(()) };
        self.store.revoke_api_token(&user(&id), first.id, None, &Effects::none(), at(1)).await?;
        let again =
            self.store.create_api_token(&new_token(&user(&id)), 5, &Effects::none()).await?;
        rule("a revoked token makes room", again == TokenCreation::Created, again)
    }

    async fn a_token_is_made_in_a_session_that_is_alive(&self) -> Result<(), Violation> {
        const RULE: &str = "a token is made by somebody, in a session that is alive";
        let ((_, id), (_, other)) = (self.user().await?, self.user().await?);
        let alive = self.session(&id).await?;
        let over = SessionId(SystemRandom.uuid_v7(epoch()));
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        for (owner, made_in, expected) in [
            (&id, Some(alive), TokenCreation::Created),
            (&id, None, TokenCreation::Created),
            (&id, Some(over), TokenCreation::NoOwner),
            (&other, Some(alive), TokenCreation::NoOwner),
            (&nobody, None, TokenCreation::NoOwner),
        ] {
            let token = NewApiToken { made_in, ..new_token(&user(owner)) };
            let outcome = self.store.create_api_token(&token, MANY, &Effects::none()).await?;
            rule(RULE, outcome == expected, (owner, made_in, outcome))?;
        }
        Ok(())
    }

    async fn no_token_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no token outlives a reset of its user's password";
        for _ in 0..3 {
            let (email, id) = self.user().await?;
            let session = self.session(&id).await?;
            let link = NewLink { expires_at: at(60), ..new_link(LinkPurpose::Reset) };
            self.users.request_link(&email, &link, LIMIT, epoch()).await?;
            race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let token = NewApiToken { made_in: Some(session), ..new_token(&user(&id)) };
                let reset = followed(&link, &email, &id);
                async move {
                    if caller == CALLERS / 2 {
                        let new = Redacted("$argon2id$reset".to_owned());
                        users.reset_password(&reset, &new, &new_delivery().into(), at(1)).await?;
                        return Ok(());
                    }
                    store.create_api_token(&token, MANY, &Effects::none()).await?;
                    Ok(())
                }
            })
            .await?;
            let left = self.list(&user(&id), TokenPage::default()).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn no_token_outlives_a_sign_out_from_apps(&self) -> Result<(), Violation> {
        const RULE: &str = "no token outlives its user's signing out everywhere and from apps";
        let ((_, id), (_, other)) = (self.user().await?, self.user().await?);
        let (token, others) = (new_token(&user(&id)), new_token(&user(&other)));
        for token in [&token, &others] {
            self.create(token).await?;
        }
        for (end, expected) in
            [(SessionEnd::Revoked, None), (SessionEnd::SignedOutEverywhere, Some(at(1)))]
        {
            self.sessions.end_sessions_of(&id, None, end, at(1)).await?;
            let found = self.store.find_api_token(&token.hash).await?;
            let revoked_at = found.and_then(|found| found.token.revoked_at);
            rule(RULE, revoked_at == expected, (end, revoked_at))?;
        }
        let found = self.store.find_api_token(&others.hash).await?;
        let revoked_at = found.and_then(|found| found.token.revoked_at);
        rule("nobody else's token ends with it", revoked_at.is_none(), revoked_at)
    }

    async fn a_token_is_revoked_once_and_by_its_owner(&self) -> Result<(), Violation> {
        let ((_, id), (_, other)) = (self.user().await?, self.user().await?);
        let token = new_token(&user(&id));
        self.create(&token).await?;
        let none = Effects::none();
        for stranger in [user(&other), TokenOwner::ServiceAccount(id.clone())] {
            let foreign =
                self.store.revoke_api_token(&stranger, token.id, None, &none, at(1)).await?;
            rule("a token is its owner's to revoke", !foreign, foreign)?;
        }
        let outcomes = race(|caller| {
            let (store, owner) = (Arc::clone(&self.store), user(&id));
            async move {
                let now = at(caller as i64);
                store.revoke_api_token(&owner, token.id, None, &Effects::none(), now).await
            }
        })
        .await?;
        let times = outcomes.iter().filter(|revoked| **revoked).count();
        rule("a token is revoked once", times == 1, times)?;
        let when = outcomes.iter().position(|revoked| *revoked).map(|caller| at(caller as i64));
        let found = self.store.find_api_token(&token.hash).await?;
        let revoked_at = found.and_then(|found| found.token.revoked_at);
        rule("a revoked token says since when", revoked_at == when, revoked_at)
    }

    async fn all_tokens_of_an_owner_are_revoked(&self) -> Result<(), Violation> {
        const RULE: &str = "all tokens of an owner are revoked, and nobody else's";
        let ((_, id), (_, other)) = (self.user().await?, self.user().await?);
        for owner in [&id, &id, &id, &other] {
            self.create(&new_token(&user(owner))).await?;
        }
        let outcomes = race(|_| {
            let (store, owner) = (Arc::clone(&self.store), user(&id));
            async move { store.revoke_api_tokens_of(&owner, &Effects::none(), at(1)).await }
        })
        .await?;
        let revoked: u64 = outcomes.iter().sum();
        rule(RULE, revoked == 3, revoked)?;
        let left = self.list(&user(&id), TokenPage::default()).await?.len();
        let others = self.list(&user(&other), TokenPage::default()).await?.len();
        rule(RULE, (left, others) == (0, 1), (left, others))
    }

    async fn tokens_are_listed_newest_first_in_pages_that_join(&self) -> Result<(), Violation> {
        const RULE: &str = "tokens are listed newest first, in pages that join";
        let (_, id) = self.user().await?;
        let owner = user(&id);
        let mut ids = Vec::new();
        for second in 0..5 {
            let token = NewApiToken {
                id: ApiTokenId(SystemRandom.uuid_v7(at(second))),
                created_at: at(second),
                ..new_token(&owner)
            };
            self.create(&token).await?;
            ids.insert(0, token.id);
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = TokenPage { with_revoked: false, before };
            let some = self.store.api_tokens_of(&owner, page, 2).await?;
            rule("no more tokens are listed than were asked for", some.len() <= 2, some.len())?;
            let Some(last) = some.last() else { break };
            before = Some(last.id);
            seen.extend(some.iter().map(|token| token.id));
        }
        rule(RULE, seen == ids, (&seen, &ids))?;
        let Some(middle) = ids.get(2).copied() else { return Ok(()) };
        self.store.revoke_api_token(&owner, middle, None, &Effects::none(), at(9)).await?;
        for (with_revoked, expected) in [(false, 4), (true, 5)] {
            let page = TokenPage { with_revoked, before: None };
            let held = self.list(&owner, page).await?;
            rule("revoked tokens are listed if asked for", held.len() == expected, held.len())?;
        }
        Ok(())
    }

    async fn refusals_are_told_so_often_and_no_more(&self) -> Result<(), Violation> {
        const RULE: &str = "refused tokens are told of so often and no more";
        let key = format!("kit:{}", SystemRandom.uuid_v7(epoch()));
        let limit = RateLimit { times: 3, window: time::Duration::MINUTE };
        let (name, along) = self.along();
        let told = race(|_| {
            let (store, key, id) = (Arc::clone(&self.store), key.clone(), along.clone());
            async move {
                let along = again(&id);
                store.note_refused_token(&key, limit, &along, epoch()).await
            }
        })
        .await?;
        let times = told.iter().filter(|told| **told).count();
        rule(RULE, times == 3, times)?;
        let written = self.entries(&name).await?;
        rule(RULE, written == 3, written)?;
        let late = epoch() + limit.window;
        let anew = self.store.note_refused_token(&key, limit, &again(&along), late).await?;
        rule("after a while refused tokens are told of again", anew, anew)
    }

    async fn only_what_is_long_over_is_swept(&self) -> Result<(), Violation> {
        const RULE: &str = "only tokens that are long over are swept, in bounded batches";
        let (_, id) = self.user().await?;
        let owner = user(&id);
        let ends = [None, Some(at(100)), Some(at(99)), Some(at(50))];
        for expires_at in ends {
            self.create(&NewApiToken { expires_at, ..new_token(&owner) }).await?;
        }
        for seconds in [50, 100] {
            let token = new_token(&owner);
            self.create(&token).await?;
            self.store
                .revoke_api_token(&owner, token.id, None, &Effects::none(), at(seconds))
                .await?;
        }
        let mut swept = Vec::new();
        loop {
            let some = self.store.sweep_api_tokens(at(100), 2).await?;
            rule(RULE, some <= 2, some)?;
            if some == 0 {
                break;
            }
            swept.push(some);
        }
        let left = self.list(&owner, TokenPage { with_revoked: true, before: None }).await?;
        let over = |token: &StoredApiToken| {
            let ends = [token.expires_at, token.revoked_at];
            ends.into_iter().flatten().any(|end| end < at(100))
        };
        rule(RULE, left.len() == 3 && !left.iter().any(over), (&left, swept))
    }

    async fn what_goes_along_with_a_token_is_written_with_it(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (_, id) = self.user().await?;
        let (owner, token) = (user(&id), new_token(&user(&id)));
        for expected in [1, 0] {
            let (name, along) = self.along();
            let another = if expected == 1 { token.clone() } else { new_token(&owner) };
            self.store.create_api_token(&another, 1, &along).await?;
            rule(RULE, self.wrote(&name, &id).await? == expected, ("a token", expected))?;
        }
        for expected in [1, 0] {
            let (name, along) = self.along();
            self.store.revoke_api_token(&owner, token.id, None, &along, at(1)).await?;
            rule(RULE, self.wrote(&name, &id).await? == expected, ("a revocation", expected))?;
        }
        for _ in 0..2 {
            self.create(&new_token(&owner)).await?;
        }
        for expected in [1, 0] {
            let (name, along) = self.along();
            self.store.revoke_api_tokens_of(&owner, &along, at(1)).await?;
            rule(RULE, self.wrote(&name, &id).await? == expected, ("all of them", expected))?;
        }
        Ok(())
    }

    /// An entry to be found again.
    fn along(&self) -> (String, Effects) {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        (name, Entry::new(action).at(epoch(), &SystemRandom).into())
    }

    async fn entries(&self, name: &str) -> Result<usize, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 100).await?.len())
    }

    /// How often it was written, about this user.
    async fn wrote(&self, name: &str, user: &UserId) -> Result<usize, Violation> {
        let action = Some(name.to_owned());
        let filter = AuditFilter { action, user: Some(user.clone()), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 10).await?.len())
    }

    async fn user(&self) -> Result<(String, UserId), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = new_user(&email);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    async fn session(&self, user: &UserId) -> Result<SessionId, Violation> {
        let session = new_session(Some(user.as_str()));
        self.sessions.create_session(&session).await?;
        Ok(session.id)
    }

    async fn create(&self, token: &NewApiToken) -> Result<(), Violation> {
        let made = self.store.create_api_token(token, MANY, &Effects::none()).await?;
        rule("whoever lives gets a token", made == TokenCreation::Created, made)
    }

    async fn list(
        &self,
        owner: &TokenOwner,
        page: TokenPage,
    ) -> Result<Vec<StoredApiToken>, Violation> {
        Ok(self.store.api_tokens_of(owner, page, MANY).await?)
    }
}

fn user(id: &UserId) -> TokenOwner {
    TokenOwner::User(id.clone())
}

pub(super) fn new_token(owner: &TokenOwner) -> NewApiToken {
    NewApiToken {
        id: ApiTokenId(SystemRandom.uuid_v7(epoch())),
        hash: SystemRandom.token().hash(),
        owner: owner.clone(),
        made_in: None,
        by: None,
        name: "kit".to_owned(),
        scopes: vec!["a:read".to_owned(), "b:write".to_owned()],
        created_at: epoch(),
        expires_at: None,
    }
}

/// As it is stored, before anybody used it.
fn stored(token: &NewApiToken) -> StoredApiToken {
    StoredApiToken {
        id: token.id,
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: None,
        revoked_at: None,
    }
}

/// The same, under another id: one entry is written once.
fn again(along: &Effects) -> Effects {
    let mut along = along.clone();
    for entry in &mut along.audit {
        entry.id = SystemRandom.uuid_v7(epoch());
    }
    along
}
