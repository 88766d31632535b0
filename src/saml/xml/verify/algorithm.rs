//! The algorithms that may appear in a signature, by exact URI.

use aws_lc_rs::digest;

use crate::saml::SamlError;

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
}

impl Algorithm {
    pub(super) fn from_uri(uri: Option<&str>) -> Result<Self, SamlError> {
        match uri {
            Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256") => Ok(Self::RsaSha256),
            Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384") => Ok(Self::RsaSha384),
            Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512") => Ok(Self::RsaSha512),
            Some("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256") => Ok(Self::EcdsaSha256),
            Some("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384") => Ok(Self::EcdsaSha384),
            Some("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512") => Ok(Self::EcdsaSha512),
            Some(
                "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
                | "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
            ) => Err(SamlError::DeprecatedAlgorithm),
            _ => Err(SamlError::UnsupportedSignatureAlgorithm { fault: "SignatureMethod" }),
        }
    }
}

/// The digest algorithm that a `DigestMethod` names.
pub(super) fn digest_from_uri(uri: Option<&str>) -> Result<&'static digest::Algorithm, SamlError> {
    match uri {
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => Ok(&digest::SHA256),
        Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => Ok(&digest::SHA384),
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => Ok(&digest::SHA512),
        Some("http://www.w3.org/2000/09/xmldsig#sha1") => Err(SamlError::DeprecatedAlgorithm),
        _ => Err(SamlError::UnsupportedSignatureAlgorithm { fault: "DigestMethod" }),
    }
}
