use http::{Response, StatusCode};

use crate::http::{Body, respond};
use crate::saml::Connection;
use crate::saml::protocol::{SignaturePolicy, SpMetadata};
use crate::saml::service_provider::ServiceProvider;

/// `GET /saml/{connection}/metadata`: what the identity provider's administrator imports.
pub(in crate::saml) fn metadata(
    provider: &ServiceProvider,
    connection: &Connection,
) -> Response<Body> {
    let policy = connection.signature_policy;
    let xml = SpMetadata {
        entity_id: &provider.entity_id(connection),
        acs_url: &provider.acs_url(connection),
        want_assertions_signed: matches!(
            policy,
            SignaturePolicy::Assertion | SignaturePolicy::Both
        ),
        name_id_formats: &connection.name_id_format.as_deref().into_iter().collect::<Vec<_>>(),
        valid_until: None,
    }
    .to_xml();
    respond::plain(StatusCode::OK, "application/samlmetadata+xml", xml)
}
