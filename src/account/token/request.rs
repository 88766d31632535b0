use time::Duration;

use super::ApiTokens;
use crate::scope::storable_text;

/// The longest name of a token or service account, in characters.
const MAX_NAME: usize = 100;

/// What a token is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// What its owner calls it: 1 to 100 characters.
    pub name: String,
    /// What it may do: one or more of the scopes there are.
    pub scopes: Vec<String>,
    /// For how long it works; `None` for ever, if the host lets that be.
    pub lifetime: Option<Duration>,
}

/// Why a token cannot be like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTokenRequest {
    /// The name is empty, too long, or has control characters.
    #[error("a name has 1 to 100 characters, and none that controls a terminal")]
    Name,
    /// It asks for no scope, or for one there is not.
    #[error("a token carries one or more of the scopes that the application has")]
    Scopes,
    /// It would work for no time, or for longer than the host allows.
    #[error("a token works for some time, and no longer than the application allows")]
    Lifetime,
}

/// A request that was held against the rules.
pub(in crate::account) struct Checked {
    pub(in crate::account) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) lifetime: Option<Duration>,
}

impl ApiTokens {
    /// Holds a request against the rules.
    ///
    /// # Errors
    /// [`InvalidTokenRequest`].
    pub(in crate::account) fn check(
        &self,
        request: &TokenRequest,
    ) -> Result<Checked, InvalidTokenRequest> {
        let name = checked_name(&request.name).ok_or(InvalidTokenRequest::Name)?;
        let asked = |scope: &&String| request.scopes.contains(scope);
        let scopes: Vec<String> = self.scopes.iter().filter(asked).cloned().collect();
        if scopes.is_empty() || request.scopes.iter().any(|scope| !scopes.contains(scope)) {
            return Err(InvalidTokenRequest::Scopes);
        }
        let fits = match (request.lifetime, self.longest) {
            (Some(lifetime), longest) => {
                lifetime.is_positive() && longest.is_none_or(|longest| lifetime <= longest)
            }
            (None, longest) => longest.is_none(),
        };
        if !fits {
            return Err(InvalidTokenRequest::Lifetime);
        }
        Ok(Checked { name, scopes, lifetime: request.lifetime })
    }
}

/// A name without spaces around it, if it is one.
pub(in crate::account) fn checked_name(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
    fits.then(|| storable_text(name.to_owned()))
}
