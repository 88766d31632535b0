//! What the browser says of a ceremony: client data (WebAuthn Level 3, section 5.8.1).

use serde::Deserialize;

use super::{Challenge, PasskeyFault, RelyingParty};

/// The ceremony that an answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    Registration,
    Assertion,
}

impl Ceremony {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Assertion => "webauthn.get",
        }
    }
}

/// A name that is there twice is an error: nobody shall read one of two, and another the other.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<serde_json::Value>,
}

/// Holds client data against what was asked for: sections 7.1, steps 5 to 12, and 7.2, steps 8 to
/// 15.
pub(super) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &Challenge,
    party: &RelyingParty,
) -> Result<(), PasskeyFault> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyFault::ClientData)?;
    if data.r#type != ceremony.type_name() {
        return Err(PasskeyFault::Type);
    }
    if !challenge.is(&data.challenge) {
        return Err(PasskeyFault::Challenge);
    }
    if data.origin != party.origin() {
        return Err(PasskeyFault::Origin);
    }
    // Nothing of ours is ever framed.
    if data.cross_origin || data.top_origin.is_some() {
        return Err(PasskeyFault::CrossOrigin);
    }
    Ok(())
}
