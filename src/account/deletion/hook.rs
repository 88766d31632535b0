use async_trait::async_trait;

use crate::scope::{Account, UserId};

/// What a hook fails with: any error. It is logged, and the hook is asked again.
pub type DeletionHookError = Box<dyn std::error::Error + Send + Sync>;

/// What the host does when an account is deleted: most of what it knows of the user is in tables
/// of its own.
///
/// Each method is called until it succeeds, by whichever process has the deletion in hand, so that
/// nothing is lost when one dies in between: it must not mind being called again. It may take five
/// minutes.
///
/// ```
/// use donjon::account::{DeletionHook, DeletionHookError};
/// use donjon::scope::Account;
///
/// #[derive(Debug)]
/// struct Notes; // a pool of connections, in earnest
///
/// #[async_trait::async_trait]
/// impl DeletionHook for Notes {
///     async fn before(&self, account: &Account) -> Result<(), DeletionHookError> {
///         println!("DELETE FROM notes WHERE author = {}", account.id());
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait DeletionHook: std::fmt::Debug + Send + Sync + 'static {
    /// The time has come, nobody can cancel any more, and the account is still there. It is deleted
    /// once this succeeds.
    ///
    /// # Errors
    /// Any: the account stays until another try succeeds.
    async fn before(&self, account: &Account) -> Result<(), DeletionHookError> {
        let _ = account;
        Ok(())
    }

    /// The account is deleted.
    ///
    /// # Errors
    /// Any: it is called again later.
    async fn after(&self, user: &UserId) -> Result<(), DeletionHookError> {
        let _ = user;
        Ok(())
    }
}
