//! Who can be met in the demo: one user for each state that an account can be in. They are there in
//! the demo alone; a host with a configuration of its own has none of them.

pub(crate) mod page;
mod seed;
#[cfg(test)]
pub(crate) mod tests;

use donjon::account::mfa::TotpSecret;

pub(crate) use self::seed::seed;

/// What all of them log in with, who have a password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The key that Theo's authenticator app has.
const THEOS_KEY: [u8; 20] = *b"Theo's key, told all";

/// Somebody to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Persona {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    /// In what state the account is, in a word or two.
    pub(crate) state: &'static str,
    /// What there is to see.
    pub(crate) story: &'static str,
    /// Where to begin.
    pub(crate) start: &'static str,
    pub(crate) enters: Enters,
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enters {
    /// By the password.
    Password,
    /// By the password, and the code of an authenticator app.
    Code,
    /// By a mailed link, until there is a passkey.
    Link,
    /// Through the single sign-on of an organization, and in no other way.
    SingleSignOn,
}

const fn by_password([name, email, state, start, story]: [&'static str; 5]) -> Persona {
    Persona { name, email, state, story, start, enters: Enters::Password }
}

pub(crate) const FRESH: Persona = by_password([
    "Fiona Hart",
    "fiona@example.test",
    "Fresh",
    "/settings",
    "Signed up and confirmed a moment ago; everything is still to be set up.",
]);

pub(crate) const UNCONFIRMED: Persona = by_password([
    "Uma Lind",
    "uma@example.test",
    "Unconfirmed",
    "/",
    "Never confirmed her address. Who logs in as her is mailed the link again; the mailbox has it.",
]);

pub(crate) const LOCKED: Persona = by_password([
    "Liam Roth",
    "liam@example.test",
    "Locked",
    "/",
    "Somebody has just guessed at his password five times. For a quarter of an hour not even the \
     right one lets in a browser that he is not known by.",
]);

pub(crate) const TOTP: Persona = Persona {
    name: "Theo Brandt",
    email: "theo@example.test",
    state: "Authenticator app",
    story: "Logs in with a code beside the password. Add the key to an app, or use the code below.",
    start: "/settings/two-factor",
    enters: Enters::Code,
};

pub(crate) const PASSKEY: Persona = Persona {
    name: "Pia Voss",
    email: "pia@example.test",
    state: "Passkey",
    story: "Has no password. Open the link that the mailbox gets, add a passkey of yours, and from \
            then on she comes in by that alone.",
    start: "/settings/passkeys",
    enters: Enters::Link,
};

pub(crate) const OWNER: Persona = by_password([
    "Olivia Park",
    "olivia@example.test",
    "Organization owner",
    "/settings/organizations",
    "Owns Northwind, where Max and Mia are members, and has invited Ivy, whose invitation waits in \
     the mailbox.",
]);

pub(crate) const ADMIN: Persona = by_password([
    "Ada Quist",
    "ada@example.test",
    "Administrator",
    "/admin",
    "Sees all users, organizations, webhooks and the audit log, ends sessions, keeps people out, and \
     acts as others.",
]);

/// Comes through her company's identity provider as well; the configuration has her.
pub(crate) const EMPLOYEE: Persona = by_password([
    "Alice Moreau",
    "alice@acme.example",
    "Two doors",
    "/",
    "Works at Acme. Whether she comes by password or through Acme, she is the same user.",
]);

/// The domain of an organization whose people log in at their identity provider only.
pub(crate) const ENFORCED_DOMAIN: &str = "helix.example";

pub(crate) const SSO: Persona = Persona {
    name: "Sam Ito",
    email: "sam@helix.example",
    state: "Single sign-on",
    story: "Works at Helix, whose people come through single sign-on at Acme and in no other way: his \
            password opens nothing any more.",
    start: "/team",
    enters: Enters::SingleSignOn,
};

/// Everybody who is shown, in order.
pub(crate) const ALL: &[Persona] =
    &[FRESH, UNCONFIRMED, LOCKED, TOTP, PASSKEY, OWNER, SSO, ADMIN, EMPLOYEE];

impl Persona {
    /// What an authenticator app is given, of one who has one.
    pub(crate) fn key(&self) -> Option<TotpSecret> {
        (self.enters == Enters::Code).then(|| TotpSecret::from_bytes(THEOS_KEY))
    }

    /// Whether there is anything to be as them in this program.
    pub(crate) fn is_there(&self) -> bool {
        self.enters != Enters::Link || cfg!(feature = "passkeys")
    }

    pub(crate) fn first_name(&self) -> &str {
        self.name.split(' ').next().unwrap_or(self.name)
    }
}
