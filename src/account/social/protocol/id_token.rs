//! Whether an ID token is what was asked for (OpenID Core, section 3.1.3.7).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::issuer::IssuerRule;
use super::profile::{Backing, Profile, Truth, address, is_subject, person};
use super::userinfo::UserInfo;
use crate::crypto::constant_time_eq;
use crate::jose::{
    Algorithm, Audience, ClaimRules, DEFAULT_LEEWAY, JwsError, JwtVerifier, NumericDate,
    VerifyingKey, left_half_hash,
};

/// A token that comes straight from the token endpoint is not older than this.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// Methods of authentication that are looked at.
const METHODS: usize = 16;

/// What was asked for.
pub(in crate::account::social) struct Expected<'a> {
    pub(in crate::account::social) issuer: &'a IssuerRule,
    pub(in crate::account::social) client_id: &'a str,
    pub(in crate::account::social) algorithms: &'a [Algorithm],
    pub(in crate::account::social) nonce: &'a str,
    pub(in crate::account::social) access_token: &'a str,
    /// Since when the user must have proven who they are, if they had to anew.
    pub(in crate::account::social) anew_since: Option<OffsetDateTime>,
}

/// Why an ID token is refused: the provider's fault, or that of whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::account) enum IdTokenError {
    #[error(transparent)]
    Jws(#[from] JwsError),
    #[error("the ID token is from another issuer, or from a tenant that may not come")]
    Issuer,
    /// Also when it is for others too, and does not say that it was made for us.
    #[error("the ID token is not for us alone")]
    Audience,
    #[error("the ID token belongs to another login: its nonce is another")]
    Nonce,
    #[error("the ID token does not belong to the access token that came with it")]
    AccessToken,
    #[error("the ID token names nobody: `sub` is empty, too long, or not ASCII")]
    Subject,
    #[error("the provider did not say that the user has proven anew who they are")]
    NotAnew,
}

impl IdTokenError {
    /// Whether other keys than those at hand might change it.
    pub(in crate::account::social) fn may_be_old_keys(&self) -> bool {
        matches!(self, Self::Jws(fault) if fault.may_be_old_keys())
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    at_hash: Option<String>,
    auth_time: Option<NumericDate>,
    amr: Option<Vec<String>>,
    email: Option<String>,
    #[serde(default)]
    email_verified: Truth,
    name: Option<String>,
    /// Google: the organization that the address belongs to.
    hd: Option<String>,
    /// Microsoft: the tenant.
    tid: Option<String>,
    /// Microsoft: whether the owner of the address's domain vouches for it.
    #[serde(default)]
    xms_edov: Truth,
    /// Microsoft: where a guest of the tenant is at home.
    idp: Option<Value>,
    /// Microsoft: whether the user is a guest of the tenant.
    acct: Option<Value>,
}

impl Claims {
    /// Whether the user is no guest of the tenant: one who is comes from somewhere else than the
    /// issuer (`idp`), or is said to be one (`acct`).
    fn is_resident(&self) -> bool {
        let tenant = self.tid.as_deref().unwrap_or_default();
        let at_home = |idp: &Value| {
            // Tokens of the first version have another issuer for the same tenant.
            *idp == *self.iss || *idp == *format!("https://sts.windows.net/{tenant}/")
        };
        self.idp.as_ref().is_none_or(at_home)
            && self.acct.as_ref().is_none_or(|acct| *acct == 0 || *acct == "0")
    }
}

/// What a provider says of a user, believed: nothing but [`validate`] makes one.
#[derive(Clone, Debug)]
pub(in crate::account::social) struct VerifiedIdToken(Claims);

/// When a provider is believed that an address is the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account::social) enum EmailTrust {
    /// Never.
    Never,
    /// If it says that the address is verified. Then it speaks for whole domains, too, where the host
    /// has users log in with it.
    Verified,
    /// Apple: if it says that the address is verified. It mailed to it once, as to anybody's, and
    /// speaks for nobody's domain.
    Mailed,
    /// Google: if it also is the one who hands the address out. Of any other it knew the owner once.
    /// It speaks for the domain of the user's organization (`hd`), which a consumer's account lacks,
    /// whatever its address.
    Google,
    /// Microsoft: if the owner of the domain is known to have vouched for it. Otherwise an
    /// administrator of any tenant puts any address into any user's `email`. It speaks for a domain
    /// only where nobody but one tenant may come, and of that tenant's own users: the same word is
    /// given of the address of a personal account, of a guest, and of whoever signed up for a tenant
    /// that no administrator has taken over yet.
    Microsoft {
        /// Whether nobody but the users of one organization's tenant may come.
        one_tenant: bool,
    },
}

/// Checks everything: signature, algorithm, issuer, audience, times, nonce, `at_hash`.
///
/// # Errors
/// [`IdTokenError`] names the first fault found; nothing is looked at before the signature is good.
pub(in crate::account::social) fn validate(
    token: &str,
    keys: &[VerifyingKey],
    expected: &Expected<'_>,
    now: OffsetDateTime,
) -> Result<VerifiedIdToken, IdTokenError> {
    let rules = ClaimRules::new().audience(expected.client_id).max_age(MAX_AGE);
    let verifier = JwtVerifier::id_token(expected.algorithms, rules);
    let verified = verifier.verify::<Claims>(token, keys, now)?;
    let algorithm = verified.jws().header().algorithm();
    let claims = verified.into_claims();
    if !expected.issuer.issues(&claims.iss, claims.tid.as_deref()) {
        return Err(IdTokenError::Issuer);
    }
    let alone = claims.aud.iter().all(|audience| audience == expected.client_id);
    let for_us = claims.azp.as_ref().map_or(alone, |azp| azp == expected.client_id);
    if !for_us {
        return Err(IdTokenError::Audience);
    }
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    if !constant_time_eq(nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err(IdTokenError::Nonce);
    }
    let hash = left_half_hash(algorithm, expected.access_token);
    if claims.at_hash.as_ref().is_some_and(|at_hash| *at_hash != hash) {
        return Err(IdTokenError::AccessToken);
    }
    if !is_subject(&claims.sub) {
        return Err(IdTokenError::Subject);
    }
    if let Some(since) = expected.anew_since {
        let since = since.unix_timestamp() - DEFAULT_LEEWAY.as_secs() as i64;
        if claims.auth_time.is_none_or(|at| at.seconds() < since) {
            return Err(IdTokenError::NotAnew);
        }
    }
    Ok(VerifiedIdToken(claims))
}

impl VerifiedIdToken {
    /// Whom it is about.
    pub(in crate::account::social) fn subject(&self) -> &str {
        &self.0.sub
    }

    /// Whether it leaves out what user info may tell.
    pub(in crate::account::social) fn lacks_email(&self) -> bool {
        self.0.email.is_none()
    }

    /// What it says of the user, with what it left out.
    pub(in crate::account::social) fn into_profile(
        self,
        trust: EmailTrust,
        more: Option<UserInfo>,
    ) -> Profile {
        let mut claims = self.0;
        if let Some(more) = more {
            if claims.email.is_none() {
                (claims.email, claims.email_verified) = (more.email, more.email_verified);
                claims.xms_edov = Truth::default();
            }
            claims.name = claims.name.or(more.name);
        }
        let email = claims.email.as_deref().and_then(address);
        let domain = email.as_deref().and_then(|email| email.rsplit_once('@'));
        let is_google = domain.is_some_and(|(_, d)| d == "gmail.com" || d == "googlemail.com");
        let hosted = claims.hd.as_ref().is_some_and(|hd| !hd.is_empty());
        let email_trusted = match trust {
            EmailTrust::Never => false,
            EmailTrust::Verified | EmailTrust::Mailed => claims.email_verified.0,
            EmailTrust::Google => claims.email_verified.0 && (is_google || hosted),
            EmailTrust::Microsoft { .. } => claims.xms_edov.0,
        };
        let email_trusted = email_trusted && email.is_some();
        let backing = match trust {
            EmailTrust::Verified if email_trusted => Backing::Owner,
            EmailTrust::Google if email_trusted => {
                claims.hd.as_deref().map_or(Backing::Nobody, Backing::by)
            }
            EmailTrust::Microsoft { one_tenant: true } if email_trusted && claims.is_resident() => {
                Backing::Owner
            }
            _ => Backing::Nobody,
        };
        // A subject of Microsoft's is one in its tenant.
        let subject = match (trust, claims.tid) {
            (EmailTrust::Microsoft { .. }, Some(tenant)) => format!("{tenant}.{}", claims.sub),
            _ => claims.sub,
        };
        Profile {
            subject,
            email_trusted,
            backing,
            email,
            name: claims.name.as_deref().and_then(person),
            amr: claims.amr.unwrap_or_default().into_iter().take(METHODS).collect(),
            auth_time: claims.auth_time.map(NumericDate::seconds),
        }
    }
}

#[cfg(test)]
mod tests;
