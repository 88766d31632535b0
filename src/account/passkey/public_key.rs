//! Public keys of passkeys: COSE_Key (RFC 9052, section 7; RFC 9053; RFC 8230).

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};

use super::PasskeyFault;
use super::cbor::Map;

/// Names of COSE_Key parameters.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const RSA_N: i64 = -1;
const RSA_E: i64 = -2;

/// The one exponent that authenticators use: 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// An algorithm that passkeys sign with, by its number in the registry of COSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyAlgorithm {
    /// ECDSA over P-256 with SHA-256 (-7): what almost all authenticators have.
    Es256,
    /// EdDSA over Ed25519 (-8).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (-257): TPMs of older Windows machines.
    Rs256,
}

impl PasskeyAlgorithm {
    /// All of them, the one to prefer first.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// Its number.
    pub fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

/// The public key of a passkey, as its authenticator wrote it, and read.
pub struct PasskeyPublicKey {
    cose: Vec<u8>,
    algorithm: PasskeyAlgorithm,
    key: ParsedPublicKey,
}

impl PasskeyPublicKey {
    /// Reads a key that [`PasskeyPublicKey::as_bytes`] gave.
    ///
    /// # Errors
    /// [`PasskeyFault::Cbor`], [`PasskeyFault::PublicKey`].
    pub fn from_bytes(cose: &[u8]) -> Result<Self, PasskeyFault> {
        let mut rest = cose;
        let key = Self::read(&mut rest)?;
        if rest.is_empty() { Ok(key) } else { Err(PasskeyFault::Cbor) }
    }

    /// Reads the key that `input` begins with, and moves `input` behind it. It holds what its
    /// algorithm needs, and nothing else (WebAuthn Level 3, section 6.5.1.1).
    pub(super) fn read(input: &mut &[u8]) -> Result<Self, PasskeyFault> {
        let whole = *input;
        let map = Map::read(input)?;
        let length = whole.len().saturating_sub(input.len());
        let cose = whole.get(..length).unwrap_or_default().to_vec();
        let algorithm = map.integer(ALG).and_then(|number| {
            PasskeyAlgorithm::ALL.into_iter().find(|algorithm| algorithm.number() == number)
        });
        let algorithm = algorithm.ok_or(PasskeyFault::Algorithm)?;
        let key = parse(algorithm, &map).ok_or(PasskeyFault::PublicKey)?;
        Ok(Self { cose, algorithm, key })
    }

    /// The key as it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.cose
    }

    /// What it signs with.
    pub fn algorithm(&self) -> PasskeyAlgorithm {
        self.algorithm
    }

    /// Whether it made this signature of this message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyFault> {
        self.key.verify_sig(message, signature).map_err(|_| PasskeyFault::Signature)
    }
}

impl fmt::Debug for PasskeyPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasskeyPublicKey({:?})", self.algorithm)
    }
}

/// The point must be on its curve, and the modulus of a fair length: aws-lc sees to both.
fn parse(algorithm: PasskeyAlgorithm, map: &Map) -> Option<ParsedPublicKey> {
    let is = |kty: i64, members: usize| map.integer(KTY) == Some(kty) && map.len() == members;
    match algorithm {
        PasskeyAlgorithm::Es256 => {
            let (x, y) = (map.bytes(X)?, map.bytes(Y)?);
            let right = is(2, 5) && map.integer(CRV) == Some(1) && x.len() == 32 && y.len() == 32;
            let point = [&[4], x, y].concat();
            right.then(|| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok())?
        }
        PasskeyAlgorithm::EdDsa => {
            let x = map.bytes(X)?;
            let right = is(1, 4) && map.integer(CRV) == Some(6) && x.len() == 32;
            right.then(|| ParsedPublicKey::new(&ED25519, x).ok())?
        }
        PasskeyAlgorithm::Rs256 => {
            let (n, e) = (map.bytes(RSA_N)?, map.bytes(RSA_E)?);
            let right = is(3, 4) && e == EXPONENT && (256..=512).contains(&n.len());
            let key = right.then(|| PublicKeyComponents { n, e }.as_der().ok())??;
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref()).ok()
        }
    }
}
