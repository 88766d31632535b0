//! Asking an identity provider to log a user in (Core 3.4.1), by the HTTP-Redirect binding
//! (Bindings 3.4).

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use time::OffsetDateTime;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::writer::{Writer, empty};
use super::{BINDING_POST, instant};
use crate::saml::SamlError;
use crate::saml::xml::is_nc_name;
use crate::saml::xml::namespace::{ASSERTION, PROTOCOL};

/// The longest relay state that SAML allows, in bytes (Bindings 3.4.3).
const MAX_RELAY_STATE: usize = 80;

/// An `AuthnRequest`.
///
/// ```
/// use donjon::saml::protocol::AuthnRequest;
/// use time::macros::datetime;
///
/// let request = AuthnRequest {
///     id: "_8e8dc5f69a98cc4c1ff3427e5ce34606",
///     issue_instant: datetime!(2025-01-02 12:00:00 UTC),
///     idp_sso_url: "https://idp.example/sso?tenant=1",
///     acs_url: "https://app.example/saml/acme/acs",
///     sp_entity_id: "https://app.example/saml/acme/metadata",
///     name_id_format: None,
///     force_authn: false,
///     is_passive: false,
/// };
/// let url = request.redirect_url(Some("rs_4vq"))?;
/// assert!(url.starts_with("https://idp.example/sso?tenant=1&SAMLRequest="));
/// assert!(url.ends_with("&RelayState=rs_4vq"));
/// # Ok::<(), donjon::saml::SamlError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AuthnRequest<'a> {
    /// Its identifier: an XML name, such as `_` and at least 128 random bits in hex. The response
    /// must answer it.
    pub id: &'a str,
    /// Now.
    pub issue_instant: OffsetDateTime,
    /// Where the identity provider takes requests by HTTP-Redirect.
    pub idp_sso_url: &'a str,
    /// Where the response must go, by HTTP-POST.
    pub acs_url: &'a str,
    /// Who asks.
    pub sp_entity_id: &'a str,
    /// The wanted format of the user's name; `None` leaves it to the identity provider.
    pub name_id_format: Option<&'a str>,
    /// Whether the user must authenticate anew.
    pub force_authn: bool,
    /// Whether the identity provider must not show anything.
    pub is_passive: bool,
}

impl AuthnRequest<'_> {
    /// The XML.
    pub fn to_xml(&self) -> String {
        let flag = |on: bool| on.then_some("true");
        let mut xml = Writer::default();
        let attributes = [
            ("xmlns:samlp", Some(PROTOCOL)),
            ("xmlns:saml", Some(ASSERTION)),
            ("ID", Some(self.id)),
            ("Version", Some("2.0")),
            ("IssueInstant", Some(&*instant::write(self.issue_instant))),
            ("Destination", Some(self.idp_sso_url)),
            ("ForceAuthn", flag(self.force_authn)),
            ("IsPassive", flag(self.is_passive)),
            ("ProtocolBinding", Some(BINDING_POST)),
            ("AssertionConsumerServiceURL", Some(self.acs_url)),
        ];
        xml.element("samlp:AuthnRequest", &attributes, |request| {
            request.leaf("saml:Issuer", self.sp_entity_id);
            let policy = [("Format", self.name_id_format), ("AllowCreate", Some("true"))];
            request.element("samlp:NameIDPolicy", &policy, empty);
        });
        xml.finish()
    }

    /// The address to send the browser to. The request is not signed.
    ///
    /// # Errors
    /// [`SamlError::InvalidIdpSsoUrl`] unless `idp_sso_url` is an absolute http(s) URL without
    /// fragment, [`SamlError::AuthnRequestInvalid`] when `id` is not an XML name,
    /// [`SamlError::RelayStateRejected`] when `relay_state` is longer than 80 bytes.
    pub fn redirect_url(&self, relay_state: Option<&str>) -> Result<String, SamlError> {
        let url = Url::parse(self.idp_sso_url).map_err(|_| SamlError::InvalidIdpSsoUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.fragment().is_some()
        {
            return Err(SamlError::InvalidIdpSsoUrl);
        }
        let separator = if url.query().is_some() { '&' } else { '?' };
        Ok(format!("{url}{separator}{}", self.query(relay_state)?))
    }

    /// The query of the binding, exactly the octets that a signature over it would cover (Bindings
    /// 3.4.4.1).
    fn query(&self, relay_state: Option<&str>) -> Result<String, SamlError> {
        if !is_nc_name(self.id) {
            return Err(SamlError::AuthnRequestInvalid { fault: "the ID is not an XML name" });
        }
        let deflated = deflate(&self.to_xml())
            .map_err(|_| SamlError::AuthnRequestInvalid { fault: "not compressible" })?;
        let mut query = String::from("SAMLRequest=");
        query.extend(byte_serialize(STANDARD.encode(deflated).as_bytes()));
        if let Some(relay_state) = relay_state {
            if relay_state.len() > MAX_RELAY_STATE {
                return Err(SamlError::RelayStateRejected);
            }
            query.push_str("&RelayState=");
            query.extend(byte_serialize(relay_state.as_bytes()));
        }
        Ok(query)
    }
}

fn deflate(xml: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use time::macros::datetime;

    use super::*;
    use crate::saml::xml::{Limits, parse};

    fn request<'a>() -> AuthnRequest<'a> {
        AuthnRequest {
            id: "_1",
            issue_instant: datetime!(2025-01-02 12:00:00 UTC),
            idp_sso_url: "https://idp.example/sso",
            acs_url: "https://app.example/acs?a=1&b=\"<2>\"",
            sp_entity_id: "urn:app:<&>",
            name_id_format: Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
            force_authn: true,
            is_passive: false,
        }
    }

    #[test]
    fn query_holds_the_deflated_request() {
        let url = Url::parse(&request().redirect_url(Some("a b&c")).unwrap()).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[1], ("RelayState".to_owned(), "a b&c".to_owned()));
        let (mut xml, deflated) = (String::new(), STANDARD.decode(&pairs[0].1).unwrap());
        flate2::read::DeflateDecoder::new(&*deflated).read_to_string(&mut xml).unwrap();
        assert_eq!(xml, request().to_xml());

        let document = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap();
        let root = document.root();
        assert!(root.is(PROTOCOL, "AuthnRequest"));
        assert_eq!(root.attribute("AssertionConsumerServiceURL"), Some(request().acs_url));
        assert_eq!(root.attribute("ForceAuthn"), Some("true"));
        assert_eq!(root.attribute("IsPassive"), None);
        assert_eq!(
            root.elements_named(ASSERTION, "Issuer").next().unwrap().text(),
            Some(request().sp_entity_id)
        );
    }

    #[test]
    fn a_query_of_the_provider_is_kept() {
        let with_query = AuthnRequest { idp_sso_url: "https://idp.example/sso?x=%2F", ..request() };
        assert!(
            with_query
                .redirect_url(None)
                .unwrap()
                .starts_with("https://idp.example/sso?x=%2F&SAMLRequest=")
        );
    }

    #[test]
    fn bad_parameters_are_refused() {
        for idp_sso_url in
            ["", "/sso", "javascript:alert(1)", "ftp://idp.example/", "https://idp.example/#x"]
        {
            let refused = AuthnRequest { idp_sso_url, ..request() }.redirect_url(None);
            assert_eq!(refused, Err(SamlError::InvalidIdpSsoUrl), "{idp_sso_url}");
        }
        assert_eq!(
            request().redirect_url(Some(&"x".repeat(81))),
            Err(SamlError::RelayStateRejected)
        );
        assert!(request().redirect_url(Some(&"x".repeat(80))).is_ok());
        for id in ["", "1", "a b", "a:b"] {
            let refused = AuthnRequest { id, ..request() }.redirect_url(None);
            assert!(matches!(refused, Err(SamlError::AuthnRequestInvalid { .. })), "{id}");
        }
    }
}
