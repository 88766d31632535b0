use std::sync::Arc;

use super::{Account, Authentication, Membership, UserId};

/// Who is acting on this request. Cheap to clone.
///
/// Every request that passed a [`SessionLayer`](crate::session::SessionLayer) carries one; without
/// a login it is [`CurrentScope::anonymous`]. It says who, never with which API credential: that is
/// [`Credential`](super::Credential), and a browser session has none, so it never satisfies a scope check.
#[derive(Clone, Debug, Default)]
pub struct CurrentScope(Option<Arc<LoggedIn>>);

#[derive(Clone, Debug)]
struct LoggedIn {
    account: Account,
    actor: Actor,
    /// `None` for whoever shows an API credential: that proves what it may do, not that its owner
    /// is there.
    authentication: Option<Authentication>,
    membership: Option<Membership>,
}

/// Who is behind the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// Nobody has logged in.
    Nobody,
    /// The user, in person.
    User,
    /// A program of the host's or of a customer's.
    ServiceAccount,
    /// An administrator who acts as the user.
    Impersonator(UserId),
}

impl CurrentScope {
    /// Nobody is logged in.
    pub fn anonymous() -> Self {
        Self(None)
    }

    /// The user is logged in, in person.
    pub fn user(account: Account, authentication: Authentication) -> Self {
        Self::of(account, Actor::User, Some(authentication))
    }

    /// A program acts as the user, by an API credential. Nobody has logged in: what asks for a
    /// login, as [`RequireUserLayer`](crate::session::RequireUserLayer) does, is not met.
    pub fn user_by_credential(account: Account) -> Self {
        Self::of(account, Actor::User, None)
    }

    /// A service account acts, by an API credential. Its account has an id and nothing else, and
    /// is no user's.
    pub fn service_account(id: UserId) -> Self {
        Self::of(Account::new(id), Actor::ServiceAccount, None)
    }

    fn of(account: Account, actor: Actor, authentication: Option<Authentication>) -> Self {
        Self(Some(Arc::new(LoggedIn { account, actor, authentication, membership: None })))
    }

    /// The same, acting in this organization. Without a login, nothing changes.
    #[must_use]
    pub fn acting_in(self, membership: Membership) -> Self {
        self.with(|scope| scope.membership = Some(membership))
    }

    /// The same, with an administrator behind it who acts as the user. Without a login, nothing
    /// changes.
    #[must_use]
    pub fn impersonated_by(self, administrator: UserId) -> Self {
        self.with(|scope| scope.actor = Actor::Impersonator(administrator))
    }

    fn with(mut self, change: impl FnOnce(&mut LoggedIn)) -> Self {
        if let Some(scope) = &mut self.0 {
            change(Arc::make_mut(scope));
        }
        self
    }

    /// The account that is logged in, or that an API credential stands for.
    pub fn account(&self) -> Option<&Account> {
        self.0.as_deref().map(|scope| &scope.account)
    }

    /// Who is behind the request.
    pub fn actor(&self) -> &Actor {
        self.0.as_deref().map_or(&Actor::Nobody, |scope| &scope.actor)
    }

    /// The organization the user acts in, and as what.
    pub fn membership(&self) -> Option<&Membership> {
        self.0.as_deref().and_then(|scope| scope.membership.as_ref())
    }

    /// How and when the user logged in; `None` by an API credential.
    pub fn authentication(&self) -> Option<&Authentication> {
        self.0.as_deref().and_then(|scope| scope.authentication.as_ref())
    }

    /// Account and authentication, as the provider's resolver answers: of a user who is there in
    /// person. What an administrator does as the user ends with their session, and what a program may
    /// do with its API credential, but what they let another application have in the user's name
    /// would not.
    pub fn current_account(&self) -> Option<CurrentAccount> {
        let in_person = self.0.as_deref().filter(|scope| scope.actor == Actor::User)?;
        let authentication = in_person.authentication.clone()?;
        Some(CurrentAccount { account: in_person.account.clone(), authentication })
    }
}

/// Who is logged in on a request, and how they proved it: what an account resolver answers.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentAccount {
    /// The account.
    pub account: Account,
    /// How, when and in which session it was proven.
    pub authentication: Authentication,
}
