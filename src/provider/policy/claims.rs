use serde_json::{Map, Value};

/// The claims that each scope asks for: OpenID Connect Core, section 5.4.
pub(crate) const SCOPE_CLAIMS: &[(&str, &[&str])] = &[
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Whether a scope means something only where a user is.
pub(crate) fn is_about_users(scope: &str) -> bool {
    matches!(scope, "openid" | "offline_access")
        || SCOPE_CLAIMS.iter().any(|(name, _)| *name == scope)
}

/// Leaves out the claims whose scope was not granted, and those that say nothing. Claims that
/// belong to no scope are the host's own affair and stay.
pub(crate) fn keep_granted_claims(
    claims: Map<String, Value>,
    granted: &[String],
) -> Map<String, Value> {
    let allowed = |name: &str| match scope_of(name) {
        Some(scope) => granted.iter().any(|granted| granted == scope),
        None => true,
    };
    claims.into_iter().filter(|(name, value)| !value.is_null() && allowed(name)).collect()
}

fn scope_of(claim: &str) -> Option<&'static str> {
    let found = SCOPE_CLAIMS.iter().find(|(_, claims)| claims.contains(&claim));
    found.map(|(scope, _)| *scope)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_needs_its_scope_and_something_to_say() {
        let claims = Map::from_iter([
            ("name".to_owned(), json!("Alice")),
            ("email".to_owned(), json!("a@example.test")),
            ("email_verified".to_owned(), json!(true)),
            ("phone_number".to_owned(), Value::Null),
            ("tenant".to_owned(), json!(7)),
        ]);
        let kept = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            Value::Object(keep_granted_claims(claims.clone(), &scopes))
        };
        assert_eq!(kept(&["openid"]), json!({ "tenant": 7 }));
        assert_eq!(kept(&["phone", "profile"]), json!({ "name": "Alice", "tenant": 7 }));
        let email = json!({ "email": "a@example.test", "email_verified": true, "tenant": 7 });
        assert_eq!(kept(&["email"]), email);
    }
}
