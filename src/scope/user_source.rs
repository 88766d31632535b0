use async_trait::async_trait;

use super::{Account, UserId};

/// What a user source fails with: any error. It is logged, and told to nobody.
pub type UserSourceError = Box<dyn std::error::Error + Send + Sync>;

/// The users of a host that has a user table of its own: the one question about them.
///
/// It is asked when a user logs in, and at the first request of each of their sessions after
/// [`Sessions::user_changed`](crate::session::Sessions::user_changed). In between, a session
/// carries what was answered.
///
/// ```
/// use std::collections::HashMap;
///
/// use donjon::scope::{Account, UserId, UserSource, UserSourceError};
///
/// struct Users(HashMap<UserId, String>); // a pool of connections, in earnest
///
/// #[async_trait::async_trait]
/// impl UserSource for Users {
///     async fn load_user(&self, id: &UserId) -> Result<Option<Account>, UserSourceError> {
///         let email = self.0.get(id); // SELECT email FROM users WHERE id = … AND NOT disabled
///         Ok(email.map(|email| Account::new(id.clone()).with_email(email, true)))
///     }
/// }
/// ```
#[async_trait]
pub trait UserSource: Send + Sync + 'static {
    /// What the application shall know of the user with this id: an account with the same id.
    /// `None` if there is none, or if they may not come in any more, which ends the session.
    ///
    /// The answer must hold all that was committed before the question was asked: a cache or a
    /// replica that lags behind would be believed until the user's next change. It is kept in the
    /// session's row and read with every request, so it should hold what most requests need (a name,
    /// a role), and not more. The request waits for it: bound the time it may take.
    ///
    /// # Errors
    /// Any. An error, a panic, or the account of somebody else costs the request a 503; whoever
    /// may have lost a right is not let in with it.
    async fn load_user(&self, id: &UserId) -> Result<Option<Account>, UserSourceError>;
}
