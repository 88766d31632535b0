use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};

use crate::config::{Config, ConfigError, TlsConfig};

const CERTIFICATE: &str = "tls.certificate";
const PRIVATE_KEY: &str = "tls.private_key";

/// What turns a connection into a TLS one.
pub(crate) fn acceptor(config: &Config, tls: &TlsConfig) -> Result<TlsAcceptor, axum::BoxError> {
    let (chain, key) = identity(config, tls)?;
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&crypto))
        .with_safe_default_protocol_versions()?;
    let builder = if tls.request_client_certificate {
        builder.with_client_cert_verifier(Arc::new(AnyClientCertificate(crypto)))
    } else {
        builder.with_no_client_auth()
    };
    let mut tls = builder.with_single_cert(chain, key).map_err(|error| {
        let fix = "both must be there, of one key pair";
        config.fault(PRIVATE_KEY, format!("does not go with {CERTIFICATE}: {error}; {fix}"))
    })?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

/// The certificate, with those that lead to its authority, and its key.
fn identity(
    config: &Config,
    tls: &TlsConfig,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConfigError> {
    let pem = config.read_file(CERTIFICATE, &tls.certificate)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().ok();
    let chain = chain.filter(|chain| !chain.is_empty()).ok_or_else(|| {
        let file = tls.certificate.display();
        config.fault(CERTIFICATE, format!("{file} holds no certificate in PEM form"))
    })?;
    let pem = config.read_file(PRIVATE_KEY, &tls.private_key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let file = tls.private_key.display();
        config.fault(PRIVATE_KEY, format!("{file} holds no private key in PEM form"))
    })?;
    Ok((chain, key))
}

/// Asks for a certificate and accepts any, also none. The client has proven to hold its key;
/// whether it is one that anybody registered, the provider compares (RFC 8705).
#[derive(Debug)]
struct AnyClientCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClientCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
