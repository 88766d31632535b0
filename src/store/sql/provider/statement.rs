//! The statements that both databases understand.

/// Of an event `e`: whether it [reaches offline access](crate::scope::SessionEnd::ends_offline_access).
macro_rules! reaches_offline_access {
    () => {
        "e.reason IN ('password_reset', 'account_deleted', 'signed_out_everywhere', \
         'single_sign_on')"
    };
}

/// Of an event `e` and a grant `g`: whether the event leaves alone what came by the grant's login.
macro_rules! spares {
    () => {
        "coalesce(e.spares = coalesce(g.document -> 'authentication' ->> 'login_path', ''), FALSE)"
    };
}

/// Of a grant `g`: whether single sign-on lets the login that it rests on in no more. One that was under
/// way while that was closed is later than the event, and it is in vain all the same.
macro_rules! shut_out {
    () => {
        concat!(
            "NOT ",
            $crate::store::sql::single_sign_on::comes_in!(
                "coalesce(g.document -> 'authentication' ->> 'login_path', '')",
                "g.subject",
                "(SELECT u.email_domain FROM donjon_users u WHERE u.id = g.subject)"
            )
        )
    };
}

/// Of an event `e` and a grant `g`: whether it is one of single sign-on, which by now shuts the grant out,
/// whenever its login was.
macro_rules! shuts_out {
    () => {
        concat!(
            "(e.reason = 'single_sign_on' AND ",
            $crate::store::sql::provider::statement::shut_out!(),
            ")"
        )
    };
}

/// Of a grant `g`: whether the login it rests on has ended, applied to the grant or not.
macro_rules! login_ended {
    () => {
        concat!(
            "(NOT g.offline AND EXISTS (SELECT 1 FROM donjon_session_events e
                                WHERE e.session_id = g.session_id)
         OR EXISTS (SELECT 1 FROM donjon_session_events e
                    WHERE e.user_id = g.subject AND e.at >= g.authenticated_at AND ",
            $crate::store::sql::provider::statement::reaches_offline_access!(),
            " AND NOT ",
            $crate::store::sql::provider::statement::spares!(),
            ") OR ",
            $crate::store::sql::provider::statement::shut_out!(),
            ")"
        )
    };
}

#[cfg(feature = "postgres")]
pub(crate) use login_ended;
pub(crate) use {reaches_offline_access, shut_out, shuts_out, spares};

pub(crate) const CLIENT: &str =
    "SELECT document FROM donjon_provider_clients WHERE issuer_id = $1 AND client_id = $2";

pub(crate) const SAVE_CLIENT: &str = "
INSERT INTO donjon_provider_clients (issuer_id, client_id, document) VALUES ($1, $2, $3)
ON CONFLICT (issuer_id, client_id) DO UPDATE SET document = excluded.document";

pub(crate) const KEYS: &str = "
SELECT kid, algorithm, private_key, created_at, signs_from FROM donjon_provider_keys
WHERE issuer_id = $1 ORDER BY created_at, kid";

/// Of nodes that come at once, the unique index on the first key of an algorithm lets one through.
pub(crate) const ENSURE_KEY: &str = "
INSERT INTO donjon_provider_keys
    (issuer_id, kid, algorithm, private_key, is_first, created_at, signs_from)
SELECT $1, $2, $3, $4, TRUE, $5, $6 WHERE NOT EXISTS
    (SELECT 1 FROM donjon_provider_keys WHERE issuer_id = $1 AND algorithm = $3)
ON CONFLICT (issuer_id, algorithm) WHERE is_first DO NOTHING";

pub(crate) const ADD_KEY: &str = "
INSERT INTO donjon_provider_keys
    (issuer_id, kid, algorithm, private_key, is_first, created_at, signs_from)
VALUES ($1, $2, $3, $4, FALSE, $5, $6)";

/// An assertion that could not be believed any more does not count as used.
pub(crate) const CONSUME_ASSERTION: &str = "
INSERT INTO donjon_provider_assertions AS used (issuer_id, client_id, jti, expires_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (issuer_id, client_id, jti) DO UPDATE SET expires_at = excluded.expires_at
    WHERE used.expires_at <= $5";

pub(crate) const INTERACTION: &str = "
SELECT state, expires_at FROM donjon_provider_interactions
WHERE issuer_id = $1 AND interaction_id = $2 AND expires_at > $3";

pub(crate) const CONSENT: &str = "
SELECT scopes, granted_at FROM donjon_provider_consents
WHERE issuer_id = $1 AND subject = $2 AND client_id = $3 AND resources_hash = $4";

/// Whether the code of an interaction was redeemed.
pub(crate) const ISSUED: &str = "
SELECT redeemed_at IS NOT NULL FROM donjon_provider_codes
WHERE issuer_id = $1 AND interaction_id = $2";

pub(crate) const CODE: &str = "
SELECT g.document, c.redirect_uri, c.code_challenge, c.expires_at
FROM donjon_provider_codes c
JOIN donjon_provider_grants g ON g.issuer_id = c.issuer_id AND g.id = c.grant_id
WHERE c.issuer_id = $1 AND c.code = $2";

/// What [`judge_code`](super::judge_code) needs.
pub(crate) const CODE_STATE: &str = concat!(
    "
SELECT g.id, g.revoked_at IS NOT NULL OR ",
    login_ended!(),
    ", c.redeemed_at, c.expires_at
FROM donjon_provider_codes c
JOIN donjon_provider_grants g ON g.issuer_id = c.issuer_id AND g.id = c.grant_id
WHERE c.issuer_id = $1 AND c.code = $2 AND g.client_id = $3"
);

pub(crate) const REFRESH: &str = "
SELECT g.document, g.revoked_at IS NOT NULL, r.rotated_at IS NOT NULL, r.issued_at, r.expires_at
FROM donjon_provider_refresh_tokens r
JOIN donjon_provider_grants g ON g.issuer_id = r.issuer_id AND g.id = r.grant_id
WHERE r.issuer_id = $1 AND r.token = $2";

/// What [`judge_refresh`](super::judge_refresh) needs.
pub(crate) const REFRESH_STATE: &str = concat!(
    "
SELECT g.id, g.revoked_at IS NOT NULL OR ",
    login_ended!(),
    ", r.expires_at, r.rotated_at, r.successor_sealed, s.rotated_at IS NOT NULL
FROM donjon_provider_refresh_tokens r
JOIN donjon_provider_grants g ON g.issuer_id = r.issuer_id AND g.id = r.grant_id
LEFT JOIN donjon_provider_refresh_tokens s ON s.issuer_id = r.issuer_id AND s.token = r.successor
WHERE r.issuer_id = $1 AND r.token = $2 AND g.client_id = $3"
);

pub(crate) const REVOCATIONS: &str = "
SELECT sequence, grant_id, token_id, expires_at FROM donjon_provider_revocations
WHERE issuer_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";

/// An issuer that never read the log of session ends begins at its beginning.
pub(crate) const START_CURSOR: &str = "
INSERT INTO donjon_provider_cursors (issuer_id, session_event) VALUES ($1, 0)
ON CONFLICT DO NOTHING";

#[cfg(test)]
mod tests {
    use crate::scope::SessionEnd;

    #[test]
    fn the_statements_know_which_ends_reach_offline_access() {
        let ends = reaches_offline_access!();
        for end in SessionEnd::ALL {
            let named = ends.contains(&format!("'{}'", end.as_str()));
            assert_eq!(named, end.ends_offline_access(), "{end:?}");
        }
    }
}
