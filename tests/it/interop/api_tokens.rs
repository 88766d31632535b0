//! What a secret scanner makes of our API tokens, by what is published about them.

use std::path::Path;
use std::time::Duration;

use donjon::account::token::{ApiToken, TokenPrefix};
use donjon::crypto::SystemRandom;
use serde::Deserialize;
use serde_json::json;

use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Report {
    found: Vec<String>,
    tokens: Vec<bool>,
}

#[tokio::test]
async fn a_scanner_finds_tokens_and_dismisses_what_only_looks_like_one() {
    let Some(python) = tools::python("api_tokens.py") else { return };
    let prefix: TokenPrefix = "acme_live".parse().unwrap();
    let tokens: Vec<String> =
        (0..100).map(|_| ApiToken::generate(&SystemRandom, &prefix).expose().to_owned()).collect();
    let other = ApiToken::generate(&SystemRandom, &"other".parse().unwrap());
    // As they lie about in repositories.
    let mut text = format!("{{\"key\":\"{}\"}} other={}\n", tokens[0], other.expose());
    for token in &tokens[1..] {
        text += &format!("export API_TOKEN='{token}'; curl -H \"Authorization: Bearer {token}\"\n");
    }
    let damage = |token: &String| {
        let mut bytes = token.clone().into_bytes();
        bytes[20] = if bytes[20] == b'x' { b'y' } else { b'x' };
        String::from_utf8(bytes).unwrap()
    };
    let damaged: Vec<String> = tokens.iter().map(damage).collect();
    let candidates: Vec<&String> = tokens.iter().chain(&damaged).collect();
    let request = json!({
        "documentation": Path::new(env!("CARGO_MANIFEST_DIR")).join("src/account/token/format.md"),
        "prefix": prefix.as_str(),
        "pattern": prefix.scanner_pattern(),
        "text": text,
        "candidates": candidates,
    });
    let report: Report = process::run(python, &request, LIMIT).await;

    assert_eq!(report.found.len(), 199);
    assert!(report.found.iter().all(|found| tokens.contains(found)));
    for (text, theirs) in candidates.iter().zip(&report.tokens) {
        assert_eq!(ApiToken::parse(&prefix, text).is_ok(), *theirs, "{text}");
    }
    assert_eq!(report.tokens.iter().filter(|token| **token).count(), 100);
}
