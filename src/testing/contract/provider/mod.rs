//! The contract of the authorization server's store.

mod client;
mod code;
mod consent;
mod refresh;
mod revocation;
mod session;
mod sweep;

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Violation, epoch, rule};
use crate::crypto::{RandomExt as _, Sealed, SystemRandom, TokenHash};
use crate::scope::{Authentication, Method, SessionId, UserId};
use crate::store::{
    CodeIssue, CodeRedemption, Grant, IssuerId, NewCode, NewRefreshToken, ProviderStore,
    RedeemCode, RefreshRotation, RevocationTarget, RotateRefresh, SessionStore,
};

type Checked = Result<(), Violation>;

/// Proves the contract of [`ProviderStore`], and that it heeds the ends of sessions that are
/// written through the [`SessionStore`] of the same database.
///
/// # Errors
/// The first [`Violation`].
pub async fn provider(
    store: Arc<dyn ProviderStore>,
    sessions: Arc<dyn SessionStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, sessions, issuer: IssuerId::new("https://kit.example") };
    client::check(&kit).await?;
    consent::check(&kit).await?;
    code::check(&kit).await?;
    refresh::check(&kit).await?;
    revocation::check(&kit).await?;
    session::check(&kit).await?;
    sweep::check(&kit).await
}

/// How long a revocation caused by the kit is remembered.
const REMEMBERED: Duration = Duration::minutes(10);
/// The grace window of the kit's rotations.
const GRACE: Duration = Duration::seconds(30);

#[derive(Clone)]
struct Kit {
    store: Arc<dyn ProviderStore>,
    sessions: Arc<dyn SessionStore>,
    issuer: IssuerId,
}

impl Kit {
    /// Issues a code under a grant.
    async fn issued(&self, grant: Grant) -> Result<NewCode, Violation> {
        let code = new_code(grant);
        let issue = self.store.issue_code(&self.issuer, &code).await?;
        rule("a code is issued", issue == CodeIssue::Issued, issue)?;
        Ok(code)
    }

    /// Issues a code and redeems it for a refresh token.
    async fn redeemed(&self, grant: Grant) -> Result<(NewCode, TokenHash), Violation> {
        let code = self.issued(grant).await?;
        let redeem = redeem(&code, epoch());
        let redemption = self.store.redeem_code(&self.issuer, &redeem).await?;
        rule("a code is redeemed", redemption == CodeRedemption::Redeemed, redemption)?;
        let token = redeem.refresh.map_or_else(any_hash, |refresh| refresh.token);
        Ok((code, token))
    }

    /// Rotates a refresh token of [`CLIENT`].
    async fn rotate(
        &self,
        presented: TokenHash,
        at: OffsetDateTime,
    ) -> Result<(RefreshRotation, RotateRefresh), Violation> {
        let rotate = rotation(presented, at);
        Ok((self.store.rotate_refresh(&self.issuer, &rotate).await?, rotate))
    }

    /// What the whole log says is revoked.
    async fn revoked(&self) -> Result<Vec<RevocationTarget>, Violation> {
        let (mut targets, mut cursor) = (Vec::new(), 0);
        loop {
            let entries = self.store.revocations(&self.issuer, cursor, 50).await?;
            let Some(last) = entries.last() else { return Ok(targets) };
            cursor = last.sequence;
            targets.extend(entries.into_iter().map(|entry| entry.target));
        }
    }

    /// How often the log says that a grant is revoked.
    async fn revocations_of(&self, grant: Uuid) -> Result<usize, Violation> {
        let target = RevocationTarget::Grant(grant);
        Ok(self.revoked().await?.into_iter().filter(|revoked| *revoked == target).count())
    }

    /// Whether a refresh token still yields another; this uses it up.
    async fn yields(&self, token: TokenHash, at: OffsetDateTime) -> Result<bool, Violation> {
        Ok(self.rotate(token, at).await?.0 == RefreshRotation::Rotated)
    }
}

/// The client that all grants of the kit belong to.
const CLIENT: &str = "kit-client";

fn any_hash() -> TokenHash {
    SystemRandom.token().hash()
}

fn any_id() -> Uuid {
    SystemRandom.uuid_v7(epoch())
}

fn user(name: &str) -> Result<UserId, Violation> {
    UserId::new(name).map_err(|error| Violation { rule: "ids are ids", seen: error.to_string() })
}

/// A grant of a user who logged in a minute ago.
pub(super) fn grant(subject: &UserId, session: SessionId, offline: bool) -> Grant {
    Grant {
        id: any_id(),
        client_id: CLIENT.into(),
        subject: subject.clone(),
        scopes: vec!["openid".into(), "read".into()],
        resources: vec!["https://api.example".into()],
        authentication: Authentication {
            ends_at: None,
            at: epoch() - Duration::MINUTE,
            methods: vec![Method::PASSWORD, Method::ONE_TIME_CODE],
            context_class: Some("urn:kit:high".into()),
            session_id: session,
            login_path: None,
            fresh_until: None,
        },
        offline,
        nonce: Some("nonce".into()),
        auth_time_requested: true,
    }
}

/// A grant that nothing but the test itself can end.
fn any_grant() -> Result<Grant, Violation> {
    Ok(grant(&user("somebody")?, SessionId(any_id()), true))
}

pub(super) fn new_code(grant: Grant) -> NewCode {
    NewCode {
        code: any_hash(),
        interaction_id: any_id().to_string(),
        grant,
        redirect_uri: "https://client.example/cb".into(),
        code_challenge: Some("challenge".into()),
        created_at: epoch(),
        expires_at: epoch() + Duration::MINUTE,
        interaction_expires_at: epoch() + Duration::minutes(5),
        consent: None,
    }
}

pub(super) fn redeem(code: &NewCode, at: OffsetDateTime) -> RedeemCode {
    RedeemCode {
        code: code.code,
        client_id: CLIENT.into(),
        refresh: Some(NewRefreshToken { token: any_hash(), expires_at: at + Duration::DAY }),
        assertion: None,
        now: at,
        revocation_expires_at: at + REMEMBERED,
    }
}

pub(super) fn rotation(presented: TokenHash, at: OffsetDateTime) -> RotateRefresh {
    let successor = NewRefreshToken { token: any_hash(), expires_at: at + Duration::DAY };
    RotateRefresh {
        presented,
        client_id: CLIENT.into(),
        successor_sealed: Sealed::from_bytes(successor.token.as_bytes().to_vec()),
        successor,
        grace: GRACE,
        assertion: None,
        now: at,
        revocation_expires_at: at + REMEMBERED,
    }
}
