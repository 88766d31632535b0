//! What an identity provider says about itself (Metadata 2.4.3).

use time::OffsetDateTime;
use url::Url;

use super::{BINDING_POST, BINDING_REDIRECT, instant};
use crate::saml::SamlError;
use crate::saml::xml::namespace::{METADATA, PROTOCOL, SIGNATURE};
use crate::saml::xml::{Element, IdpCertificate, Limits, parse};

/// The most signing certificates that are read.
const MAX_CERTIFICATES: usize = 16;

/// The metadata of an identity provider, as far as logging in needs it.
///
/// Reading does not verify a signature: whoever imports metadata must have it from the provider by
/// a way that can be trusted, and must look at the certificates.
#[derive(Debug)]
#[non_exhaustive]
pub struct IdpMetadata {
    /// Its entity ID.
    pub entity_id: String,
    /// Where it takes requests.
    pub sso_url: String,
    /// By which binding.
    pub sso_binding: SsoBinding,
    /// What it signs with; never empty, at most 16.
    pub certificates: Vec<IdpCertificate>,
    /// The formats of user names it knows.
    pub name_id_formats: Vec<String>,
    /// Whether it refuses requests that are not signed.
    pub want_authn_requests_signed: bool,
    /// Until when the metadata is valid: the earliest `validUntil` in it.
    pub valid_until: Option<OffsetDateTime>,
}

/// The binding of a single sign-on service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SsoBinding {
    /// HTTP-Redirect, preferred when both are offered.
    HttpRedirect,
    /// HTTP-POST.
    HttpPost,
}

impl IdpMetadata {
    /// Reads metadata of one entity, not of a federation (`EntitiesDescriptor`).
    ///
    /// A key without `use` serves signing. Of a key with a chain, the first certificate counts.
    ///
    /// # Errors
    /// One of the metadata and XML variants of [`SamlError`]; [`SamlError::UntrustedCertificate`]
    /// when a signing certificate is unusable.
    pub fn read(xml: &[u8], now: OffsetDateTime) -> Result<Self, SamlError> {
        let document = parse(xml, &Limits::METADATA)?;
        let entity = document.root();
        let descriptor = find_descriptor(entity)?;
        let valid_until = read_valid_until([entity, descriptor])?;
        if valid_until.is_some_and(|until| now >= until) {
            return Err(SamlError::MetadataExpired);
        }
        let (sso_binding, sso_url) = find_sso_service(descriptor)?;
        Ok(Self {
            entity_id: read_entity_id(entity)?,
            sso_url,
            sso_binding,
            certificates: read_signing_certificates(descriptor)?,
            name_id_formats: descriptor
                .elements_named(METADATA, "NameIDFormat")
                .filter_map(|format| Some(format.text()?.trim().to_owned()))
                .collect(),
            want_authn_requests_signed: matches!(
                descriptor.attribute("WantAuthnRequestsSigned"),
                Some("true" | "1")
            ),
            valid_until,
        })
    }
}

/// The only role descriptor of a SAML 2.0 identity provider.
fn find_descriptor(entity: Element<'_>) -> Result<Element<'_>, SamlError> {
    if !entity.is(METADATA, "EntityDescriptor") {
        return Err(SamlError::MetadataWrongRoot);
    }
    let speaks_saml2 = |descriptor: &Element<'_>| {
        let protocols = descriptor.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let mut descriptors = entity.elements_named(METADATA, "IDPSSODescriptor").filter(speaks_saml2);
    match (descriptors.next(), descriptors.next()) {
        (Some(descriptor), None) => Ok(descriptor),
        _ => Err(SamlError::MetadataWrongRoot),
    }
}

fn read_valid_until(elements: [Element<'_>; 2]) -> Result<Option<OffsetDateTime>, SamlError> {
    let instants = elements.into_iter().filter_map(|element| element.attribute("validUntil"));
    instants.map(|until| instant::read(until, "validUntil").map(Some)).try_fold(
        None,
        |earliest, until| {
            let until = until?;
            Ok(if earliest.is_none() { until } else { earliest.min(until) })
        },
    )
}

/// An entity ID has at most 1024 characters (Metadata 2.2.1).
fn read_entity_id(entity: Element<'_>) -> Result<String, SamlError> {
    let id = entity
        .attribute("entityID")
        .filter(|id| !id.trim().is_empty() && id.chars().count() <= 1024);
    id.map(str::to_owned).ok_or(SamlError::MetadataMissingEntityId)
}

/// The first service with HTTP-Redirect, otherwise the first with HTTP-POST. White space around the
/// address is none of it (XML Schema 2, section 3.2.17); a fragment has no place in it, since a
/// query must follow.
fn find_sso_service(descriptor: Element<'_>) -> Result<(SsoBinding, String), SamlError> {
    let location = |binding| {
        descriptor
            .elements_named(METADATA, "SingleSignOnService")
            .filter(|service| service.attribute("Binding") == Some(binding))
            .find_map(|service| service.attribute("Location"))
    };
    let (binding, location) = location(BINDING_REDIRECT)
        .map(|url| (SsoBinding::HttpRedirect, url))
        .or_else(|| Some((SsoBinding::HttpPost, location(BINDING_POST)?)))
        .ok_or(SamlError::MetadataMissingSsoService)?;
    let location = location.trim();
    let usable = |url: &Url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none()
    };
    match Url::parse(location) {
        Ok(url) if usable(&url) => Ok((binding, location.to_owned())),
        _ => Err(SamlError::InvalidIdpSsoUrl),
    }
}

fn read_signing_certificates(descriptor: Element<'_>) -> Result<Vec<IdpCertificate>, SamlError> {
    let mut certificates: Vec<IdpCertificate> = Vec::new();
    let keys = descriptor.elements_named(METADATA, "KeyDescriptor");
    for key in keys.filter(|key| matches!(key.attribute("use"), None | Some("signing"))) {
        for info in key.elements_named(SIGNATURE, "KeyInfo") {
            for data in info.elements_named(SIGNATURE, "X509Data") {
                let Some(base64) = data.elements_named(SIGNATURE, "X509Certificate").next() else {
                    continue;
                };
                let certificate = IdpCertificate::from_pem(base64.text().unwrap_or_default())?;
                if certificates.iter().any(|known| known.der() == certificate.der()) {
                    continue;
                }
                if certificates.len() >= MAX_CERTIFICATES {
                    return Err(SamlError::PayloadTooLarge { limit: "signing certificates" });
                }
                certificates.push(certificate);
            }
        }
    }
    if certificates.is_empty() {
        Err(SamlError::MetadataMissingCertificate)
    } else {
        Ok(certificates)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 0:00 UTC);

    fn fixture() -> String {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/saml/idp-metadata.xml");
        std::fs::read_to_string(path).unwrap()
    }

    fn code(xml: &str) -> &'static str {
        IdpMetadata::read(xml.as_bytes(), NOW).map_or_else(|e| e.code(), |_| "accepted")
    }

    #[test]
    fn an_address_that_no_query_fits_is_refused() {
        let with = |address: &str| fixture().replace("https://idp.example/sso/redirect", address);
        let read = |xml: &str| IdpMetadata::read(xml.as_bytes(), NOW).unwrap().sso_url;
        assert_eq!(read(&with(" https://idp.example/sso\n")), "https://idp.example/sso");
        for bad in ["https://idp.example/sso#x", "https://idp.example/#", "urn:x", "/sso", ""] {
            assert_eq!(code(&with(bad)), "invalid_idp_sso_url", "{bad}");
        }
    }

    #[test]
    fn metadata_of_pysaml2_is_read() {
        let metadata = IdpMetadata::read(fixture().as_bytes(), NOW).unwrap();
        assert_eq!(metadata.entity_id, "https://idp.example/metadata");
        assert_eq!(metadata.sso_binding, SsoBinding::HttpRedirect, "although POST comes first");
        assert_eq!(metadata.sso_url, "https://idp.example/sso/redirect");
        assert_eq!(metadata.certificates.len(), 1);
        assert!(metadata.certificates[0].not_after() > NOW);
        assert_eq!(
            metadata.name_id_formats,
            ["urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"]
        );
    }

    #[test]
    fn incomplete_or_stale_metadata_is_refused() {
        let good = fixture();
        assert_eq!(code(&good), "accepted", "the control");
        let change = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            good.replace(from, to)
        };
        let entity = "entityID=\"https://idp.example/metadata\"";
        for (changed, expected) in [
            (change("EntityDescriptor", "EntitiesDescriptor"), "metadata_wrong_root"),
            (change("IDPSSODescriptor", "SPSSODescriptor"), "metadata_wrong_root"),
            (change("SAML:2.0:protocol\"", "SAML:1.1:protocol\""), "metadata_wrong_root"),
            (change(entity, ""), "metadata_missing_entity_id"),
            (change(entity, "entityID=\" \""), "metadata_missing_entity_id"),
            (change("SingleSignOnService", "SingleLogoutService"), "metadata_missing_sso_service"),
            (
                change("HTTP-Redirect", "SOAP").replace("HTTP-POST", "PAOS"),
                "metadata_missing_sso_service",
            ),
            (
                change("https://idp.example/sso/redirect", "javascript:alert(1)"),
                "invalid_idp_sso_url",
            ),
            (change("use=\"signing\"", "use=\"encryption\""), "metadata_missing_certificate"),
            (change("use=\"signing\"", ""), "accepted"),
            (change("X509Certificate>", "X509SKI>"), "metadata_missing_certificate"),
            (change("X509Certificate>MII", "X509Certificate>M"), "untrusted_certificate"),
            (
                change(entity, &format!("{entity} validUntil=\"2026-11-22T00:00:00Z\"")),
                "metadata_expired",
            ),
            (change(entity, &format!("{entity} validUntil=\"2026-11-22T00:00:01Z\"")), "accepted"),
            (change(entity, &format!("{entity} validUntil=\"soon\"")), "missing_protocol_field"),
            (
                change(
                    "IDPSSODescriptor prot",
                    "IDPSSODescriptor validUntil=\"2020-01-01T00:00:00Z\" prot",
                ),
                "metadata_expired",
            ),
        ] {
            // The encryption key of the fixture, if any, is the same certificate.
            assert_eq!(code(&changed), expected, "{changed}");
        }
    }

    #[test]
    fn redirect_is_not_needed() {
        let post_only = fixture().replace("HTTP-Redirect", "HTTP-Artifact");
        let metadata = IdpMetadata::read(post_only.as_bytes(), NOW).unwrap();
        assert_eq!(
            (metadata.sso_binding, metadata.sso_url.as_str()),
            (SsoBinding::HttpPost, "https://idp.example/sso/post")
        );
    }
}
