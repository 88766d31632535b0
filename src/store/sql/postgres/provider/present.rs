//! How a transition begins in which a client presents a code or a refresh token.

use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Postgres};
use time::OffsetDateTime;

use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::{ClientAssertionUse, IssuerId, Result};

/// What a client presents, and what it proves itself with.
pub(super) struct Presented<'a> {
    pub(super) issuer: &'a IssuerId,
    pub(super) hash: &'a TokenHash,
    pub(super) client_id: &'a str,
    pub(super) assertion: Option<&'a ClientAssertionUse>,
    pub(super) now: OffsetDateTime,
}

/// Uses up the client's assertion, if there is one, and then locks the grant (`family`) of what is
/// presented, if it is this client's, lives, and the login behind it has not ended. Its binds are
/// `$1` to `$6`, by [`Presented::bind`].
macro_rules! presenting {
    ($table:literal, $column:literal) => {
        concat!(
            "
WITH assertion AS (
    INSERT INTO donjon_provider_assertions AS used (issuer_id, client_id, jti, expires_at)
    SELECT $1, $3, $5, $6 WHERE $5::bytea IS NOT NULL
    ON CONFLICT (issuer_id, client_id, jti) DO UPDATE SET expires_at = excluded.expires_at
        WHERE used.expires_at <= $4
    RETURNING 1
), family AS MATERIALIZED (
    SELECT g.id FROM ",
            $table,
            " p JOIN donjon_provider_grants g ON g.issuer_id = p.issuer_id AND g.id = p.grant_id
    WHERE p.issuer_id = $1 AND p.",
            $column,
            " = $2 AND g.client_id = $3 AND g.revoked_at IS NULL
        AND ($5::bytea IS NULL OR EXISTS (SELECT FROM assertion))
        AND NOT ",
            $crate::store::sql::provider::statement::login_ended!(),
            "
    FOR UPDATE OF g
)"
        )
    };
}

/// Locks the grant of what is presented, to find out why it was not used.
macro_rules! locking {
    ($table:literal, $column:literal) => {
        concat!(
            "SELECT FROM ",
            $table,
            " p JOIN donjon_provider_grants g ON g.issuer_id = p.issuer_id AND g.id = p.grant_id
             WHERE p.issuer_id = $1 AND p.",
            $column,
            " = $2 AND g.client_id = $3 FOR UPDATE OF g"
        )
    };
}

pub(super) use {locking, presenting};

impl Presented<'_> {
    /// A [`presenting!`] statement, which answers whether the assertion was used up, and whether
    /// what was presented was.
    pub(super) fn bind(
        &self,
        statement: &'static str,
    ) -> QueryAs<'static, Postgres, (bool, bool), PgArguments> {
        sqlx::query_as(statement)
            .bind(self.issuer.as_str().to_owned())
            .bind(self.hash.as_bytes().to_vec())
            .bind(self.client_id.to_owned())
            .bind(micros(self.now))
            .bind(self.assertion.map(|assertion| assertion.jti.as_bytes().to_vec()))
            .bind(self.assertion.map(|assertion| micros(assertion.expires_at)))
    }

    /// Runs a [`locking!`] statement.
    pub(super) async fn lock(
        &self,
        statement: &'static str,
        connection: &mut PgConnection,
    ) -> Result<()> {
        sqlx::query(statement)
            .bind(self.issuer.as_str())
            .bind(&self.hash.as_bytes()[..])
            .bind(self.client_id)
            .execute(connection)
            .await?;
        Ok(())
    }
}
