use std::future::Future;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::request::Parts;

use super::ProviderError;
use crate::scope::{Account, Claims, Context, CurrentAccount};

/// What a resolver fails with: any error. It costs the request an OAuth `server_error`, is logged,
/// and is told to nobody.
pub type ResolverError = Box<dyn std::error::Error + Send + Sync>;

/// What the provider asks the host: who is logged in, and what may be said of them.
///
/// The provider knows no user table and no session. It knows this trait, which an application
/// implements once, over whatever it has; over [`session`](crate::session) it takes a few lines, or
/// none, with a [`ScopeResolver`](super::ScopeResolver):
///
/// ```
/// use donjon::provider::{AccountResolver, ResolverError};
/// use donjon::scope::{Account, Claims, Context, CurrentAccount, CurrentScope};
/// use http::request::Parts;
///
/// struct Users;
///
/// #[async_trait::async_trait]
/// impl AccountResolver for Users {
///     async fn resolve_current_account(
///         &self,
///         request: &Parts,
///         _: &Context,
///     ) -> Result<Option<CurrentAccount>, ResolverError> {
///         Ok(request.extensions.get::<CurrentScope>().and_then(CurrentScope::current_account))
///     }
///
///     async fn resolve_account(
///         &self,
///         subject: &str,
///         _: &Context,
///     ) -> Result<Option<Account>, ResolverError> {
///         Ok(Some(Account::new(subject.to_owned().try_into()?))) // look it up here
///     }
///
///     async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
///         Ok(Claims {
///             subject: account.id().clone(),
///             id_token: Default::default(),
///             userinfo: [("email".to_owned(), account.email().into())].into_iter().collect(),
///         })
///     }
///
///     async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
///         Ok("/login".into())
///     }
/// }
/// ```
///
/// A resolver that errs or panics costs that one request an OAuth error.
#[async_trait]
pub trait AccountResolver: Send + Sync + 'static {
    /// Who is logged in on this request; `None` when nobody is.
    async fn resolve_current_account(
        &self,
        request: &Parts,
        context: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError>;

    /// The account behind a stored subject; `None` when it is gone or may not be used any more.
    /// Tokens are not issued, and not called active, for an account that is gone.
    async fn resolve_account(
        &self,
        subject: &str,
        context: &Context,
    ) -> Result<Option<Account>, ResolverError>;

    /// What may be said of the account. `Claims.subject` must be the account's id: anything else
    /// is answered `server_error`.
    async fn build_claims(
        &self,
        account: &Account,
        context: &Context,
    ) -> Result<Claims, ResolverError>;

    /// Where to log in: a local path, with a query or without. The provider adds `return_to` and
    /// `interaction_id`, and `prompt=login` if an earlier login, such as one that another party
    /// vouches for, will not do; whoever logs in must afterwards be sent to `return_to`.
    async fn redirect_for_login(
        &self,
        request: &Parts,
        context: &Context,
    ) -> Result<String, ResolverError>;

    /// Where the host ends its own session: a local path. By default `/logout`.
    async fn redirect_for_logout(
        &self,
        request: &Parts,
        context: &Context,
    ) -> Result<String, ResolverError> {
        let _ = (request, context);
        Ok("/logout".to_owned())
    }

    /// Whether a user code given by CIBA is this account's. By default it never is.
    async fn verify_backchannel_user_code(
        &self,
        account: &Account,
        user_code: &str,
        context: &Context,
    ) -> Result<bool, ResolverError> {
        let _ = (account, user_code, context);
        Ok(false)
    }
}

/// Awaits an answer of the host's. Its errors and panics become one protocol error.
pub(crate) async fn ask<T>(
    question: &'static str,
    answer: impl Future<Output = Result<T, ResolverError>>,
) -> Result<T, ProviderError> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::error!(question, %error, "the account resolver failed");
            Err(ProviderError::ResolverFailed)
        }
        Err(_) => {
            tracing::error!(question, "the account resolver panicked");
            Err(ProviderError::ResolverFailed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn errors_and_panics_of_the_host_are_one_protocol_error() {
        assert_eq!(ask("q", async { Ok(7) }).await, Ok(7));
        let failed = ask::<()>("q", async { Err("database down".into()) }).await;
        assert_eq!(failed, Err(ProviderError::ResolverFailed));
        let panicked = ask::<()>("q", async { panic!("bug") }).await;
        assert_eq!(panicked, Err(ProviderError::ResolverFailed));
    }
}
