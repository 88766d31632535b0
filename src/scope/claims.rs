use super::UserId;

/// What the host says about a user to a client: OpenID Connect Core, section 5.
///
/// `subject` must be the account's own id. The protocol's own claims (`iss`, `aud`, `exp`, …)
/// always win over members of the same name.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// The stable subject, equal to the account's id; never an email address.
    pub subject: UserId,
    /// Claims for the ID token.
    pub id_token: serde_json::Map<String, serde_json::Value>,
    /// Claims for the userinfo endpoint; those that belong to a scope are given only with it.
    pub userinfo: serde_json::Map<String, serde_json::Value>,
}
