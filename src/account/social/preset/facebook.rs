//! Facebook: OAuth 2.0, and the Graph API for the rest.

use aws_lc_rs::hmac;
use serde::Deserialize;

use crate::account::social::fault::Fault;
use crate::account::social::protocol::limits;
use crate::account::social::protocol::profile::{Profile, address, person};

const VERSION: &str = "v24.0";

/// Where Facebook is.
#[derive(Clone, Debug)]
pub(in crate::account::social) struct Facebook {
    dialog: String,
    graph: String,
}

impl Facebook {
    pub(in crate::account::social) fn public() -> Self {
        Self::at("https://www.facebook.com", "https://graph.facebook.com")
    }

    pub(in crate::account::social) fn at(dialog: &str, graph: &str) -> Self {
        let trimmed = |origin: &str| origin.trim_end_matches('/').to_owned();
        Self { dialog: trimmed(dialog), graph: trimmed(graph) }
    }

    pub(in crate::account::social) fn authorize(&self) -> String {
        format!("{}/{VERSION}/dialog/oauth", self.dialog)
    }

    /// What answers may name as their issuer (RFC 9207): the one of its OpenID metadata, at
    /// `/.well-known/openid-configuration`.
    pub(in crate::account::social) fn issuer(&self) -> String {
        self.dialog.clone()
    }

    pub(in crate::account::social) fn token(&self) -> String {
        format!("{}/{VERSION}/oauth/access_token", self.graph)
    }

    pub(in crate::account::social) fn me(&self) -> String {
        format!("{}/{VERSION}/me", self.graph)
    }
}

/// Shows that whoever uses this token knows the secret, too: a token that was stolen elsewhere is
/// worth nothing then.
pub(in crate::account::social) fn proof(access_token: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, access_token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Deserialize)]
struct Me {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

/// Who a user is. The address may be anybody's: Facebook does not say.
///
/// # Errors
/// [`Fault::Profile`].
pub(in crate::account::social) fn read(me: &[u8]) -> Result<Profile, Fault> {
    if me.len() > limits::DOCUMENT {
        return Err(Fault::Profile);
    }
    let me: Me = serde_json::from_slice(me).map_err(|_| Fault::Profile)?;
    let is_number = me.id.bytes().all(|b| b.is_ascii_digit()) && (1..=32).contains(&me.id.len());
    if !is_number {
        return Err(Fault::Profile);
    }
    Ok(Profile {
        email: me.email.as_deref().and_then(address),
        name: me.name.as_deref().and_then(person),
        ..Profile::of(me.id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_where_the_dialog_is() {
        assert_eq!(Facebook::public().issuer(), "https://www.facebook.com");
        let proxied = Facebook::at("https://dialog.example/", "https://graph.example");
        assert_eq!(proxied.issuer(), "https://dialog.example");
    }

    #[test]
    fn an_address_of_facebooks_is_never_trusted() {
        let me = br#"{"id":"10158","name":"Zo\u00eb","email":"A@A.test","verified":true}"#;
        let profile = read(me).unwrap();
        assert_eq!(profile.email.as_deref(), Some("a@a.test"));
        assert_eq!((profile.trusted_email(), profile.subject.as_str()), (None, "10158"));
        let long = format!(r#"{{"id":"{}"}}"#, "1".repeat(33));
        for bad in [r#"{"id":10158}"#, r#"{"id":"me"}"#, r#"{"id":""}"#, "{}", "[]", &long] {
            assert!(matches!(read(bad.as_bytes()), Err(Fault::Profile)), "{bad}");
        }
    }

    /// HMAC-SHA-256 of RFC 4231, test case 2.
    #[test]
    fn the_proof_is_that_of_the_secret() {
        assert_eq!(
            proof("what do ya want for nothing?", "Jefe"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
