//! The owner of an address takes over an account that somebody else may have set up.

/// CTEs by which what opens the account of the user in CTE `$used (user_id, unconfirmed)` is gone, if
/// nobody had confirmed its address: passkeys, identities, the app with its backup codes, and API
/// tokens, at `$now`. The count of the passkeys is left to whoever changes the user's row.
macro_rules! taking_over {
    ($used:literal, $now:literal) => {
        concat!(
            taking_over!("no_passkeys", "donjon_passkeys", $used),
            taking_over!("no_identities", "donjon_identities", $used),
            taking_over!("no_app", "donjon_totp", $used),
            "no_tokens AS ( \
                 UPDATE donjon_api_tokens t SET revoked_at = ",
            $now,
            "::bigint FROM ",
            $used,
            " AS used WHERE used.unconfirmed AND t.user_id = used.user_id \
                 AND t.revoked_at IS NULL \
             )"
        )
    };
    ($name:literal, $table:literal, $used:literal) => {
        concat!(
            $name,
            " AS ( DELETE FROM ",
            $table,
            " t USING ",
            $used,
            " AS used WHERE used.unconfirmed AND t.user_id = used.user_id ), "
        )
    };
}
pub(super) use taking_over;
