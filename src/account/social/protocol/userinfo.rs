//! What a UserInfo endpoint answers (OpenID Core, section 5.3).

use serde::Deserialize;

use super::limits;
use super::profile::Truth;

/// The claims of a user, of whom the ID token told before.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::account::social) struct UserInfo {
    sub: String,
    pub(in crate::account::social) email: Option<String>,
    #[serde(default)]
    pub(in crate::account::social) email_verified: Truth,
    pub(in crate::account::social) name: Option<String>,
}

/// Why the answer is of no use: the provider's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::account) enum UserInfoError {
    #[error("the user info is no JSON object of the right shape and size")]
    Malformed,
    /// OpenID Core, section 5.3.4: it must not be used then.
    #[error("the user info is about another user than the ID token")]
    OtherUser,
}

impl UserInfo {
    /// Reads the answer about the user whom the ID token names.
    ///
    /// # Errors
    /// [`UserInfoError`].
    pub(in crate::account::social) fn read(
        json: &[u8],
        subject: &str,
    ) -> Result<Self, UserInfoError> {
        if json.len() > limits::DOCUMENT {
            return Err(UserInfoError::Malformed);
        }
        let info: Self = serde_json::from_slice(json).map_err(|_| UserInfoError::Malformed)?;
        if info.sub == subject { Ok(info) } else { Err(UserInfoError::OtherUser) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_about_the_user_of_the_id_token() {
        let read = |json: &str| UserInfo::read(json.as_bytes(), "alice");
        let info = read(r#"{"sub":"alice","email":"a@b.test","email_verified":"true"}"#).unwrap();
        assert!(info.email_verified.0);
        let silent = read(r#"{"sub":"alice","email":null}"#).unwrap();
        assert!(silent.email.is_none() && !silent.email_verified.0);
        for other in ["mallory", "Alice", "alice ", ""] {
            let json = format!(r#"{{"sub":"{other}"}}"#);
            assert_eq!(read(&json).map(drop), Err(UserInfoError::OtherUser), "{other}");
        }
        for bad in ["", "{}", r#"{"sub":1}"#, r#"{"sub":"alice","sub":"alice"}"#, "eyJhbGci"] {
            assert_eq!(read(bad).map(drop), Err(UserInfoError::Malformed), "{bad}");
        }
    }
}
