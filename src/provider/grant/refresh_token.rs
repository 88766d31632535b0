use super::issue::{Issuance, prepare};
use crate::crypto::{OpaqueToken, RandomExt as _, open_successor, seal_successor};
use crate::http::Form;
use crate::provider::check::{AuthenticatedClient, check_narrowed_resource, check_narrowed_scope};
use crate::provider::server::Provider;
use crate::provider::token::TokenResponse;
use crate::provider::{Client, ProviderError};
use crate::store::{
    NewRefreshToken, RefreshRotation, RevocationTarget, RotateRefresh, StoredRefreshToken,
};

/// Exchanges a refresh token for its successor and fresh tokens (RFC 6749, section 6): one read,
/// then one transition.
pub(in crate::provider) async fn refresh(
    provider: &Provider,
    form: &Form,
    client: AuthenticatedClient,
) -> Result<TokenResponse, ProviderError> {
    let presented = form.require("refresh_token")?;
    let presented = OpaqueToken::parse(presented).ok_or(ProviderError::UnknownRefreshToken)?;
    let stored = load_refresh(provider, client.client(), &presented).await?;
    let issuance = Issuance {
        client: client.client(),
        grant: &stored.grant,
        scopes: check_narrowed_scope(form, &stored.grant.scopes)?,
        resources: check_narrowed_resource(form, &stored.grant.resources)?,
        nonce: None,
        now: provider.now(),
    };
    let prepared = prepare(provider, issuance).await?;
    let successor = rotate(provider, &client, &presented, &stored).await?;
    Ok(prepared.hand_out(provider, Some(successor.expose())))
}

/// The token, if it is this client's and its grant lives; whether it was used before is for the
/// transition to say.
async fn load_refresh(
    provider: &Provider,
    client: &Client,
    presented: &OpaqueToken,
) -> Result<StoredRefreshToken, ProviderError> {
    let stored = provider.store.load_refresh(provider.issuer.id(), &presented.hash()).await?;
    let own = stored.filter(|token| token.grant.client_id == client.id() && !token.revoked);
    own.ok_or(ProviderError::UnknownRefreshToken)
}

/// The successor: a new one, or, to who repeats the request within the grace window, the same.
async fn rotate(
    provider: &Provider,
    client: &AuthenticatedClient,
    presented: &OpaqueToken,
    stored: &StoredRefreshToken,
) -> Result<OpaqueToken, ProviderError> {
    let (now, successor) = (provider.now(), provider.random.token());
    let sealed = seal_successor(&*provider.random, presented.as_bytes(), successor.as_bytes());
    let rotate = RotateRefresh {
        presented: presented.hash(),
        client_id: client.client().id().to_owned(),
        successor: NewRefreshToken {
            token: successor.hash(),
            expires_at: now + provider.lifetimes.refresh_token,
        },
        successor_sealed: sealed.ok_or(ProviderError::SealingFailed)?,
        grace: provider.lifetimes.refresh_grace,
        assertion: client.assertion(),
        now,
        revocation_expires_at: provider.revocation_expires_at(),
    };
    match provider.store.rotate_refresh(provider.issuer.id(), &rotate).await? {
        RefreshRotation::Rotated => Ok(successor),
        RefreshRotation::Repeated { successor_sealed } => {
            let opened = open_successor(presented.as_bytes(), &successor_sealed);
            let bytes = opened.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
            bytes.map(OpaqueToken::from_bytes).ok_or(ProviderError::SealingFailed)
        }
        RefreshRotation::Reused => {
            let target = RevocationTarget::Grant(stored.grant.id);
            provider.revoked.learn(target, rotate.revocation_expires_at);
            Err(ProviderError::RefreshTokenReused)
        }
        RefreshRotation::Expired => Err(ProviderError::RefreshTokenExpired),
        RefreshRotation::Unknown => Err(ProviderError::UnknownRefreshToken),
        RefreshRotation::AssertionReplayed => Err(ProviderError::ClientAssertionReplayed),
    }
}
