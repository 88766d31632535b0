use time::OffsetDateTime;

use crate::account::Email;
use crate::account::social::preset::{facebook, github};
use crate::account::social::protocol::authorization::AuthorizationRequest;
use crate::account::social::protocol::metadata::Metadata;
use crate::account::social::protocol::profile::{Profile, is_subject};
use crate::account::social::protocol::token::Issued;
use crate::account::social::protocol::userinfo::UserInfo;
use crate::fuzzing::{Input, Outcome};
use crate::http::is_fetchable;

/// Whatever a provider answers: metadata lead to https URLs, which a request can be sent to that
/// nobody else has a say in; tokens can stand in a header; a user has a name that can be stored; an
/// address is in our spelling, and only GitHub's is believed.
///
/// The first byte says what the rest is.
pub fn social_document(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let kind = input.byte();
    let json = input.rest();
    let accepted = match kind {
        b'm' => Metadata::read(json).ok().map(|metadata| {
            let urls = [&metadata.token_endpoint, &metadata.jwks_uri];
            assert!(urls.into_iter().chain(&metadata.userinfo_endpoint).all(|u| is_fetchable(u)));
            assert!(!metadata.algorithms.is_empty());
            leads_on(&metadata.authorization_endpoint);
        }),
        b't' => Issued::read(json).ok().map(|issued| {
            let tokens = [Some(&issued.access_token), issued.refresh_token.as_ref()];
            let header = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic());
            assert!(tokens.into_iter().flatten().all(|token| header(&token.0)));
            let kept = issued.keep(OffsetDateTime::UNIX_EPOCH);
            assert!(kept.expires_at.is_none_or(|at| (0..=366 * 86_400).contains(&at)));
        }),
        b'u' => UserInfo::read(json, "alice").ok().map(drop),
        b'g' => {
            let emails = json.split(|byte| *byte == b'\n').nth(1);
            let user = json.split(|byte| *byte == b'\n').next().unwrap_or_default();
            github::read(user, emails).ok().map(|profile| {
                assert_eq!(profile.email.is_some(), profile.email_trusted);
                is_sound(&profile);
            })
        }
        b'f' => facebook::read(json).ok().map(|profile| {
            assert_eq!(profile.trusted_email(), None);
            is_sound(&profile);
        }),
        _ => None,
    };
    Outcome::accepted(accepted.is_some())
}

fn is_sound(profile: &Profile) {
    assert!(is_subject(&profile.subject));
    assert!(profile.name.as_ref().is_none_or(|name| !name.contains(char::is_control)));
    let email = profile.email.as_deref();
    assert!(email.is_none_or(|text| Email::parse(text).is_ok_and(|read| read.as_str() == text)));
}

fn leads_on(endpoint: &str) {
    let request = AuthorizationRequest {
        endpoint,
        client_id: "me",
        redirect_uri: "https://app.example/callback",
        scopes: &["openid".to_owned()],
        state: "s",
        nonce: Some("n"),
        verifier: "v",
        form_post: false,
        anew: true,
        parameters: &[],
    };
    let address = request.url().and_then(|text| url::Url::parse(&text).ok());
    let Some(address) = address else { panic!("{endpoint:?} leads nowhere") };
    assert_eq!(address.scheme(), "https");
    for (name, expected) in
        [("state", "s"), ("nonce", "n"), ("client_id", "me"), ("code_challenge_method", "S256")]
    {
        let found: Vec<_> = address.query_pairs().filter(|(key, _)| key == name).collect();
        assert!(matches!(&found[..], [(_, value)] if value == expected), "{name} in {address}");
    }
}
