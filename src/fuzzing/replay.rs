//! Feeds every target its seeds, and mutants of them, without a fuzzer.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;

type Target = fn(&[u8]) -> Outcome;

/// Mutants made of a target's seeds together.
const MUTANTS: usize = 400;

macro_rules! targets {
    ($($(#[$condition:meta])? $name:ident,)*) => {
        /// The targets of this build.
        fn names() -> BTreeSet<&'static str> {
            [$($(#[$condition])? stringify!($name),)*].into()
        }

        mod seeds_of {
            $($(#[$condition])?
            #[test]
            fn $name() {
                super::replay(stringify!($name), crate::fuzzing::$name);
            })*
        }
    };
}

targets! {
    accept,
    #[cfg(feature = "accounts")]
    api_token,
    #[cfg(feature = "accounts")]
    app_redirect_uri,
    #[cfg(feature = "accounts")]
    app_request,
    #[cfg(feature = "provider")]
    authorize,
    bearer,
    #[cfg(feature = "provider")]
    client_authentication,
    #[cfg(feature = "provider")]
    client_metadata,
    cookie,
    #[cfg(feature = "accounts")]
    email,
    form,
    form_json,
    #[cfg(feature = "saml")]
    idp_metadata,
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    jwk,
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    jws,
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    jwt_claims,
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    jwt_forged,
    #[cfg(feature = "accounts")]
    organization,
    #[cfg(feature = "passkeys")]
    passkey_assertion,
    #[cfg(feature = "passkeys")]
    passkey_registration,
    peer,
    #[cfg(feature = "provider")]
    pkce,
    #[cfg(feature = "provider")]
    redirect_uri,
    return_to,
    #[cfg(feature = "saml")]
    saml_assertion,
    #[cfg(feature = "saml")]
    saml_forged,
    #[cfg(feature = "saml")]
    saml_response,
    sealed,
    session_cookie,
    #[cfg(feature = "smtp")]
    smtp_reply,
    #[cfg(feature = "social")]
    social_answer,
    #[cfg(feature = "social")]
    social_document,
    #[cfg(feature = "social")]
    social_id_token,
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    strict_json,
    #[cfg(feature = "accounts")]
    typed_code,
    #[cfg(feature = "saml")]
    xml_parse_c14n,
}

/// Some seeds must pass and some must not: a target that refuses everything proves nothing.
fn replay(name: &str, target: Target) {
    let seeds = read_seeds(name);
    let mut outcomes = HashSet::new();
    for (path, seed) in &seeds {
        let _running = Running(path, seed);
        outcomes.insert(target(seed));
    }
    let both = HashSet::from([Outcome::Accepted, Outcome::Refused]);
    assert_eq!(outcomes, both, "of the {} seeds of {name}", seeds.len());

    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..MUTANTS {
        let (path, seed) = &seeds[round % seeds.len()];
        let (_, other) = &seeds[dice.below(seeds.len())];
        let mutant = dice.mutate(seed, other);
        let _running = Running(path, &mutant);
        target(&mutant);
    }
}

/// A target's own seeds and, for what reads XML, the fixtures that other programs made.
fn read_seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("fuzz/seeds").join(name)];
    if ["idp_metadata", "saml_assertion", "saml_response", "xml_parse_c14n"].contains(&name) {
        folders.push(root.join("tests/fixtures/saml"));
    }
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Tells which input it was that did not hold.
struct Running<'r>(&'r Path, &'r [u8]);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("made of {}: {:?}", self.0.display(), String::from_utf8_lossy(self.1));
        }
    }
}

/// Draws the same numbers in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound.max(1)
    }

    fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(3) {
            let start = self.below(bytes.len() + 1);
            let end = (start + self.below(8)).min(bytes.len());
            let at = self.below(other.len() + 1);
            let new = match self.below(4) {
                0 => vec![u8::try_from(self.below(256)).unwrap()],
                1 => Vec::new(),
                2 => bytes[start..end].repeat(2),
                _ => other[at..(at + self.below(64)).min(other.len())].to_vec(),
            };
            bytes.splice(start..end, new);
        }
        bytes
    }
}

/// `fuzz/` has one program for each target, and no other.
#[test]
fn each_target_can_be_fuzzed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let bins =
        manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let bins: BTreeSet<&str> = bins.filter(|name| *name != "donjon-fuzz").collect();
    let files = fs::read_dir(root.join("fuzz_targets")).unwrap();
    let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    let stems = files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(stems.collect::<BTreeSet<_>>(), bins);
    assert!(bins.is_superset(&names()), "{bins:?}");
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(&format!("donjon::fuzzing::{name}(")), "{}", file.display());
    }
    let all = cfg!(all(
        feature = "passkeys",
        feature = "provider",
        feature = "saml",
        feature = "smtp",
        feature = "social"
    ));
    assert!(!all || names() == bins);
}

/// Writes the seeds that only our keys can make: after a change of what the keys are or sign.
#[test]
#[ignore = "writes into fuzz/seeds"]
fn write_signed_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let write = |target: &str, name: &str, seed: &[u8]| {
        fs::create_dir_all(root.join(target)).unwrap();
        fs::write(root.join(target).join(name), seed).unwrap();
    };
    write("sealed", "sealed", &super::sealed::seed());
    for (name, cookie) in crate::session::fuzzing::seeds() {
        write("session_cookie", name, cookie.as_bytes());
    }
    #[cfg(all(feature = "passkeys", feature = "testing"))]
    for (target, name, answer) in crate::account::fuzzing::passkey_seeds() {
        write(target, name, answer.as_bytes());
    }
    #[cfg(any(feature = "provider", feature = "resource"))]
    #[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
    for (name, token) in crate::jose::fuzzing::sign_seeds() {
        write("jws", name, token.as_bytes());
        let request = fs::read_to_string(root.join("authorize/public")).unwrap();
        write(
            "authorize",
            &format!("hint-{name}"),
            format!("{request}&id_token_hint={token}").as_bytes(),
        );
    }
}
