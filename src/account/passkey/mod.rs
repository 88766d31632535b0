//! Passkeys: public key credentials by [WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/), for
//! logging in without a name or password, and as a second factor beside one.
//!
//! [`Passkeys`] turns them on. The rest here verifies what authenticators answer, for flows of a
//! host's own; it is a function of its arguments. What must be remembered (which challenge was
//! answered, how often a passkey has signed) is the store's:
//! [`PasskeyStore`](crate::store::PasskeyStore).
//!
//! ```
//! use donjon::account::AccountLayer;
//! use donjon::account::passkey::Passkeys;
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::store::SqlStore;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom);
//! let accounts = AccountLayer::builder(&store, &keyring, "https://app.example.com")
//!     .passkeys(Passkeys::default().with_id("example.com"))
//!     .build()?;
//! # drop(accounts);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod assertion;
mod authenticator_data;
mod cbor;
mod challenge;
mod client_data;
mod fault;
mod options;
pub(super) mod pages;
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
pub use policy::{OtherAttestation, Passkeys, UserVerification};
pub use public_key::{PasskeyAlgorithm, PasskeyPublicKey};
pub use registration::{RegisteredCredential, verify_registration};
pub use relying_party::{InvalidRelyingParty, RelyingParty};
pub use response::{AssertionResponse, MAX_RESPONSE, RegistrationResponse};
pub use user_handle::UserHandle;

pub use crate::store::{CredentialId, SignCountPolicy};
