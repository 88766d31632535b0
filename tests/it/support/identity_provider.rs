//! An identity provider that says what a test wants it to say, and signs it.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, SigningKey as _};
use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;

const ENTITY_ID: &str = "https://idp.example/metadata";
const SSO_URL: &str = "https://idp.example/sso";

/// Its key is the same in all tests: to make one takes its time.
static KEY: LazyLock<(KeyPair, String)> = LazyLock::new(|| {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let certificate = STANDARD.encode(certificate.der());
    (key, certificate)
});

/// A request that a browser brought.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    pub id: String,
    pub force_authn: bool,
    pub relay_state: String,
}

impl LoginRequest {
    /// Reads the address that the browser was sent to.
    pub fn read(location: &Url) -> Self {
        assert!(location.as_str().starts_with(SSO_URL), "{location}");
        let field = |name: &str| location.query_pairs().find(|(key, _)| key == name).unwrap().1;
        let deflated = STANDARD.decode(field("SAMLRequest").as_bytes()).unwrap();
        let mut xml = String::new();
        let mut inflate = flate2::read::DeflateDecoder::new(&deflated[..]);
        std::io::Read::read_to_string(&mut inflate, &mut xml).unwrap();
        let id = xml.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Self {
            id,
            force_authn: xml.contains(" ForceAuthn=\"true\""),
            relay_state: field("RelayState").into_owned(),
        }
    }
}

/// What it says of a user.
#[derive(Clone, Debug)]
pub struct Statement {
    pub user: String,
    /// What its clock shows.
    pub now: OffsetDateTime,
    pub authn_instant: OffsetDateTime,
    pub session_not_on_or_after: Option<OffsetDateTime>,
    pub attributes: Vec<(String, String)>,
}

impl Statement {
    /// The user has logged in just now.
    pub fn of(user: &str, now: OffsetDateTime) -> Self {
        Self {
            user: user.to_owned(),
            now,
            authn_instant: now,
            session_not_on_or_after: None,
            attributes: Vec::new(),
        }
    }

    /// The form field that says so in answer to a request of the connection with this base URL,
    /// such as `https://sp.example/saml/acme`. It is written in canonical form.
    pub fn answer(&self, request: &LoginRequest, connection: &str) -> String {
        let id = format!("_{:032x}", rand_id());
        let assertion = |signature: &str| self.assertion(&id, signature, request, connection);
        let signed = assertion(&sign(&id, &assertion("")));
        STANDARD.encode(format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{connection}/acs\" ID=\"_r{id}\" InResponseTo=\"{}\" \
             IssueInstant=\"{}\" Version=\"2.0\"><samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
             {signed}</samlp:Response>",
            request.id,
            instant(self.now),
        ))
    }

    fn assertion(
        &self,
        id: &str,
        signature: &str,
        request: &LoginRequest,
        connection: &str,
    ) -> String {
        let (now, soon) = (instant(self.now), instant(self.now + time::Duration::minutes(5)));
        let end = self
            .session_not_on_or_after
            .map(|end| format!(" SessionNotOnOrAfter=\"{}\"", instant(end)));
        let attributes: String = self
            .attributes
            .iter()
            .map(|(name, value)| {
                format!(
                    "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}\
                     </saml:AttributeValue></saml:Attribute>"
                )
            })
            .collect();
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
             IssueInstant=\"{now}\" Version=\"2.0\"><saml:Issuer>{ENTITY_ID}</saml:Issuer>\
             {signature}<saml:Subject><saml:NameID>{}</saml:NameID><saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
             InResponseTo=\"{}\" NotOnOrAfter=\"{soon}\" Recipient=\"{connection}/acs\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{soon}\">\
             <saml:AudienceRestriction><saml:Audience>{connection}/metadata</saml:Audience>\
             </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{}\"{}>\
             <saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}\
             </saml:AttributeStatement></saml:Assertion>",
            self.user,
            request.id,
            instant(self.authn_instant),
            end.unwrap_or_default(),
        )
    }
}

/// Its metadata.
pub fn metadata() -> String {
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"{ENTITY_ID}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\
         <X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"{SSO_URL}\"/></IDPSSODescriptor></EntityDescriptor>",
        KEY.1
    )
}

/// An enveloped signature over an element in canonical form.
fn sign(id: &str, canonical: &str) -> String {
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let (ds, exclusive) =
        ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/10/xml-exc-c14n#");
    let signed_info = format!(
        "<ds:SignedInfo xmlns:ds=\"{ds}\"><ds:CanonicalizationMethod Algorithm=\"{exclusive}\">\
         </ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform \
         Algorithm=\"{ds}enveloped-signature\"></ds:Transform><ds:Transform \
         Algorithm=\"{exclusive}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let signature = STANDARD.encode(KEY.0.sign(signed_info.as_bytes()).unwrap());
    format!(
        "<ds:Signature xmlns:ds=\"{ds}\">{signed_info}<ds:SignatureValue>{signature}\
         </ds:SignatureValue></ds:Signature>"
    )
}

fn rand_id() -> u128 {
    use donjon::crypto::RandomExt as _;
    u128::from_be_bytes(donjon::crypto::SystemRandom.bytes())
}

fn instant(time: OffsetDateTime) -> String {
    time.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap()
}
