use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::{CurrentScope, MemberRole};

/// What something is done to: a kind and an id of the host's, such as `invoice` and `2026-17`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// The kind; empty for the application as a whole.
    pub kind: String,
    /// The id; empty for all of the kind.
    pub id: String,
}

impl Resource {
    /// The application as a whole.
    pub fn none() -> Self {
        Self::default()
    }

    /// One thing of a kind.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// What a rule fails with: any error. It is logged, and told to nobody.
pub type PermissionError = Box<dyn std::error::Error + Send + Sync>;

/// Who may do what: the host's own rules. What no rule allows is denied.
///
/// They are asked by [`can`], and by a
/// [`RequirePermissionLayer`](crate::session::RequirePermissionLayer).
///
/// ```
/// use donjon::scope::{CurrentScope, PermissionError, Permissions, Resource, can};
///
/// struct Mine;
///
/// #[async_trait::async_trait]
/// impl Permissions for Mine {
///     async fn allows(
///         &self,
///         action: &str,
///         subject: &Resource,
///         scope: &CurrentScope,
///     ) -> Result<bool, PermissionError> {
///         Ok(match action {
///             // Everybody sees to what is their own.
///             "note.edit" => scope.account().is_some_and(|a| a.id().as_str() == subject.id),
///             _ => false,
///         })
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let nobody = CurrentScope::anonymous();
/// assert!(!can(&Mine, "note.edit", &Resource::new("note", "alice"), &nobody).await);
/// # });
/// ```
#[async_trait]
pub trait Permissions: Send + Sync + 'static {
    /// Whether a rule allows this action on this subject to whoever acts in the scope. Unless it is
    /// written, none does.
    ///
    /// # Errors
    /// Whatever went wrong; the action is denied.
    async fn allows(
        &self,
        _action: &str,
        _subject: &Resource,
        _scope: &CurrentScope,
    ) -> Result<bool, PermissionError> {
        Ok(false)
    }
}

/// Whether whoever acts in `scope` may do this, by these rules. A rule that errs or panics allows
/// nothing.
pub async fn can(
    permissions: &dyn Permissions,
    action: &str,
    subject: &Resource,
    scope: &CurrentScope,
) -> bool {
    let asked = AssertUnwindSafe(async { permissions.allows(action, subject, scope).await });
    match asked.catch_unwind().await {
        Ok(Ok(allowed)) => allowed,
        Ok(Err(error)) => {
            tracing::error!(%error, action, "a rule failed; the action is denied");
            false
        }
        Err(_) => {
            tracing::error!(action, "a rule panicked; the action is denied");
            false
        }
    }
}

/// Rules by the role in the organization that the user acts in: for actions that need no look at
/// their subject. What is not in the table is denied, and so is everything to those who act in no
/// organization.
///
/// ```
/// use donjon::scope::{MemberRole, RoleRules};
///
/// let rules = RoleRules::new()
///     .allow("invoice.read", [MemberRole::MEMBER, MemberRole::ADMIN, MemberRole::OWNER])
///     .allow("invoice.pay", [MemberRole::OWNER]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoleRules(HashMap<String, Vec<MemberRole>>);

impl RoleRules {
    /// Nobody may do anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with this action allowed to these roles too.
    #[must_use]
    pub fn allow(
        mut self,
        action: impl Into<String>,
        roles: impl IntoIterator<Item = MemberRole>,
    ) -> Self {
        self.0.entry(action.into()).or_default().extend(roles);
        self
    }
}

#[async_trait]
impl Permissions for RoleRules {
    async fn allows(
        &self,
        action: &str,
        _: &Resource,
        scope: &CurrentScope,
    ) -> Result<bool, PermissionError> {
        let (roles, role) = (self.0.get(action), scope.membership().map(|own| &own.role));
        Ok(roles.zip(role).is_some_and(|(roles, role)| roles.contains(role)))
    }
}
