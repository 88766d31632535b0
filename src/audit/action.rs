mod app;
mod organization;

use std::borrow::Cow;
use std::fmt;

/// The longest name of an action, in bytes.
const MAX_NAME: usize = 64;

/// The first words of the names that are ours.
const RESERVED: [&str; 14] = [
    "account",
    "admin",
    "api",
    "audit",
    "donjon",
    "identity",
    "impersonation",
    "mfa",
    "oauth",
    "organization",
    "passkey",
    "service_account",
    "session",
    "webhook",
];

/// What was done, such as `session.create`: lower-case words with a dot between.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Action(Cow<'static, str>);

/// The name cannot be a host's action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name an action: at most 64 of a-z, 0-9, _ and dots between words, not beginning \
     with a word of ours (account, admin, api, audit, donjon, identity, impersonation, mfa, oauth, \
     organization, passkey, service_account, session, webhook)"
)]
pub struct ReservedAction(String);

impl Action {
    /// Somebody signed up; refused if the address was taken.
    pub const REGISTER: Self = Self::of("account.register");
    /// The host made an account.
    pub const CREATE: Self = Self::of("account.create");
    /// An address was confirmed, by a mailed link or the word of the host.
    pub const CONFIRM_EMAIL: Self = Self::of("account.email_confirm");
    /// A user asked for another address.
    pub const REQUEST_EMAIL_CHANGE: Self = Self::of("account.email_change_request");
    /// A user does not want the other address any more.
    pub const CANCEL_EMAIL_CHANGE: Self = Self::of("account.email_change_cancel");
    /// The address of an account was changed; or taken away, from one that had never confirmed it, by
    /// another that did (`released`).
    pub const CHANGE_EMAIL: Self = Self::of("account.email_change");
    /// A mailed link was asked for.
    pub const REQUEST_LINK: Self = Self::of("account.link_request");
    /// A new password was set by a mailed link.
    pub const RESET_PASSWORD: Self = Self::of("account.password_reset");
    /// A password took the place of another; refused if the present one was wrong.
    pub const CHANGE_PASSWORD: Self = Self::of("account.password_change");
    /// An account without a password got one.
    pub const SET_PASSWORD: Self = Self::of("account.password_set");
    /// A password was taken away.
    pub const REMOVE_PASSWORD: Self = Self::of("account.password_remove");
    /// The host has a user choose another password at the next login.
    pub const REQUIRE_PASSWORD_CHANGE: Self = Self::of("account.password_change_require");
    /// An address or a browser was locked after too many wrong passwords.
    pub const LOCK: Self = Self::of("account.lock");
    /// The attempts that locked a user out were forgotten.
    pub const UNLOCK: Self = Self::of("account.unlock");
    /// A user took all that is known of them.
    pub const EXPORT: Self = Self::of("account.export");
    /// A user asked for the end of the account; refused if the password or code typed for it was
    /// wrong.
    pub const REQUEST_DELETION: Self = Self::of("account.deletion_request");
    /// An account that was going to be deleted stays.
    pub const CANCEL_DELETION: Self = Self::of("account.deletion_cancel");
    /// An account was deleted.
    pub const DELETE: Self = Self::of("account.delete");
    /// An administrator keeps a user out.
    pub const DISABLE_ACCOUNT: Self = Self::of("account.disable");
    /// An administrator lets a user in again.
    pub const ENABLE_ACCOUNT: Self = Self::of("account.enable");
    /// The host changed its attributes of a user.
    pub const CHANGE_ATTRIBUTES: Self = Self::of("account.attributes_change");
    /// An administrator tried what they may not do.
    pub const ADMIN_DENIED: Self = Self::of("admin.denied");
    /// An administrator took the audit log along.
    pub const ADMIN_EXPORT_AUDIT: Self = Self::of("admin.audit_export");
    /// An administrator ended a user's sessions.
    pub const ADMIN_REVOKE_SESSIONS: Self = Self::of("admin.sessions_revoke");
    /// An administrator had mails that were given up tried again.
    pub const ADMIN_REVIVE_MAILS: Self = Self::of("admin.mails_revive");
    /// An administrator begins to act as a user.
    pub const IMPERSONATION_START: Self = Self::of("impersonation.start");
    /// An administrator stopped acting as a user.
    pub const IMPERSONATION_STOP: Self = Self::of("impersonation.stop");
    /// An administrator who acts as a user tried what only the user may do.
    pub const IMPERSONATION_DENIED: Self = Self::of("impersonation.denied");
    /// An authenticator app was enrolled.
    pub const ENROLL: Self = Self::of("mfa.enroll");
    /// Somebody who had the password typed a code; written if it was refused. Or somebody who was
    /// logged in without showed a second factor, or needed none in a browser that they trust
    /// (`methods` says `tbr` then).
    pub const VERIFY: Self = Self::of("mfa.verify");
    /// A backup code was used up.
    pub const USE_BACKUP_CODE: Self = Self::of("mfa.backup_code_use");
    /// The codes of a user were locked after too many wrong ones.
    pub const LOCK_SECOND_FACTOR: Self = Self::of("mfa.lock");
    /// Backup codes were replaced; refused if the code that allows it was wrong.
    pub const REGENERATE_BACKUP_CODES: Self = Self::of("mfa.backup_codes_regenerate");
    /// An authenticator app was removed; refused if the code that allows it was wrong.
    pub const DISABLE: Self = Self::of("mfa.disable");
    /// A browser asks for no second factor for a while.
    pub const TRUST_BROWSER: Self = Self::of("mfa.trust_browser");
    /// No browser does any more.
    pub const FORGET_BROWSERS: Self = Self::of("mfa.browsers_forget");
    /// An API token was made for a user, or a credential for a service account.
    pub const CREATE_TOKEN: Self = Self::of("api.token_create");
    /// An API token, or a credential of a service account, was revoked.
    pub const REVOKE_TOKEN: Self = Self::of("api.token_revoke");
    /// All API tokens of a user, or all credentials of a service account, were revoked.
    pub const REVOKE_ALL_TOKENS: Self = Self::of("api.token_revoke_all");
    /// An API token that is none, or none any more, was shown; at most a few times in a while.
    pub const VERIFY_TOKEN: Self = Self::of("api.token_verify");
    /// A service account was made.
    pub const CREATE_SERVICE_ACCOUNT: Self = Self::of("service_account.create");
    /// A service account was disabled: none of its credentials opens anything.
    pub const DISABLE_SERVICE_ACCOUNT: Self = Self::of("service_account.disable");
    /// A service account was enabled again.
    pub const ENABLE_SERVICE_ACCOUNT: Self = Self::of("service_account.enable");
    /// A passkey was registered.
    pub const ADD_PASSKEY: Self = Self::of("passkey.add");
    /// A passkey got another name.
    pub const RENAME_PASSKEY: Self = Self::of("passkey.rename");
    /// A passkey was removed by its owner.
    pub const REMOVE_PASSKEY: Self = Self::of("passkey.remove");
    /// A passkey may have been copied: it has signed less often than before.
    pub const SUSPECT_PASSKEY: Self = Self::of("passkey.suspect");
    /// An identity at a provider was linked; refused if the provider did not vouch for it.
    pub const LINK_IDENTITY: Self = Self::of("identity.link");
    /// An identity at a provider was unlinked.
    pub const UNLINK_IDENTITY: Self = Self::of("identity.unlink");
    /// A user proved again who they are; refused if the password or code was wrong, or locked.
    pub const REAUTHENTICATE: Self = Self::of("session.reauthenticate");
    /// A user ended one of their sessions.
    pub const REVOKE_SESSION: Self = Self::of("session.revoke");
    /// A user ended all their sessions, or all but the one at hand.
    pub const REVOKE_SESSIONS: Self = Self::of("session.revoke_all");
    /// Somebody logged in with a browser that the user was not known by, from a network that they
    /// were seen in before.
    pub const NEW_DEVICE: Self = Self::of("session.new_device");
    /// Somebody logged in from a network that the user was never seen in.
    pub const SUSPICIOUS: Self = Self::of("session.suspicious");
    /// Somebody logged in; refused if the password was wrong, or locked.
    pub const LOG_IN: Self = Self::of("session.log_in");
    /// A user logged out.
    pub const LOG_OUT: Self = Self::of("session.log_out");

    /// A webhook endpoint was made.
    pub const CREATE_WEBHOOK: Self = Self::of("webhook.endpoint_create");
    /// A webhook endpoint got another address, or other events.
    pub const CHANGE_WEBHOOK: Self = Self::of("webhook.endpoint_change");
    /// A webhook endpoint was enabled again.
    pub const ENABLE_WEBHOOK: Self = Self::of("webhook.endpoint_enable");
    /// A webhook endpoint was disabled, by hand or because it said that it is gone.
    pub const DISABLE_WEBHOOK: Self = Self::of("webhook.endpoint_disable");
    /// A webhook endpoint was removed.
    pub const DELETE_WEBHOOK: Self = Self::of("webhook.endpoint_delete");
    /// A webhook endpoint got a new secret.
    pub const ROTATE_WEBHOOK_SECRET: Self = Self::of("webhook.secret_rotate");
    /// An event was sent again by hand.
    pub const REPLAY_WEBHOOK: Self = Self::of("webhook.replay");

    pub(crate) const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// An action of the host’s own.
    ///
    /// # Errors
    /// [`ReservedAction`] if the name is malformed or begins with a word of ours.
    pub fn host(name: impl Into<String>) -> Result<Self, ReservedAction> {
        let name = name.into();
        let word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let ours = name.split('.').next().is_some_and(|first| RESERVED.contains(&first));
        if ours || name.len() > MAX_NAME || !name.split('.').all(word) {
            return Err(ReservedAction(name));
        }
        Ok(Self(Cow::Owned(name)))
    }

    /// The action stored by this name.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn stored(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({})", self.0)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cannot_forge_our_actions() {
        assert!(Action::host("invoice.paid").is_ok());
        assert!(Action::host("sessions.listed").is_ok());
        let long = "a".repeat(65);
        for bad in ["session.create", "mfa", "", "a..b", ".a", "A.b", "a b", "a\n", &long] {
            assert!(Action::host(bad).is_err(), "{bad:?}");
        }
    }
}
