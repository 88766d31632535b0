//! The house rules that no compiler checks: who may import whom, what no file may hold.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Source, Token};

/// Every room of the house, and the rooms it may name beside [`COMMON`].
const MAP: &[(&str, &[&str])] = &[
    ("scope", &[]),
    ("crypto", &[]),
    ("http", &[]),
    ("audit", &["store"]),
    ("jose", &[]),
    ("store", &[]),
    ("delivery", &["store"]),
    ("page", &[]),
    ("session", &["store", "page"]),
    // `jose` knows no I/O; feature `social` verifies the tokens of providers with it.
    ("account", &["session", "store", "delivery", "page", "jose"]),
    ("provider", &["store", "delivery", "page", "jose"]),
    ("resource", &["store", "jose"]),
    ("saml", &["session", "store", "delivery", "page"]),
    (
        "fuzzing",
        &[
            "session", "account", "provider", "resource", "saml", "jose", "store", "delivery",
            "page", "testing",
        ],
    ),
    (
        "testing",
        &[
            "session", "account", "provider", "resource", "saml", "jose", "store", "delivery",
            "page", "testing",
        ],
    ),
];

/// What every room may name, but for those that must know nothing.
const COMMON: &[&str] = &["scope", "crypto", "http", "audit"];

/// What tests and fuzz targets may name, in whichever room: no build without them has it.
const FOR_TESTS: &[&str] = &["fuzzing", "testing"];

/// The rooms that [`COMMON`] is not open to, with what is open to them.
const FOUNDATIONS: &[(&str, &[&str])] =
    &[("scope", &[]), ("crypto", &[]), ("store", &["scope", "crypto", "audit"])];

const LONGEST_FILE: usize = 500;

#[test]
fn the_house_rules_hold() {
    let found: Vec<String> = sources().iter().flat_map(violations).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn public_text_names_no_machine() {
    let found: Vec<String> =
        texts(&root()).iter().flat_map(|(path, text)| machine_words(path, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn violations(source: &Source) -> Vec<String> {
    let checks = [forbidden_arrows, unknown_room, foreign_axum, lint_bypass, unfinished, too_long];
    let found = checks.iter().flat_map(|check| check(source));
    found.map(|what| format!("src/{}: {what}", source.path)).collect()
}

fn forbidden_arrows(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let forbidden = |name: &String| *name != room && !may_name(&room, name);
    let names = source.names_from_root().into_iter().filter(forbidden);
    names.map(|name| format!("`{room}` must not name `crate::{name}`")).collect()
}

fn may_name(room: &str, other: &str) -> bool {
    let lookup = |table: &[(&str, &'static [&'static str])]| {
        table.iter().find(|(name, _)| *name == room).map(|(_, open)| *open)
    };
    let common = lookup(FOUNDATIONS).unwrap_or(COMMON);
    let own = lookup(MAP).unwrap_or_default();
    [common, own, FOR_TESTS].iter().any(|open| open.contains(&other))
}

fn unknown_room(source: &Source) -> Vec<String> {
    let unknown = |room: &String| !MAP.iter().any(|(name, _)| name == room);
    let room = source.room().filter(unknown);
    room.map(|room| format!("`{room}` is not on the map")).into_iter().collect()
}

/// axum stays in files of its own; that they are behind its feature, the build without it proves.
fn foreign_axum(source: &Source) -> Vec<String> {
    let at_home = source.path.ends_with("/axum.rs") || source.path.contains("/axum/");
    let tokens = source.tokens();
    let named = tokens.iter().enumerate().any(|(at, token)| {
        let declares = at > 0 && tokens[at - 1] == Token::Word("mod".into());
        let followed = tokens.get(at + 1) == Some(&Token::PathSeparator);
        *token == Token::Word("axum".into()) && followed && !declares
    });
    if named && !at_home { vec!["axum is named outside an `axum.rs`".into()] } else { Vec::new() }
}

fn lint_bypass(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let bypass = tokens.windows(3).any(|three| {
        matches!(three, [Token::Mark('#' | '!'), Token::Mark('['), Token::Word(w)] if w == "allow")
    });
    if bypass { vec!["`#[allow]`: use `#[expect(…, reason)]`".into()] } else { Vec::new() }
}

fn unfinished(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let unfinished = tokens.windows(2).any(|two| {
        matches!(two, [Token::Word(w), Token::Mark('!')] if w == "todo" || w == "unimplemented")
    });
    if unfinished { vec!["`todo!` or `unimplemented!`".into()] } else { Vec::new() }
}

fn too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let too_long = lines > LONGEST_FILE;
    if too_long { vec![format!("{lines} lines, of at most {LONGEST_FILE}")] } else { Vec::new() }
}

/// Words that tell on whose machine, or from which mirror, a file was made.
fn machine_words(path: &str, text: &str) -> Vec<String> {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("registry.", "npmjs"),
        concat!("pypi", ".org"),
        concat!("\"resol", "ved\": \"http"),
    ];
    let found = words.into_iter().filter(|word| text.contains(word));
    found.map(|word| format!("{path} names a machine: {word}")).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let files = texts(&root().join("src"));
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let sources: Vec<_> = rust.map(|(path, text)| Source::new(path, text)).collect();
    assert!(sources.len() > 30, "the sources were not found");
    sources
}

/// Every text file below `folder`, with its path from there.
fn texts(folder: &Path) -> Vec<(String, String)> {
    const NOT_OURS: &[&str] = &[".git", ".venv", "artifacts", "corpus", "node_modules", "target"];
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let below = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.push((below, text));
            }
        }
    }
    found
}

/// The checker can fail: each planted violation is found, and its harmless neighbour is not.
mod planted {
    use super::*;

    #[track_caller]
    fn found(path: &str, text: &str, what: &str) {
        let found = violations(&Source::new(path, text)).join("\n");
        assert!(found.contains(what), "{text:?} in {path}: expected {what:?}, found {found:?}");
    }

    #[track_caller]
    fn fine(path: &str, text: &str) {
        let found = violations(&Source::new(path, text));
        assert!(found.is_empty(), "{text:?} in {path}: {found:?}");
    }

    #[test]
    fn arrows_between_the_roles() {
        for (room, never) in [
            ("provider", ["session", "account", "saml"].as_slice()),
            ("resource", &["session", "account", "saml", "provider"]),
            ("saml", &["provider", "account"]),
            ("account", &["provider", "saml"]),
            ("session", &["account", "provider", "saml"]),
            ("scope", &["crypto", "http", "store", "session"]),
            ("store", &["session", "provider", "http", "jose"]),
        ] {
            for other in never {
                let what = format!("`{room}` must not name `crate::{other}`");
                found(&format!("{room}/x.rs"), &format!("use crate::{other}::Thing;"), &what);
            }
        }
    }

    #[test]
    fn every_way_to_write_an_arrow() {
        let what = "must not name `crate::session`";
        for text in [
            "use crate::{http::Body, session};",
            "use crate::{scope::{UserId, SessionId}, session::{self, Session}};",
            "fn f(session: &crate::session::Session) {}",
            "type S = donjon::session::Session;",
            "use super::super::super::session::Session;",
            "use super::{super::super::{session::Session}};",
            "mod tests { use super::super::super::super::session::Session; }",
            "mod a { } mod b { use super::super::super::super::session::S; }",
            "macro_rules! m { () => { $crate::session::f() } }",
        ] {
            found("provider/check/pkce.rs", text, what);
        }
        found("provider/mod.rs", "use super::session::Session;", what);
        found("provider/x.rs", "use crate::*;", "must not name `crate::*`");
        found("provider/x.rs", "use crate::Session;", "must not name `crate::Session`");
    }

    #[test]
    fn what_is_no_arrow() {
        for text in [
            "use crate::store::ProviderStore; use crate::{http::Body, page, jose::Jwk};",
            "use super::super::session::Thing;",
            "mod tests { use super::super::super::session::Thing; }",
            "//! See [`crate::session`].\n/* crate::session /* nested */ crate::saml */",
            r##"const A: &str = "crate::session"; const B: &str = r#" " crate::saml "#;"##,
            "const Q: char = '\"'; const E: char = '\\''; fn f<'a>(x: &'a str) {} // crate::saml",
            "use other::crate_::session; pub(crate) struct S; use std::session::X;",
        ] {
            fine("provider/check/pkce.rs", text);
        }
        fine("lib.rs", "pub use crate::session::Session; pub mod saml;");
    }

    #[test]
    fn rooms_off_the_map() {
        found("utils/mod.rs", "", "`utils` is not on the map");
        found("helpers.rs", "", "`helpers` is not on the map");
    }

    #[test]
    fn axum_away_from_home() {
        found("provider/layer.rs", "use axum::Router;", "axum is named");
        found("provider/layer.rs", "fn f() -> ::axum::Router {}", "axum is named");
        fine("provider/layer.rs", "mod axum; // axum::Router");
        fine("provider/axum.rs", "use axum::Router;");
    }

    #[test]
    fn unfinished_or_silenced_code() {
        found("http/x.rs", "#[allow(dead_code)] fn f() {}", "#[allow]");
        found("http/x.rs", "#![allow(missing_docs)]", "#[allow]");
        found("http/x.rs", "fn f() { todo!() }", "todo!");
        found("http/x.rs", "fn f() { unimplemented!(\"later\") }", "todo!");
        fine("http/x.rs", "#[expect(dead_code, reason = \"x\")] fn allow() {} // todo!()");
    }

    #[test]
    fn files_without_end() {
        found("http/x.rs", &"\n".repeat(LONGEST_FILE + 1), "501 lines");
        fine("http/x.rs", &"\n".repeat(LONGEST_FILE));
    }

    #[test]
    fn words_of_a_machine() {
        let lock = concat!("{\"resol", "ved\": \"https://mirror/x.tgz\"}");
        assert_eq!(machine_words("package-lock.json", lock).len(), 1);
        assert_eq!(machine_words("README.md", concat!("see /wo", "rk/x")).len(), 1);
        assert!(machine_words("README.md", "work/resolved at /").is_empty());
    }
}
