/// The rules of logins by other providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocialPolicy {
    /// Whether somebody may sign up by a provider; yes.
    pub sign_up: bool,
    /// What becomes of somebody new for whose address the provider does not vouch; they are asked for
    /// one, and confirm it by mail.
    pub without_email: WithoutEmail,
    /// What becomes of a user whose address at the provider belongs to another account here; they
    /// are refused.
    pub email_mismatch: EmailMismatch,
    /// Whether a login by a provider outlives the browser; yes.
    pub remember: bool,
}

/// What becomes of somebody new for whose address the provider does not vouch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutEmail {
    /// They are asked for an address, and confirm it by a mailed link.
    Ask,
    /// They are refused.
    Refuse,
}

/// What becomes of a user whose address at the provider (one that it vouches for) belongs to
/// another account here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailMismatch {
    /// They are refused: two people may share this identity, and the host must sort it out.
    Refuse,
    /// They are logged in as the user with the identity. No address changes.
    LogIn,
}

impl Default for SocialPolicy {
    fn default() -> Self {
        Self {
            sign_up: true,
            without_email: WithoutEmail::Ask,
            email_mismatch: EmailMismatch::Refuse,
            remember: true,
        }
    }
}
