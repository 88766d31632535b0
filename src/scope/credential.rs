use super::OrganizationId;

/// The API credential a request was made with, put into the extensions by the layer that verified
/// it. It never holds the credential itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// What kind of credential it is.
    pub kind: CredentialKind,
    /// Whose it is: the subject of an access token (a user's id, or the client's own for
    /// `client_credentials`), or the id of the user or service account.
    pub subject: String,
    /// The client an access token was issued to, or the profile of an app; none of other kinds.
    pub client_id: Option<String>,
    /// The scopes it carries.
    pub scopes: Vec<String>,
    /// The credential's id; of an access token, its `jti`.
    pub token_id: String,
    /// The organization that a service account belongs to.
    pub organization: Option<OrganizationId>,
}

/// A kind of API credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// An OAuth access token.
    AccessToken,
    /// What a user made for programs of their own.
    PersonalAccessToken,
    /// What a program of the host's or of a customer's shows, which acts in nobody's name.
    ServiceAccount,
    /// What an app of the host's own shows, in which a user logged in.
    AppSession,
}

impl Credential {
    /// An access token that was verified.
    pub fn new(
        subject: impl Into<String>,
        client_id: impl Into<String>,
        scopes: Vec<String>,
        token_id: impl Into<String>,
    ) -> Self {
        let client_id = Some(client_id.into());
        Self { client_id, ..Self::of(CredentialKind::AccessToken, subject, scopes, token_id) }
    }

    /// A credential of this kind that was verified.
    pub fn of(
        kind: CredentialKind,
        subject: impl Into<String>,
        scopes: Vec<String>,
        token_id: impl Into<String>,
    ) -> Self {
        let (subject, token_id) = (subject.into(), token_id.into());
        Self { kind, subject, client_id: None, scopes, token_id, organization: None }
    }

    /// The same, of a service account that belongs to this organization.
    #[must_use]
    pub fn in_organization(self, organization: Option<OrganizationId>) -> Self {
        Self { organization, ..self }
    }

    /// Whether it carries this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}
