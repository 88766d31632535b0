use time::OffsetDateTime;

use crate::jose::{AccessTokenJwt, IdTokenJwt};
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::provider::token::{
    AccessTokenRequest, IdTokenRequest, TokenResponse, issue_access_token, issue_id_token,
};
use crate::provider::{Client, ProviderError};
use crate::scope::{Claims, Context, Interaction};
use crate::store::Grant;

/// Tokens to be issued for a user.
pub(super) struct Issuance<'a> {
    pub(super) client: &'a Client,
    pub(super) grant: &'a Grant,
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) nonce: Option<&'a str>,
    pub(super) now: OffsetDateTime,
}

/// Signed tokens that nobody has yet. They are made before the transition that uses up what was
/// presented for them, so that a failure on the way leaves it unspent.
pub(super) struct Prepared {
    access_token: AccessTokenJwt,
    id_token: Option<IdTokenJwt>,
    scopes: Vec<String>,
}

/// Makes the tokens, having asked the host for the user as they are now.
pub(super) async fn prepare(
    provider: &Provider,
    issuance: Issuance<'_>,
) -> Result<Prepared, ProviderError> {
    let Issuance { client, grant, scopes, resources, nonce, now } = issuance;
    let claims = load_claims(provider, client, grant, &scopes).await?;
    let request = AccessTokenRequest {
        client_id: client.id(),
        grant: Some(grant),
        scopes: &scopes,
        resources: &resources,
        now,
    };
    let access_token = issue_access_token(provider, &request)?;
    let id_token = if scopes.iter().any(|scope| scope == "openid") {
        let access_token = &access_token;
        let request =
            IdTokenRequest { client, grant, scopes: &scopes, claims, access_token, nonce, now };
        Some(issue_id_token(provider, request)?)
    } else {
        None
    };
    Ok(Prepared { access_token, id_token, scopes })
}

impl Prepared {
    /// The answer, now that the transition has gone through.
    pub(super) fn hand_out(
        self,
        provider: &Provider,
        refresh_token: Option<String>,
    ) -> TokenResponse {
        TokenResponse {
            access_token: self.access_token,
            token_type: "Bearer",
            expires_in: provider.lifetimes.access_token.whole_seconds(),
            scope: self.scopes.join(" "),
            refresh_token,
            id_token: self.id_token,
        }
    }
}

/// The user's claims, from an account that is still there, and is the one that was granted.
async fn load_claims(
    provider: &Provider,
    client: &Client,
    grant: &Grant,
    scopes: &[String],
) -> Result<Claims, ProviderError> {
    let mut context = Context::new(Interaction::Token);
    context.client_id = Some(client.id().to_owned());
    context.scopes = scopes.to_vec();
    context.resources = grant.resources.clone();
    let subject = grant.subject.as_str();
    let account = async { provider.resolver.resolve_account(subject, &context).await };
    let account = ask("resolve_account", account).await?.ok_or(ProviderError::AccountGone)?;
    let claims = async { provider.resolver.build_claims(&account, &context).await };
    let claims = ask("build_claims", claims).await?;
    if *account.id() == grant.subject && claims.subject == grant.subject {
        Ok(claims)
    } else {
        Err(ProviderError::SubjectMismatch)
    }
}
