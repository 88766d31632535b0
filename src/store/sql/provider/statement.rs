//! The statements that both databases understand.

pub(crate) const CLIENT: &str =
    "SELECT document FROM donjon_provider_clients WHERE issuer_id = $1 AND client_id = $2";

pub(crate) const SAVE_CLIENT: &str = "
INSERT INTO donjon_provider_clients (issuer_id, client_id, document) VALUES ($1, $2, $3)
ON CONFLICT (issuer_id, client_id) DO UPDATE SET document = excluded.document";

pub(crate) const KEYS: &str = "
SELECT kid, algorithm, private_key, created_at FROM donjon_provider_keys
WHERE issuer_id = $1 ORDER BY created_at, kid";

/// Of nodes that come at once, the unique index on the first key of an algorithm lets one through.
pub(crate) const ENSURE_KEY: &str = "
INSERT INTO donjon_provider_keys (issuer_id, kid, algorithm, private_key, is_first, created_at)
SELECT $1, $2, $3, $4, TRUE, $5 WHERE NOT EXISTS
    (SELECT 1 FROM donjon_provider_keys WHERE issuer_id = $1 AND algorithm = $3)
ON CONFLICT (issuer_id, algorithm) WHERE is_first DO NOTHING";

pub(crate) const ADD_KEY: &str = "
INSERT INTO donjon_provider_keys (issuer_id, kid, algorithm, private_key, is_first, created_at)
VALUES ($1, $2, $3, $4, FALSE, $5)";

/// An assertion that could not be believed any more does not count as used.
pub(crate) const CONSUME_ASSERTION: &str = "
INSERT INTO donjon_provider_assertions AS used (issuer_id, client_id, jti, expires_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (issuer_id, client_id, jti) DO UPDATE SET expires_at = excluded.expires_at
    WHERE used.expires_at <= $5";

pub(crate) const SAVE_INTERACTION: &str = "
INSERT INTO donjon_provider_interactions (issuer_id, interaction_id, state, expires_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (issuer_id, interaction_id)
    DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at";

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

pub(crate) const REFRESH: &str = "
SELECT g.document, g.revoked_at IS NOT NULL, r.rotated_at IS NOT NULL, r.issued_at, r.expires_at
FROM donjon_provider_refresh_tokens r
JOIN donjon_provider_grants g ON g.issuer_id = r.issuer_id AND g.id = r.grant_id
WHERE r.issuer_id = $1 AND r.token = $2";

/// What [`judge_refresh`](super::judge_refresh) needs.
pub(crate) const REFRESH_STATE: &str = "
SELECT g.id, g.revoked_at IS NOT NULL, r.expires_at, r.rotated_at, r.successor_sealed,
       s.rotated_at IS NOT NULL
FROM donjon_provider_refresh_tokens r
JOIN donjon_provider_grants g ON g.issuer_id = r.issuer_id AND g.id = r.grant_id
LEFT JOIN donjon_provider_refresh_tokens s ON s.issuer_id = r.issuer_id AND s.token = r.successor
WHERE r.issuer_id = $1 AND r.token = $2 AND g.client_id = $3";

pub(crate) const REVOCATIONS: &str = "
SELECT sequence, grant_id, token_id, expires_at FROM donjon_provider_revocations
WHERE issuer_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
