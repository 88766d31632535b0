//! What the authenticator says: authenticator data (WebAuthn Level 3, section 6.1).

use super::cbor::Map;
use super::{CredentialId, PasskeyFault, PasskeyPublicKey, RelyingParty, UserVerification};
use crate::crypto::sha256;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// What both ceremonies hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) user_verified: bool,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    pub(super) sign_count: u32,
}

/// What only a registration holds.
#[derive(Debug)]
pub(super) struct Attested {
    pub(super) aaguid: [u8; 16],
    pub(super) id: CredentialId,
    pub(super) key: PasskeyPublicKey,
}

/// Reads authenticator data to the last byte, and checks whose they are and who was there:
/// sections 7.1, steps 14 to 18, and 7.2, steps 16 to 19.
pub(super) fn check(
    mut bytes: &[u8],
    party: &RelyingParty,
    verification: UserVerification,
) -> Result<(Facts, Option<Attested>), PasskeyFault> {
    let rest = &mut bytes;
    let hash: [u8; 32] = *take(rest)?;
    let [flags] = *take(rest)?;
    let sign_count = u32::from_be_bytes(*take(rest)?);
    let has = |flag: u8| flags & flag != 0;
    if hash != sha256(party.id().as_bytes()) {
        return Err(PasskeyFault::RelyingParty);
    }
    if !has(USER_PRESENT) {
        return Err(PasskeyFault::UserPresence);
    }
    if verification == UserVerification::Required && !has(USER_VERIFIED) {
        return Err(PasskeyFault::UserVerification);
    }
    if has(BACKED_UP) && !has(BACKUP_ELIGIBLE) {
        return Err(PasskeyFault::Backup);
    }
    let attested = if has(ATTESTED) { Some(attested(rest)?) } else { None };
    if has(EXTENSIONS) {
        Map::read(rest)?;
    }
    if !rest.is_empty() {
        return Err(PasskeyFault::AuthenticatorData);
    }
    let facts = Facts {
        user_verified: has(USER_VERIFIED),
        backup_eligible: has(BACKUP_ELIGIBLE),
        backed_up: has(BACKED_UP),
        sign_count,
    };
    Ok((facts, attested))
}

/// Attested credential data (section 6.5.1).
fn attested(rest: &mut &[u8]) -> Result<Attested, PasskeyFault> {
    let aaguid = *take(rest)?;
    let length = usize::from(u16::from_be_bytes(*take(rest)?));
    let (id, behind) = rest.split_at_checked(length).ok_or(PasskeyFault::AuthenticatorData)?;
    *rest = behind;
    let id = CredentialId::from_bytes(id.to_vec()).ok_or(PasskeyFault::AuthenticatorData)?;
    Ok(Attested { aaguid, id, key: PasskeyPublicKey::read(rest)? })
}

fn take<'d, const N: usize>(rest: &mut &'d [u8]) -> Result<&'d [u8; N], PasskeyFault> {
    let (taken, behind) = rest.split_first_chunk().ok_or(PasskeyFault::AuthenticatorData)?;
    *rest = behind;
    Ok(taken)
}
