use serde::{Deserialize, Serialize};

/// Which question the host is being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Interaction {
    /// A user is at the authorization endpoint.
    Authorize,
    /// A user is on the consent page.
    Consent,
    /// A code or a refresh token is being exchanged.
    Token,
    /// The userinfo endpoint was called.
    Userinfo,
    /// A token is being introspected.
    Introspection,
    /// A user is logging out.
    Logout,
}

/// One value of the `prompt` parameter: OpenID Connect Core, section 3.1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Show nothing; fail if something would have to be shown.
    None,
    /// Log in again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the user choose an account.
    SelectAccount,
}

/// What the provider knows when it asks the host something: one type for every call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context {
    /// Which question this is.
    pub interaction: Interaction,
    /// The authorization interaction in progress, if any.
    pub interaction_id: Option<String>,
    /// The client that asks.
    pub client_id: Option<String>,
    /// The scopes asked for or granted.
    pub scopes: Vec<String>,
    /// The resources asked for or granted (RFC 8707).
    pub resources: Vec<String>,
    /// The `prompt` values of the request.
    pub prompt: Vec<Prompt>,
    /// The oldest login the client accepts, in seconds (`max_age`).
    pub max_age: Option<u32>,
    /// Who the client thinks will log in (`login_hint`).
    pub login_hint: Option<String>,
    /// The context classes the client asks for, best first (`acr_values`).
    pub acr_values: Vec<String>,
    /// The languages the user prefers, best first (`ui_locales`).
    pub ui_locales: Vec<String>,
    /// Where the browser goes once the host is done: a local path.
    pub return_to: Option<String>,
}

impl Context {
    /// A context with nothing but the question.
    pub fn new(interaction: Interaction) -> Self {
        Self {
            interaction,
            interaction_id: None,
            client_id: None,
            scopes: Vec::new(),
            resources: Vec::new(),
            prompt: Vec::new(),
            max_age: None,
            login_hint: None,
            acr_values: Vec::new(),
            ui_locales: Vec::new(),
            return_to: None,
        }
    }
}
