//! What kind of token a JWT says it is (`typ`).

use std::fmt;

/// A `typ` header value that this crate writes or expects (RFC 7515 section 4.1.9, RFC 8725
/// section 3.11). Explicit types are what keeps a token of one kind from being taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typ(&'static str);

impl Typ {
    /// `JWT`: an ID token, or a client assertion that names no better type.
    pub const JWT: Self = Self("JWT");
    /// `at+jwt`: an access token (RFC 9068).
    pub const ACCESS_TOKEN: Self = Self("at+jwt");
    /// `client-authentication+jwt`: a `private_key_jwt` assertion (RFC 7523bis).
    pub const CLIENT_AUTHENTICATION: Self = Self("client-authentication+jwt");
    /// `logout+jwt`: a back-channel logout token.
    pub const LOGOUT_TOKEN: Self = Self("logout+jwt");
    /// `dpop+jwt`: a proof of possession (RFC 9449).
    pub const DPOP_PROOF: Self = Self("dpop+jwt");
    /// `oauth-authz-req+jwt`: a request object (RFC 9101).
    pub const REQUEST_OBJECT: Self = Self("oauth-authz-req+jwt");
    /// `token-introspection+jwt`: a signed introspection answer (RFC 9701).
    pub const INTROSPECTION: Self = Self("token-introspection+jwt");

    /// The value as written into a header: without `application/`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether a header's `typ` names this type: media types know no case, and `application/` may be
    /// left out when there is no other slash (RFC 7515 section 4.1.9).
    #[must_use]
    pub fn matches(self, typ: &str) -> bool {
        const PREFIX: &str = "application/";
        let subtype = match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => typ,
        };
        subtype.eq_ignore_ascii_case(self.0)
    }
}

impl fmt::Display for Typ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Which `typ` a verifier accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypRule {
    /// This type, and it must be there.
    Exactly(Typ),
    /// One of these, or no `typ` at all: for kinds of token older than explicit typing.
    AbsentOr(&'static [Typ]),
}

impl TypRule {
    pub(super) fn accepts(self, typ: Option<&str>) -> bool {
        match (self, typ) {
            (Self::Exactly(expected), Some(typ)) => expected.matches(typ),
            (Self::Exactly(_), None) => false,
            (Self::AbsentOr(expected), Some(typ)) => expected.iter().any(|t| t.matches(typ)),
            (Self::AbsentOr(_), None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_know_no_case_and_an_optional_prefix() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
            assert!(Typ::ACCESS_TOKEN.matches(typ), "{typ}");
        }
        for typ in ["", "JWT", "at+jwt ", "text/at+jwt", "application/application/at+jwt", "éé"] {
            assert!(!Typ::ACCESS_TOKEN.matches(typ), "{typ}");
        }
    }

    #[test]
    fn an_absent_type_passes_only_where_it_is_allowed() {
        assert!(!TypRule::Exactly(Typ::ACCESS_TOKEN).accepts(None));
        assert!(TypRule::AbsentOr(&[Typ::JWT]).accepts(None));
        assert!(TypRule::AbsentOr(&[Typ::JWT]).accepts(Some("jwt")));
        assert!(!TypRule::AbsentOr(&[Typ::JWT]).accepts(Some("at+jwt")));
    }
}
