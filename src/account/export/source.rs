use async_trait::async_trait;
use serde_json::Value;

use crate::scope::Account;

/// What a source fails with: any error. It is logged, and told to nobody.
pub type ExportError = Box<dyn std::error::Error + Send + Sync>;

/// What the host itself knows of a user, as a section of the export of their data.
///
/// ```
/// use donjon::account::{ExportError, ExportSource};
/// use donjon::scope::Account;
/// use serde_json::{Value, json};
///
/// #[derive(Debug)]
/// struct Notes; // a pool of connections, in earnest
///
/// #[async_trait::async_trait]
/// impl ExportSource for Notes {
///     fn section(&self) -> &str {
///         "notes"
///     }
///
///     async fn export(&self, account: &Account) -> Result<Value, ExportError> {
///         Ok(json!([{ "author": account.id(), "text": "Remember the milk." }]))
///     }
/// }
/// ```
#[async_trait]
pub trait ExportSource: std::fmt::Debug + Send + Sync + 'static {
    /// What the section is called. Ours keep their names.
    fn section(&self) -> &str;

    /// What it says of this user: nothing secret, nothing about others, and not more than fits into
    /// memory.
    ///
    /// # Errors
    /// Any: the export then fails as a whole, rather than to be silent about something.
    async fn export(&self, account: &Account) -> Result<Value, ExportError>;
}
