//! What can go wrong in a SAML login, one variant per cause.

/// Why a SAML message, a piece of metadata or a login was refused.
///
/// Each variant has a stable [`code`](SamlError::code), meant for logs, metrics and the error page;
/// renaming one is a breaking change. No variant carries text taken from the message, so nothing
/// that an attacker wrote and nothing about a user can leak through an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamlError {
    // --- XML ---
    /// A document type declaration was found. Cause: an attack (XXE), or a broken peer; SAML never
    /// needs one. Do: nothing; if a real provider sends it, ask its operator to stop.
    #[error("the XML has a document type declaration; SAML messages must not have one")]
    DoctypeForbidden,
    /// An entity other than the five predefined ones was declared or used. Cause: an
    /// entity-expansion attack. Do: nothing.
    #[error("the XML declares or uses an entity that is not predefined")]
    EntityExpansionForbidden,
    /// A comment, CDATA section or processing instruction was found where text could be split by
    /// it. Cause: a comment-truncation attack (CVE-2017-11427 and its family). Do: nothing; no
    /// known provider sends them.
    #[error("the XML has a comment, CDATA section or processing instruction")]
    CommentForbidden,
    /// A bound of [`Limits`](crate::saml::xml::Limits) or of the form field was passed. Cause: a
    /// denial-of-service attempt, or a user with a very long list of groups. Do: have the provider
    /// send fewer attributes.
    #[error("the message is too large: {limit}")]
    PayloadTooLarge {
        /// The bound that was passed.
        limit: &'static str,
    },
    /// The bytes are not well-formed, namespace-well-formed UTF-8 XML. Cause: damage on the way, or
    /// an attack on parsers. Do: capture the message with a browser tool and compare it with the
    /// provider's own log.
    #[error("the XML is malformed near byte {offset}: {fault}")]
    MalformedXml {
        /// What is wrong.
        fault: &'static str,
        /// Where, in bytes from the start of the decoded message.
        offset: usize,
    },
    /// Two elements carry the same identifier. Cause: a signature-wrapping attack. Do: nothing.
    #[error("two elements carry the same ID")]
    DuplicateXmlId,
    /// It is not certain which element is signed: a nested `Response`, a `Signature` or `Object` in
    /// a place the schema does not give it, a reference to anything but the signature's own parent.
    /// Cause: a signature-wrapping attack. Do: nothing.
    #[error("it is ambiguous which element is signed: {fault}")]
    AmbiguousSignedNode {
        /// What is wrong.
        fault: &'static str,
    },
    /// There is more than one assertion, or one in a place that is not a direct child of the
    /// `Response`. Cause: a signature-wrapping attack. Do: have the provider send exactly one
    /// assertion.
    #[error("the response must hold exactly one assertion, directly below its root")]
    AmbiguousAssertion,
    /// Canonicalization gave nothing. Cause: a void-canonicalization attack (CVE-2025-66568). Do:
    /// nothing.
    #[error("canonicalization gave an empty result")]
    CanonicalizationFailed,

    // --- Signatures ---
    /// A signature that the policy requires is absent. Cause: the provider signs the other element,
    /// or somebody stripped the signature. Do: compare the provider's signing option with the
    /// connection's `SignaturePolicy`.
    #[error("a required signature is missing")]
    MissingSignature,
    /// The signature value does not verify under any configured certificate. Cause: the provider
    /// rolled its key, or the message is forged. Do: compare the provider's current certificate
    /// with the configured ones.
    #[error("the signature does not verify: {fault}")]
    InvalidSignature {
        /// What is wrong.
        fault: &'static str,
    },
    /// The signed element is not what was signed. Cause: the message was changed after signing. Do:
    /// look for a proxy that rewrites bodies; otherwise nothing.
    #[error("the digest does not match the signed element")]
    DigestMismatch,
    /// A signature, digest, transform or canonicalization algorithm is not on the list. Cause: an
    /// unusual provider setting, or an attack. Do: set RSA-SHA256 or ECDSA-SHA256 with exclusive
    /// canonicalization.
    #[error("unsupported algorithm in the signature: {fault}")]
    UnsupportedSignatureAlgorithm {
        /// Which algorithm attribute.
        fault: &'static str,
    },
    /// The message is signed with SHA-1. Cause: an old provider setting. Do: switch the provider to
    /// SHA-256.
    #[error("the signature uses SHA-1, which is no longer secure")]
    DeprecatedAlgorithm,
    /// No usable certificate is configured, or the message carries a key where none may be. Cause:
    /// configuration, a weak key (RSA below 2048 bits), or an attack. Do: import the provider's
    /// current metadata.
    #[error("no trusted certificate: {fault}")]
    UntrustedCertificate {
        /// What is wrong.
        fault: &'static str,
    },
    /// The message is encrypted, and there is no key to decrypt it. Do: switch assertion encryption
    /// off at the provider, or configure a decryption key.
    #[error("the message is encrypted and no decryption key is configured")]
    KeyNotConfigured,

    // --- Protocol ---
    /// The parameters of an authentication request cannot be sent. Cause: configuration. Do: see
    /// the message.
    #[error("the authentication request is invalid: {fault}")]
    AuthnRequestInvalid {
        /// What is wrong.
        fault: &'static str,
    },
    /// The form field is not base64. Cause: damage, or a request that no provider made. Do:
    /// nothing.
    #[error("the SAMLResponse field is not base64")]
    InvalidBindingPayload,
    /// The provider's single sign-on address is not an absolute http(s) URL. Do: correct the
    /// connection.
    #[error("the identity provider's single sign-on address is not a usable URL")]
    InvalidIdpSsoUrl,
    /// A relay state is longer than the 80 bytes SAML allows (Bindings 3.4.3). Do: send a handle,
    /// not a URL.
    #[error("the relay state is longer than 80 bytes")]
    RelayStateRejected,
    /// An element or attribute that the profile requires is absent, empty, repeated or of the wrong
    /// form. Do: compare with what the provider is configured to send.
    #[error("missing or malformed: {field}")]
    MissingProtocolField {
        /// Which one.
        field: &'static str,
    },
    /// The provider reports that the login did not succeed. Do: read the provider's own log.
    #[error("the identity provider answered with status {status}")]
    UnsupportedStatus {
        /// The most specific status code that SAML defines.
        status: StatusCode,
    },
    /// The response answers another request, or none of ours. Cause: a stale tab, or a stolen
    /// response. Do: let the user start again.
    #[error("the response does not answer this login request")]
    InResponseToMismatch,
    /// The response answers no request, and logins that begin at the provider are not accepted. Do:
    /// let users start from the application.
    #[error("logins that begin at the identity provider are not accepted")]
    IdpInitiatedNotAllowed,
    /// The message comes from another provider than the connection's. Do: compare the configured
    /// entity ID.
    #[error("the issuer is not this connection's identity provider")]
    IssuerMismatch,
    /// The response was addressed to another endpoint. Do: compare the ACS URL at the provider.
    #[error("the Destination is not this assertion consumer service")]
    DestinationMismatch,
    /// The assertion is meant for another service, or for nobody in particular. Do: compare the SP
    /// entity ID.
    #[error("the audience does not name this service provider")]
    InvalidAudience,
    /// The subject confirmation was meant for another endpoint. Do: compare the ACS URL at the
    /// provider.
    #[error("the subject confirmation's Recipient is not this assertion consumer service")]
    RecipientMismatch,
    /// The assertion or its session is over. Cause: a late form, or clocks that differ. Do: check
    /// both clocks.
    #[error("the assertion has expired")]
    AssertionExpired,
    /// The assertion is not valid yet. Cause: clocks that differ. Do: check both clocks.
    #[error("the assertion is not yet valid")]
    AssertionNotYetValid,
    /// The subject confirmation is over. Cause: a late form, or clocks that differ. Do: check both
    /// clocks.
    #[error("the subject confirmation has expired")]
    SubjectConfirmationExpired,
    /// The assertion has a condition that this library does not know; Core 2.5.1 demands refusal.
    /// Do: have the provider leave it out.
    #[error("the assertion has a condition that is not understood")]
    UnsupportedCondition,
    /// The name identifier is qualified for another service provider. Do: compare the SP entity ID.
    #[error("the NameID is qualified for another service provider")]
    ConnectionBindingMismatch,
    /// A clock skew above five minutes was configured. Do: set the clocks right instead.
    #[error("the clock skew must be between 0 and 300 seconds")]
    ClockSkewExceeded,

    // --- Metadata ---
    /// The root is not an `EntityDescriptor` with a SAML 2.0 `IDPSSODescriptor`. Do: import the
    /// provider's own metadata, not a federation's.
    #[error("the metadata is not that of one SAML 2.0 identity provider")]
    MetadataWrongRoot,
    /// The `EntityDescriptor` has no `entityID`, or one that is not acceptable.
    #[error("the metadata has no entityID")]
    MetadataMissingEntityId,
    /// There is no single sign-on service with the Redirect or POST binding.
    #[error(
        "the metadata has no single sign-on service with the HTTP-Redirect or HTTP-POST binding"
    )]
    MetadataMissingSsoService,
    /// There is no signing certificate, so nothing the provider says could be verified.
    #[error("the metadata has no usable signing certificate")]
    MetadataMissingCertificate,
    /// The metadata says of itself that it is no longer valid. Do: fetch it again.
    #[error("the metadata is past its validUntil")]
    MetadataExpired,
}

impl SamlError {
    /// The stable name of this cause, in snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DoctypeForbidden => "doctype_forbidden",
            Self::EntityExpansionForbidden => "entity_expansion_forbidden",
            Self::CommentForbidden => "comment_forbidden",
            Self::PayloadTooLarge { .. } => "payload_too_large",
            Self::MalformedXml { .. } => "malformed_xml",
            Self::DuplicateXmlId => "duplicate_xml_id",
            Self::AmbiguousSignedNode { .. } => "ambiguous_signed_node",
            Self::AmbiguousAssertion => "ambiguous_assertion",
            Self::CanonicalizationFailed => "canonicalization_failed",
            Self::MissingSignature => "missing_signature",
            Self::InvalidSignature { .. } => "invalid_signature",
            Self::DigestMismatch => "digest_mismatch",
            Self::UnsupportedSignatureAlgorithm { .. } => "unsupported_signature_algorithm",
            Self::DeprecatedAlgorithm => "deprecated_algorithm",
            Self::UntrustedCertificate { .. } => "untrusted_certificate",
            Self::KeyNotConfigured => "key_not_configured",
            Self::AuthnRequestInvalid { .. } => "authn_request_invalid",
            Self::InvalidBindingPayload => "invalid_binding_payload",
            Self::InvalidIdpSsoUrl => "invalid_idp_sso_url",
            Self::RelayStateRejected => "relay_state_rejected",
            Self::MissingProtocolField { .. } => "missing_protocol_field",
            Self::UnsupportedStatus { .. } => "unsupported_status",
            Self::InResponseToMismatch => "in_response_to_mismatch",
            Self::IdpInitiatedNotAllowed => "idp_initiated_not_allowed",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::DestinationMismatch => "destination_mismatch",
            Self::InvalidAudience => "invalid_audience",
            Self::RecipientMismatch => "recipient_mismatch",
            Self::AssertionExpired => "assertion_expired",
            Self::AssertionNotYetValid => "assertion_not_yet_valid",
            Self::SubjectConfirmationExpired => "subject_confirmation_expired",
            Self::UnsupportedCondition => "unsupported_condition",
            Self::ConnectionBindingMismatch => "connection_binding_mismatch",
            Self::ClockSkewExceeded => "clock_skew_exceeded",
            Self::MetadataWrongRoot => "metadata_wrong_root",
            Self::MetadataMissingEntityId => "metadata_missing_entity_id",
            Self::MetadataMissingSsoService => "metadata_missing_sso_service",
            Self::MetadataMissingCertificate => "metadata_missing_certificate",
            Self::MetadataExpired => "metadata_expired",
        }
    }
}

/// The status codes of SAML Core 3.2.2.2, so that an error can name one without quoting the
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusCode {
    /// The request could not be performed because of the requester.
    Requester,
    /// The request could not be performed because of the responder.
    Responder,
    /// The version of the request was not supported.
    VersionMismatch,
    /// The provider could not authenticate the user.
    AuthnFailed,
    /// The requested `NameIDPolicy` cannot be satisfied.
    InvalidNameIdPolicy,
    /// The requested authentication context cannot be satisfied.
    NoAuthnContext,
    /// The user cannot be authenticated without interaction.
    NoPassive,
    /// The request was refused by policy.
    RequestDenied,
    /// Any other code.
    Other,
}

impl StatusCode {
    pub(crate) fn from_uri(uri: &str) -> Self {
        match uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:") {
            Some("Requester") => Self::Requester,
            Some("Responder") => Self::Responder,
            Some("VersionMismatch") => Self::VersionMismatch,
            Some("AuthnFailed") => Self::AuthnFailed,
            Some("InvalidNameIDPolicy") => Self::InvalidNameIdPolicy,
            Some("NoAuthnContext") => Self::NoAuthnContext,
            Some("NoPassive") => Self::NoPassive,
            Some("RequestDenied") => Self::RequestDenied,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for StatusCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requester => "Requester",
            Self::Responder => "Responder",
            Self::VersionMismatch => "VersionMismatch",
            Self::AuthnFailed => "AuthnFailed",
            Self::InvalidNameIdPolicy => "InvalidNameIDPolicy",
            Self::NoAuthnContext => "NoAuthnContext",
            Self::NoPassive => "NoPassive",
            Self::RequestDenied => "RequestDenied",
            Self::Other => "of an unknown kind",
        })
    }
}
