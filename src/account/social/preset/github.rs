//! GitHub: OAuth 2.0, and an API for the rest.

use serde::Deserialize;

use crate::account::social::fault::Fault;
use crate::account::social::protocol::limits;
use crate::account::social::protocol::profile::{Profile, address, person};

/// Where GitHub is.
#[derive(Clone, Debug)]
pub(in crate::account::social) struct GitHub {
    site: String,
    api: String,
}

impl GitHub {
    pub(in crate::account::social) fn public() -> Self {
        Self { site: "https://github.com".into(), api: "https://api.github.com".into() }
    }

    pub(in crate::account::social) fn at(origin: &str) -> Self {
        let site = origin.trim_end_matches('/').to_owned();
        Self { api: format!("{site}/api/v3"), site }
    }

    pub(in crate::account::social) fn authorize(&self) -> String {
        format!("{}/login/oauth/authorize", self.site)
    }

    /// What answers name as their issuer (RFC 9207).
    pub(in crate::account::social) fn issuer(&self) -> String {
        format!("{}/login/oauth", self.site)
    }

    pub(in crate::account::social) fn token(&self) -> String {
        format!("{}/login/oauth/access_token", self.site)
    }

    pub(in crate::account::social) fn user(&self) -> String {
        format!("{}/user", self.api)
    }

    pub(in crate::account::social) fn emails(&self) -> String {
        format!("{}/user/emails", self.api)
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Who a user is, by what the API says of them and of their addresses; the latter is not to be had
/// if the user did not allow it.
///
/// # Errors
/// [`Fault::Profile`].
pub(in crate::account::social) fn read(
    user: &[u8],
    emails: Option<&[u8]>,
) -> Result<Profile, Fault> {
    let json = |bytes: &[u8]| bytes.len() <= limits::DOCUMENT;
    if !json(user) || !emails.is_none_or(json) {
        return Err(Fault::Profile);
    }
    let user: User = serde_json::from_slice(user).map_err(|_| Fault::Profile)?;
    let emails: Vec<Address> = match emails {
        Some(emails) => serde_json::from_slice(emails).map_err(|_| Fault::Profile)?,
        None => Vec::new(),
    };
    let mut chosen = emails.iter().filter(|address| address.primary && address.verified);
    let email = chosen.next().and_then(|chosen| address(&chosen.email));
    Ok(Profile {
        email_trusted: email.is_some(),
        email,
        name: person(user.name.as_deref().unwrap_or(&user.login)),
        ..Profile::of(user.id.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_that_of_the_site() {
        assert_eq!(GitHub::public().issuer(), "https://github.com/login/oauth");
        let own = GitHub::at("https://github.example/");
        assert_eq!(own.issuer(), "https://github.example/login/oauth");
    }

    const USER: &[u8] = br#"{"id":583231,"login":"octocat","name":null,"email":"x@evil.test"}"#;

    #[test]
    fn a_user_is_a_number_and_has_one_primary_verified_address() {
        let emails = br#"[
            {"email":"old@a.test","primary":false,"verified":true,"visibility":null},
            {"email":"Octo@Cat.test","primary":true,"verified":true,"visibility":"public"}]"#;
        let profile = read(USER, Some(emails)).unwrap();
        assert_eq!(
            (profile.subject.as_str(), profile.name.as_deref()),
            ("583231", Some("octocat"))
        );
        assert_eq!(profile.trusted_email().unwrap().as_str(), "octo@cat.test");
    }

    #[test]
    fn no_other_address_counts() {
        for emails in [
            None,
            Some("[]"),
            Some(r#"[{"email":"a@a.test","primary":true,"verified":false}]"#),
            Some(r#"[{"email":"a@a.test","primary":false,"verified":true}]"#),
            Some(r#"[{"email":"no address","primary":true,"verified":true}]"#),
        ] {
            let profile = read(USER, emails.map(str::as_bytes)).unwrap();
            assert_eq!((profile.trusted_email(), profile.email), (None, None), "{emails:?}");
        }
    }

    #[test]
    fn what_is_no_user_is_refused() {
        for bad in [
            r#"{"login":"octocat"}"#,
            r#"{"id":"583231","login":"octocat"}"#,
            r#"{"id":-1,"login":"octocat"}"#,
            r#"{"id":1,"id":2,"login":"octocat"}"#,
            r#"{"message":"Bad credentials"}"#,
            "[]",
            "",
        ] {
            assert!(matches!(read(bad.as_bytes(), None), Err(Fault::Profile)), "{bad}");
        }
        assert!(read(USER, Some(b"{}")).is_err());
        let long = " ".repeat(limits::DOCUMENT + 1);
        assert!(read(long.as_bytes(), None).is_err() && read(USER, Some(long.as_bytes())).is_err());
    }
}
