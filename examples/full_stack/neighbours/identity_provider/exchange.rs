//! What the two sides tell each other before anybody is vouched for.

use std::io::Read as _;

use axum::BoxError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;

use super::xml::{each_element, read_attribute};
use super::{ENTITY_ID, SSO_URL};

const MAX_REQUEST: u64 = 64 * 1024;

/// Our metadata: who we are, where to send browsers, which key we sign with.
pub(super) fn metadata(certificate: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY_ID}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>
      </ds:KeyInfo>
    </md:KeyDescriptor>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO_URL}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
"#
    )
}

/// The application we serve, from its metadata.
pub(super) struct ServiceProvider {
    pub(super) entity_id: String,
    pub(super) acs_url: String,
}

impl ServiceProvider {
    pub(super) fn read(metadata: &[u8]) -> Result<Self, BoxError> {
        let (mut entity_id, mut acs_url) = (None, None);
        each_element(std::str::from_utf8(metadata)?, |element, _| {
            match element.local_name().as_ref() {
                "EntityDescriptor" => entity_id = read_attribute(element, "entityID")?,
                "AssertionConsumerService" => acs_url = read_attribute(element, "Location")?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            entity_id: entity_id.ok_or("The application's metadata has no entityID.")?,
            acs_url: acs_url.ok_or("The application's metadata has no place for answers.")?,
        })
    }
}

/// An `<AuthnRequest>` (SAML Core, section 3.4.1).
pub(super) struct LoginRequest {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) acs_url: Option<String>,
}

impl LoginRequest {
    /// Reads the `SAMLRequest` parameter: base64 of raw DEFLATE.
    pub(super) fn read(parameter: &str) -> Result<Self, BoxError> {
        let deflated = STANDARD.decode(parameter)?;
        let mut xml = String::new();
        DeflateDecoder::new(&*deflated).take(MAX_REQUEST).read_to_string(&mut xml)?;
        let (mut id, mut issuer, mut acs_url) = (None, None, None);
        each_element(&xml, |element, text| {
            match element.local_name().as_ref() {
                "AuthnRequest" => {
                    id = read_attribute(element, "ID")?;
                    acs_url = read_attribute(element, "AssertionConsumerServiceURL")?;
                }
                "Issuer" => issuer = Some(text.to_owned()),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            id: id.ok_or("This is not a login request.")?,
            issuer: issuer.ok_or("The login request does not say whose it is.")?,
            acs_url,
        })
    }
}
