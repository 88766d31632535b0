use std::sync::Arc;

use time::Duration;

use crate::crypto::Clock;
use crate::http::{Egress, RemoteDocuments, RemoteError, RemoteKind};
use crate::jose::{JwkError, JwkSet, JwsError, VerifyingKey};

/// How long a key set that was fetched is taken as it is.
const FRESH: Duration = Duration::minutes(10);

/// Why something signed by a client whose keys are elsewhere was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RemoteJwksError {
    /// There are no keys.
    #[error("the client's keys: {0}")]
    Keys(#[from] RemoteError<JwkError>),
    /// None of the keys, old or new, verifies it.
    #[error(transparent)]
    Signature(JwsError),
}

/// The keys that clients publish at their `jwks_uri` (RFC 7591, section 2), kept for a while.
///
/// When a signature fits none of the keys, they are fetched once more, so that a client can rotate
/// them at any time.
#[derive(Debug)]
pub(crate) struct RemoteJwks(RemoteDocuments<Vec<VerifyingKey>, JwkError>);

impl RemoteJwks {
    pub(crate) fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        let accept = "application/jwk-set+json, application/json";
        let kind = RemoteKind { accept, read: JwkSet::read_verifying_keys, fresh: FRESH };
        Self(RemoteDocuments::new(egress, clock, kind))
    }

    /// Verifies with the keys at `uri`: `attempt` is given those at hand, and, if it fails for
    /// want of the right key, once more those of a fresh fetch.
    ///
    /// # Errors
    /// [`RemoteJwksError`].
    pub(crate) async fn verify<T>(
        &self,
        uri: &str,
        attempt: impl Fn(&[VerifyingKey]) -> Result<T, JwsError>,
    ) -> Result<T, RemoteJwksError> {
        let attempt = |keys: &Vec<VerifyingKey>| attempt(keys);
        let verified = self.0.attempt(uri, attempt, JwsError::may_be_old_keys).await?;
        verified.map_err(RemoteJwksError::Signature)
    }
}

#[cfg(test)]
mod tests;
