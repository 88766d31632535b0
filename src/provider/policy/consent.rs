use std::collections::HashSet;

use async_trait::async_trait;

use crate::provider::{Client, ResolverError};
use crate::scope::{Account, Context};

/// Whether a user is asked before a client gets what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsentRule {
    /// Asked, unless the user already agreed to all of it, for the same resources. Each time, if
    /// the client could be any program on the user's machine: it does not authenticate, and the
    /// code goes to an app's own scheme, or to a loopback port that was not registered (RFC 8252,
    /// section 8.6).
    Once,
    /// Asked each time, whatever was agreed to before.
    EachTime,
    /// Not asked: the client is the host's own, or somebody else agreed for the user.
    /// `prompt=consent` still asks.
    Never,
}

/// The host's policy of consent. [`AskOnce`] and [`FirstPartyClients`] are ready to use.
#[async_trait]
pub trait ConsentPolicy: Send + Sync + 'static {
    /// The rule for this client, user and request; the scopes and resources asked for are in the
    /// context.
    ///
    /// # Errors
    /// Any error, and a panic, costs the request a `server_error`.
    async fn rule(
        &self,
        client: &Client,
        account: &Account,
        context: &Context,
    ) -> Result<ConsentRule, ResolverError>;
}

/// Every client's users are asked once: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskOnce;

#[async_trait]
impl ConsentPolicy for AskOnce {
    async fn rule(
        &self,
        _: &Client,
        _: &Account,
        _: &Context,
    ) -> Result<ConsentRule, ResolverError> {
        Ok(ConsentRule::Once)
    }
}

/// The users of the host's own clients are not asked; all others' are, once.
///
/// A public client can be imitated by any program on the user's machine (RFC 8252, section 8.6),
/// so one that should not ask is better confidential.
#[derive(Clone, Debug, Default)]
pub struct FirstPartyClients(HashSet<String>);

impl FirstPartyClients {
    /// The clients with these ids are the host's own.
    pub fn new<S: Into<String>>(client_ids: impl IntoIterator<Item = S>) -> Self {
        Self(client_ids.into_iter().map(Into::into).collect())
    }
}

#[async_trait]
impl ConsentPolicy for FirstPartyClients {
    async fn rule(
        &self,
        client: &Client,
        _: &Account,
        _: &Context,
    ) -> Result<ConsentRule, ResolverError> {
        let own = self.0.contains(client.id());
        Ok(if own { ConsentRule::Never } else { ConsentRule::Once })
    }
}
