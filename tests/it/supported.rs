//! SUPPORTED.md says what is there: no more, and no less.

use std::path::Path;

const SUPPORTED: &str = include_str!("../../SUPPORTED.md");

/// Everything between backticks.
fn quoted() -> impl Iterator<Item = &'static str> {
    SUPPORTED.split('`').skip(1).step_by(2)
}

#[test]
fn each_proof_is_a_test() {
    let mut sources = String::new();
    for directory in ["src", "tests", "examples"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), &mut sources);
    }
    let is_name = |text: &&str| {
        text.matches('_').count() >= 3
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let proofs: Vec<_> = quoted().filter(is_name).collect();
    assert!(proofs.len() > 60, "only {} proofs were found", proofs.len());
    for proof in proofs {
        assert!(sources.contains(&format!("fn {proof}(")), "there is no test called {proof}");
    }
}

fn read(directory: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with(".venv") {
            read(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The paths of the discovery document are those of SUPPORTED.md, and the other way round.
#[cfg(feature = "provider")]
#[tokio::test]
async fn each_endpoint_is_told_of() {
    use std::collections::BTreeSet;

    use crate::provider_token::world::{ISSUER, World};
    use crate::support::database::Database;

    let world = World::new(Database::sqlite().store().await).await;
    let metadata = world.get("/.well-known/openid-configuration", None).await.json;
    let urls = metadata.as_object().unwrap().values().filter_map(|value| value.as_str());
    let paths = urls.filter_map(|url| url.strip_prefix(ISSUER));
    let published: BTreeSet<_> = paths.filter(|path| path.starts_with("/oauth/")).collect();
    // One path for each interaction, which nothing outside needs to know.
    let told = quoted().filter(|text| text.starts_with("/oauth/") && !text.contains('{'));
    assert_eq!(told.collect::<BTreeSet<_>>(), published);
}
