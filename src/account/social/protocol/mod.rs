//! What a relying party sends and believes (RFC 6749, RFC 7636, RFC 9207, OpenID Connect Core and
//! Discovery): no I/O, no clock.

pub(super) mod authorization;
pub(super) mod callback;
#[cfg(any(test, fuzzing))]
pub(in crate::account) mod fuzzing;
pub(super) mod id_token;
pub(super) mod issuer;
pub(super) mod metadata;
pub(super) mod profile;
pub(super) mod state;
pub(super) mod token;
pub(super) mod userinfo;

/// Bounds on what a provider says. Sizes are bytes.
pub(super) mod limits {
    /// A document of a provider.
    pub(in crate::account::social) const DOCUMENT: usize = 64 * 1024;
    /// A URL in one.
    pub(in crate::account::social) const URL: usize = 2 * 1024;
    /// A token of a provider.
    pub(in crate::account::social) const TOKEN: usize = 12 * 1024;
    /// A code.
    pub(in crate::account::social) const CODE: usize = 4 * 1024;
    /// A name that a provider knows a user by, for good (OpenID Core, section 2).
    pub(in crate::account::social) const SUBJECT: usize = 255;
    /// A person's name, in characters.
    pub(in crate::account::social) const NAME: usize = 128;
}
