//! Passkeys: public key credentials by [WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/), for
//! logging in without a name or password, and as a second factor beside one.
//!
//! Everything here is a function of its arguments. What must be remembered (which challenge was
//! answered, how often a passkey has signed) is the store's:
//! [`PasskeyStore`](crate::store::PasskeyStore).

mod assertion;
mod authenticator_data;
mod cbor;
mod challenge;
mod client_data;
mod fault;
mod options;
mod policy;
mod public_key;
mod registration;
mod relying_party;
mod response;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
mod user_handle;

pub use assertion::{KnownCredential, Naming, VerifiedAssertion, verify_assertion};
pub use challenge::Challenge;
pub use fault::PasskeyFault;
pub use options::{CreationOptions, NamedCredential, RequestOptions};
pub use policy::{OtherAttestation, UserVerification};
pub use public_key::{PasskeyAlgorithm, PasskeyPublicKey};
pub use registration::{RegisteredCredential, verify_registration};
pub use relying_party::{InvalidRelyingParty, RelyingParty};
pub use response::{AssertionResponse, MAX_RESPONSE, RegistrationResponse};
pub use user_handle::UserHandle;

pub use crate::store::{CredentialId, SignCountPolicy};
