use std::sync::Arc;

use time::OffsetDateTime;

use super::SamlError;
use super::protocol::{ClockSkew, IdpMetadata, SignaturePolicy, SsoBinding};
use super::xml::IdpCertificate;

/// The trust between this application and one identity provider.
///
/// The identity provider knows the application by `{base}/saml/{id}/metadata` (the entity ID) and
/// sends responses to `{base}/saml/{id}/acs`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// Its name in our paths.
    pub id: String,
    /// The identity provider's entity ID.
    pub idp_entity_id: String,
    /// Where the identity provider takes requests by HTTP-Redirect.
    pub idp_sso_url: String,
    /// What the identity provider signs with; all are equally good.
    pub certificates: Arc<[IdpCertificate]>,
    /// The format of user names to ask for; `None` leaves it to the identity provider.
    pub name_id_format: Option<String>,
    /// Which elements must be signed.
    pub signature_policy: SignaturePolicy,
    /// How far the clocks may differ.
    pub clock_skew: ClockSkew,
}

/// Why a connection cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The id cannot be part of a path.
    #[error("the connection id {0:?} is not 1 to 64 lower-case letters, digits, '-' or '_'")]
    InvalidId(String),
    /// Two connections have the same id.
    #[error("there are two connections with the id {0:?}")]
    DuplicateId(String),
    /// The metadata is not usable.
    #[error("the metadata of connection {id:?} is not usable: {error}")]
    Metadata {
        /// The connection.
        id: String,
        /// What is wrong with it.
        error: SamlError,
    },
    /// The identity provider takes requests only in a way that is not spoken here.
    #[error("the identity provider of connection {id:?} {demand}, which is not supported")]
    Unsupported {
        /// The connection.
        id: String,
        /// What it demands.
        demand: &'static str,
    },
}

impl Connection {
    /// The connection that the identity provider's metadata describes. The metadata must come from
    /// the provider by a way that can be trusted: its signature is not checked.
    ///
    /// # Errors
    /// [`ConnectionError`].
    pub fn from_metadata(
        id: impl Into<String>,
        metadata: &[u8],
        now: OffsetDateTime,
    ) -> Result<Self, ConnectionError> {
        let id = id.into();
        if !is_connection_id(&id) {
            return Err(ConnectionError::InvalidId(id));
        }
        let idp = match IdpMetadata::read(metadata, now) {
            Ok(idp) => idp,
            Err(error) => return Err(ConnectionError::Metadata { id, error }),
        };
        if idp.want_authn_requests_signed {
            return Err(ConnectionError::Unsupported { id, demand: "demands signed requests" });
        }
        if idp.sso_binding != SsoBinding::HttpRedirect {
            let demand = "takes requests by HTTP-POST only";
            return Err(ConnectionError::Unsupported { id, demand });
        }
        Ok(Self {
            id,
            idp_entity_id: idp.entity_id,
            idp_sso_url: idp.sso_url,
            certificates: idp.certificates.into(),
            name_id_format: None,
            signature_policy: SignaturePolicy::default(),
            clock_skew: ClockSkew::default(),
        })
    }

    /// The same connection, asking for user names of this format.
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_format = Some(format.into());
        self
    }

    /// The same connection, demanding these signatures.
    #[must_use]
    pub fn with_signature_policy(mut self, policy: SignaturePolicy) -> Self {
        self.signature_policy = policy;
        self
    }

    /// The same connection, with this tolerance between the clocks.
    #[must_use]
    pub fn with_clock_skew(mut self, skew: ClockSkew) -> Self {
        self.clock_skew = skew;
        self
    }
}

fn is_connection_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_no_path_segment_is_refused() {
        let now = OffsetDateTime::UNIX_EPOCH;
        for bad in ["", "a/b", "..", "A", "a b", "a%2f", &"a".repeat(65)] {
            let refused = Connection::from_metadata(bad, b"", now).unwrap_err();
            assert_eq!(refused, ConnectionError::InvalidId(bad.into()));
        }
        let error = Connection::from_metadata("acme", b"<x/>", now).unwrap_err();
        assert!(matches!(error, ConnectionError::Metadata { .. }), "{error}");
    }
}
