use std::collections::BTreeMap;

use crate::account::app::endpoint::{
    ExchangeRequest, RefreshRequest, RevokeRequest, is_verifier, object,
};
use crate::account::token::{ApiToken, TokenPrefix};
use crate::crypto::SystemRandom;
use crate::fuzzing::Outcome;

/// An object that passes has the fields of one endpoint and no others, each a text, each once; a token
/// in it is read letter for letter, and so are its successors, which are of its family.
pub fn app_request(data: &[u8]) -> Outcome {
    let exchange: Option<ExchangeRequest> = object(data);
    let refresh: Option<RefreshRequest> = object(data);
    let revoke: Option<RevokeRequest> = object(data);
    let mut endpoints = 0;
    if let Some(it) = &exchange {
        let fields = [&it.app, &it.code, &it.code_verifier, &it.redirect_uri];
        holds(data, ["app", "code", "code_verifier", "redirect_uri"], fields);
        let verifier = &it.code_verifier;
        if is_verifier(verifier) {
            assert!(verifier.is_ascii() && (43..=128).contains(&verifier.len()));
            assert!(!verifier.contains(|c: char| c.is_ascii_control() || c == ' '));
        }
        endpoints += 1;
    }
    if let Some(it) = &refresh {
        holds(data, ["app", "refresh_token"], [&it.app, &it.refresh_token]);
        has_a_family(&it.refresh_token);
        endpoints += 1;
    }
    if let Some(it) = &revoke {
        holds(data, ["token"], [&it.token]);
        has_a_family(&it.token);
        endpoints += 1;
    }
    assert!(endpoints <= 1);
    Outcome::accepted(endpoints == 1)
}

/// A reader that takes the last of two members of one name finds the same.
fn holds<const N: usize>(data: &[u8], names: [&str; N], fields: [&String; N]) {
    let Ok(read) = serde_json::from_slice::<BTreeMap<String, String>>(data) else {
        panic!("it is no object of texts")
    };
    let expected = names.iter().zip(fields).map(|(name, text)| ((*name).to_owned(), text.clone()));
    assert_eq!(read, expected.collect::<BTreeMap<_, _>>());
}

fn has_a_family(text: &str) {
    let Ok(prefix) = "acmeapp_refresh".parse::<TokenPrefix>() else { panic!("it is a prefix") };
    let Ok(token) = ApiToken::parse(&prefix, text) else { return };
    assert_eq!(token.expose(), text);
    let next = token.successor(&SystemRandom);
    let Ok(next) = ApiToken::parse(&prefix, next.expose()) else { panic!("{text:?}") };
    assert!(next.family() == token.family() && next.hash() != token.hash());
}
