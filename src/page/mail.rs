use time::OffsetDateTime;

use super::SeenDevice;

/// A mail to a user, by what it is about. Addresses are absolute.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Letter<'a> {
    /// Confirm that the address is yours.
    Confirm {
        /// The link.
        link: &'a str,
        /// Six digits that stand in for it.
        code: &'a str,
    },
    /// Log in.
    LoginLink {
        /// The link.
        link: &'a str,
    },
    /// Somebody tried to sign up with an address that has an account.
    EmailTaken {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// Confirm that the address that you want is yours.
    ChangeEmail {
        /// The link.
        link: &'a str,
        /// Six digits that stand in for it.
        code: &'a str,
    },
    /// Somebody wants an address that has an account.
    EmailWanted {
        /// The application.
        home: &'a str,
    },
    /// Somebody who was logged in asked for another address.
    EmailChangeAsked {
        /// The page to ask for a new password, which ends the change.
        forgot: &'a str,
        /// The address.
        email: &'a str,
    },
    /// The account has another address from now on.
    EmailChanged {
        /// The application.
        home: &'a str,
        /// The address.
        email: &'a str,
    },
    /// You are invited to an organization.
    Invitation {
        /// The link.
        link: &'a str,
        /// The name of the organization.
        organization: &'a str,
        /// Who invites; `None` for the application itself.
        inviter: Option<&'a str>,
    },
    /// You belong to an organization no longer.
    MemberRemoved {
        /// The name of the organization.
        organization: &'a str,
        /// The page about your organizations.
        organizations: &'a str,
    },
    /// You are something else in an organization.
    RoleChanged {
        /// The name of the organization.
        organization: &'a str,
        /// What you are from now on.
        role: &'a str,
        /// The page about your organizations.
        organizations: &'a str,
    },
    /// Somebody came in although the organization enforces single sign-on.
    BreakGlass {
        /// The name of the organization.
        organization: &'a str,
        /// The address of who came in.
        member: &'a str,
        /// The page about its single sign-on.
        settings: &'a str,
    },
    /// The passkey of somebody who comes in although the organization enforces single sign-on may have
    /// been copied, and is refused.
    BreakGlassSuspected {
        /// The name of the organization.
        organization: &'a str,
        /// The address of whose passkey it is.
        member: &'a str,
        /// The page about its single sign-on.
        settings: &'a str,
    },
    /// Choose a new password.
    Reset {
        /// The link.
        link: &'a str,
    },
    /// The password was reset.
    PasswordSet {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// The password was changed by somebody who was logged in.
    PasswordChanged {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// An account that had no password has got one.
    PasswordAdded {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// Too many failed logins.
    Locked {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// Too many wrong codes after the right password.
    SecondFactorLocked {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// An API token was made.
    TokenCreated {
        /// What it is called.
        name: &'a str,
        /// The page about tokens.
        tokens: &'a str,
    },
    /// A passkey was added.
    PasskeyAdded {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// A passkey was removed.
    PasskeyRemoved {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// A passkey may have been copied.
    PasskeySuspected {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// An authenticator app was set up.
    AppAdded {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// New backup codes took the place of the old ones.
    BackupCodesReplaced {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// A backup code stood in for the authenticator app.
    BackupCodeUsed {
        /// The page to ask for a new password.
        forgot: &'a str,
        /// How many are left.
        left: usize,
    },
    /// The authenticator app was removed; there are passkeys beside it.
    AppRemoved {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// Confirm that the address is yours, to go on with a provider.
    ProviderEmail {
        /// The link.
        link: &'a str,
        /// What the provider is called.
        provider: &'a str,
    },
    /// An identity at a provider is a way in from now on.
    IdentityLinked {
        /// The page to ask for a new password.
        forgot: &'a str,
        /// What the provider is called.
        provider: &'a str,
    },
    /// An identity at a provider is no way in any more.
    IdentityUnlinked {
        /// The page to ask for a new password.
        forgot: &'a str,
        /// What the provider is called.
        provider: &'a str,
    },
    /// Somebody logged in with a browser that the user was not known by.
    NewDevice(UnknownLogin<'a>),
    /// The same, from a network that the user was never seen in.
    SuspiciousLogin(UnknownLogin<'a>),
    /// The second factor was turned off.
    SecondFactorRemoved {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// The account is going to be deleted.
    DeletionRequested {
        /// The link to keep it.
        keep: &'a str,
        /// When.
        at: OffsetDateTime,
    },
    /// The account stays after all.
    DeletionCancelled {
        /// The page to ask for a new password.
        forgot: &'a str,
    },
    /// The account is deleted.
    Deleted {
        /// The application.
        home: &'a str,
    },
}

impl Letter<'_> {
    /// What the provider is called that it is about, if it is about one.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::ProviderEmail { provider, .. }
            | Self::IdentityLinked { provider, .. }
            | Self::IdentityUnlinked { provider, .. } => Some(provider),
            _ => None,
        }
    }
}

/// Names every letter once, for the list and for each.
macro_rules! kinds {
    ($($letter:ident => $kind:literal,)*) => {
        impl Letter<'_> {
            /// What kinds there are: everything that [`kind`](Self::kind) says.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Of what kind it is, in a word that does not change: for logs and statistics of a host
            /// that writes its mails itself.
            ///
            /// ```
            /// use donjon::page::Letter;
            ///
            /// let letter = Letter::Locked { forgot: "https://app.example/forgot-password" };
            /// assert_eq!(letter.kind(), "locked");
            /// assert!(Letter::KINDS.contains(&letter.kind()));
            /// ```
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$letter { .. } => $kind,)*
                }
            }
        }
    };
}

kinds! {
    Confirm => "confirm",
    LoginLink => "login_link",
    EmailTaken => "email_taken",
    ChangeEmail => "change_email",
    EmailWanted => "email_wanted",
    EmailChangeAsked => "email_change_asked",
    EmailChanged => "email_changed",
    Invitation => "invitation",
    MemberRemoved => "member_removed",
    RoleChanged => "role_changed",
    BreakGlass => "break_glass",
    BreakGlassSuspected => "break_glass_suspected",
    Reset => "reset",
    PasswordSet => "password_set",
    PasswordChanged => "password_changed",
    PasswordAdded => "password_added",
    Locked => "locked",
    SecondFactorLocked => "second_factor_locked",
    TokenCreated => "token_created",
    PasskeyAdded => "passkey_added",
    PasskeyRemoved => "passkey_removed",
    PasskeySuspected => "passkey_suspected",
    AppAdded => "app_added",
    BackupCodesReplaced => "backup_codes_replaced",
    BackupCodeUsed => "backup_code_used",
    AppRemoved => "app_removed",
    ProviderEmail => "provider_email",
    IdentityLinked => "identity_linked",
    IdentityUnlinked => "identity_unlinked",
    NewDevice => "new_device",
    SuspiciousLogin => "suspicious_login",
    SecondFactorRemoved => "second_factor_removed",
    DeletionRequested => "deletion_requested",
    DeletionCancelled => "deletion_cancelled",
    Deleted => "deleted",
}

/// A login that may be somebody else's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnknownLogin<'a> {
    /// With what, and from where.
    pub device: &'a SeenDevice,
    /// When.
    pub at: OffsetDateTime,
    /// The page where the user sees where they are logged in.
    pub sessions: &'a str,
}

impl<'a> UnknownLogin<'a> {
    /// A login with this device.
    pub fn new(device: &'a SeenDevice, at: OffsetDateTime, sessions: &'a str) -> Self {
        Self { device, at, sessions }
    }
}

/// A mail, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject: one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}
