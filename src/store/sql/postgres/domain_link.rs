//! Whoever owns the domain of an address says whose identity belongs to it.

use super::PostgresStore;
use super::audit::{along, effects};
use crate::crypto::Sealed;
use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::spoken_for;
use crate::store::{Effects, Linking, NewIdentity, Result};

/// User and domain are held, so that whoever changes either is waited for, and what they did is seen.
const LINK: &str = concat!(
    "WITH owner AS MATERIALIZED (",
    spoken_for!(),
    " FOR NO KEY UPDATE OF u FOR SHARE OF d
     ), done AS (
         INSERT INTO donjon_identities
             (provider, subject, user_id, email, name, tokens, tokens_version, created_at,
              last_used_at)
         SELECT $4, $5, id, $6, $7, $8, 0, $9, $9 FROM owner
         ON CONFLICT DO NOTHING RETURNING user_id
     ), ",
    along!("done", "$10"),
    " SELECT EXISTS (SELECT 1 FROM owner), EXISTS (SELECT 1 FROM done)",
);

pub(super) async fn link(
    store: &PostgresStore,
    (user, email): (&UserId, &str),
    login_path: &str,
    identity: &NewIdentity,
    along: &Effects,
) -> Result<Linking> {
    let (spoken_for, linked): (bool, bool) = sqlx::query_as(LINK)
        .bind(user.as_str())
        .bind(email)
        .bind(login_path)
        .bind(&identity.provider)
        .bind(&identity.subject)
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
        .bind(micros(identity.at))
        .bind(effects(along))
        .fetch_one(store.pool())
        .await?;
    Ok(match (spoken_for, linked) {
        (false, _) => Linking::Gone,
        (true, true) => Linking::Linked,
        (true, false) => match store.owner_of(identity).await? {
            Some(owner) if owner == user.as_str() => Linking::Already,
            Some(_) => Linking::Taken,
            None => Linking::Another,
        },
    })
}
