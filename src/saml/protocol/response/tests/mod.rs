//! Responses signed by others (`tests/fixtures/saml`, written by
//! `tests/interop/saml/sign_fixtures.py`), and what an attacker makes of them.

mod accepted;
mod fixture;
mod gate;
mod mutations;
mod semantics;
mod signatures;
mod spans;
mod wrapping;
