use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, Error, KeyPair, PKCS_RSA_SHA256, SigningKey as _};

/// A key and the certificate that carries its public half.
pub(super) struct Signer {
    key: KeyPair,
    /// The certificate: base64 of its DER.
    pub(super) certificate: String,
}

impl Signer {
    pub(super) fn generate() -> Result<Self, Error> {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Acme single sign-on");
        let certificate = STANDARD.encode(params.self_signed(&key)?.der());
        Ok(Self { key, certificate })
    }

    /// An enveloped signature over the element with this `ID` (SAML Core, section 5.4).
    ///
    /// `canonical` is the element without its signature. What is signed is never transformed: it
    /// is written in the form that exclusive canonicalization would give it, as `SignedInfo` is
    /// here: namespaces where they are first used, attributes in order, no empty-element tags.
    pub(super) fn sign(&self, id: &str, canonical: &str) -> Result<String, Error> {
        let digest = digest::digest(&digest::SHA256, canonical.as_bytes());
        let signed_info = format!(
            concat!(
                r#"<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">"#,
                r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>"#,
                r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>"#,
                r##"<ds:Reference URI="#{id}"><ds:Transforms>"##,
                r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>"#,
                r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>"#,
                r#"</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>"#,
                r#"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
            ),
            id = id,
            digest = STANDARD.encode(digest),
        );
        let signature = STANDARD.encode(self.key.sign(signed_info.as_bytes())?);
        Ok(format!(
            concat!(
                r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{signed_info}"#,
                r#"<ds:SignatureValue>{signature}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"#,
                r#"<ds:X509Certificate>{certificate}</ds:X509Certificate>"#,
                r#"</ds:X509Data></ds:KeyInfo></ds:Signature>"#,
            ),
            signed_info = signed_info,
            signature = signature,
            certificate = self.certificate,
        ))
    }
}
