use serde::{Deserialize, Serialize};

use crate::provider::check::ResponseMode;
use crate::scope::{Context, Interaction, Prompt, UserId};

/// An authorization request that passed every check (`endpoint/authorize.rs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct AuthorizationRequest {
    pub(in crate::provider) client_id: String,
    /// Proven again whenever something is redirected there.
    pub(in crate::provider) redirect_uri: String,
    pub(in crate::provider) response_mode: ResponseMode,
    pub(in crate::provider) state: Option<String>,
    pub(in crate::provider) scopes: Vec<String>,
    /// Sorted, each once.
    pub(in crate::provider) resources: Vec<String>,
    pub(in crate::provider) nonce: Option<String>,
    pub(in crate::provider) code_challenge: Option<String>,
    pub(in crate::provider) prompt: Vec<Prompt>,
    pub(in crate::provider) max_age: Option<u32>,
    /// Whom the `id_token_hint` names.
    pub(in crate::provider) subject_hint: Option<UserId>,
    pub(in crate::provider) login_hint: Option<String>,
    pub(in crate::provider) acr_values: Vec<String>,
    pub(in crate::provider) ui_locales: Vec<String>,
}

/// A `max_age` up to this, in seconds, is met by a login of now only: when another party says that
/// a login is younger, the clocks may differ by as much.
const AS_GOOD_AS_NOW: u32 = 300;

impl AuthorizationRequest {
    /// Whether whoever is sent to log in must really do so, even if another party would vouch for
    /// an earlier login. What the host makes of it is looked at afterwards, like everything.
    pub(in crate::provider) fn demands_new_login(&self) -> bool {
        self.prompts(Prompt::Login)
            || self.prompts(Prompt::SelectAccount)
            || self.max_age.is_some_and(|max_age| max_age <= AS_GOOD_AS_NOW)
    }

    /// Whether a `prompt` value was asked for.
    pub(in crate::provider) fn prompts(&self, prompt: Prompt) -> bool {
        self.prompt.contains(&prompt)
    }

    /// Whether a scope was asked for and may be granted.
    pub(in crate::provider) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|asked| asked == scope)
    }

    /// What the host is told of the request when it is asked something.
    pub(in crate::provider) fn context(&self, interaction: Interaction) -> Context {
        Context {
            client_id: Some(self.client_id.clone()),
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            prompt: self.prompt.clone(),
            max_age: self.max_age,
            login_hint: self.login_hint.clone(),
            acr_values: self.acr_values.clone(),
            ui_locales: self.ui_locales.clone(),
            ..Context::new(interaction)
        }
    }
}
