use super::issue::{Issuance, prepare};
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::http::Form;
use crate::provider::check::{
    AuthenticatedClient, VerifiedPkce, check_code_verifier, check_narrowed_resource,
};
use crate::provider::server::Provider;
use crate::provider::token::TokenResponse;
use crate::provider::{Client, GrantType, ProviderError};
use crate::store::{
    CodeRedemption, Grant, NewRefreshToken, RedeemCode, RevocationTarget, StoredCode,
};

/// Exchanges a code for tokens (RFC 6749, section 4.1.3): one read, then one transition.
pub(in crate::provider) async fn exchange_code(
    provider: &Provider,
    form: &Form,
    client: AuthenticatedClient,
) -> Result<TokenResponse, ProviderError> {
    let code = OpaqueToken::parse(form.require("code")?).ok_or(ProviderError::UnknownCode)?;
    let stored = load_code(provider, client.client(), &code).await?;
    check_same_redirect_uri(form, &stored)?;
    let pkce = check_code_verifier(form, stored.code_challenge.as_deref())?;
    let grant = &stored.grant;
    let issuance = Issuance {
        client: client.client(),
        grant,
        scopes: grant.scopes.clone(),
        resources: check_narrowed_resource(form, &grant.resources)?,
        nonce: grant.nonce.as_deref(),
        now: provider.now(),
    };
    let prepared = prepare(provider, issuance).await?;
    let refresh = assign_refresh_token(provider, client.client(), grant);
    redeem(provider, &client, pkce, &code, grant, refresh.as_ref()).await?;
    Ok(prepared.hand_out(provider, refresh.map(|token| token.expose())))
}

/// The code, if it is this client's; whether it was redeemed or is over is for the transition to
/// say.
async fn load_code(
    provider: &Provider,
    client: &Client,
    code: &OpaqueToken,
) -> Result<StoredCode, ProviderError> {
    let stored = provider.store.load_code(provider.issuer.id(), &code.hash()).await?;
    let own = stored.filter(|stored| stored.grant.client_id == client.id());
    own.ok_or(ProviderError::UnknownCode)
}

/// RFC 6749, section 4.1.3: the same redirect URI, byte for byte, as the code was sent to.
fn check_same_redirect_uri(form: &Form, stored: &StoredCode) -> Result<(), ProviderError> {
    let same = form.require("redirect_uri")? == stored.redirect_uri;
    same.then_some(()).ok_or(ProviderError::RedirectUriMismatch)
}

/// A refresh token, if the client may refresh and the user granted offline access. Without it
/// there is none: while the user's session lasts, the client can ask for a code with `prompt=none`.
fn assign_refresh_token(
    provider: &Provider,
    client: &Client,
    grant: &Grant,
) -> Option<OpaqueToken> {
    let refreshes = grant.offline && client.allows_grant(GrantType::RefreshToken);
    refreshes.then(|| provider.random.token())
}

async fn redeem(
    provider: &Provider,
    client: &AuthenticatedClient,
    _: VerifiedPkce,
    code: &OpaqueToken,
    grant: &Grant,
    refresh: Option<&OpaqueToken>,
) -> Result<(), ProviderError> {
    let now = provider.now();
    let redeem = RedeemCode {
        code: code.hash(),
        client_id: client.client().id().to_owned(),
        refresh: refresh.map(|token| NewRefreshToken {
            token: token.hash(),
            expires_at: now + provider.lifetimes.refresh_token,
        }),
        assertion: client.assertion(),
        now,
        revocation_expires_at: provider.revocation_expires_at(),
    };
    match provider.store.redeem_code(provider.issuer.id(), &redeem).await? {
        CodeRedemption::Redeemed => Ok(()),
        CodeRedemption::Replayed => {
            let target = RevocationTarget::Grant(grant.id);
            provider.revoked.learn(target, redeem.revocation_expires_at);
            Err(ProviderError::CodeReplayed)
        }
        CodeRedemption::Expired => Err(ProviderError::CodeExpired),
        CodeRedemption::Unknown => Err(ProviderError::UnknownCode),
        CodeRedemption::AssertionReplayed => Err(ProviderError::ClientAssertionReplayed),
    }
}
