//! Whoever owns the domain of an address says whose identity belongs to it.

use super::SqliteStore;
use super::audit::write_effects;
use super::identity::{insert_identity, owner_of};
use crate::scope::UserId;
use crate::store::sql::single_sign_on::spoken_for;
use crate::store::{Effects, Linking, NewIdentity, Result};

pub(super) async fn link(
    store: &SqliteStore,
    (user, email): (&UserId, &str),
    login_path: &str,
    identity: &NewIdentity,
    along: &Effects,
) -> Result<Linking> {
    let (user, email, login_path) = (user.clone(), email.to_owned(), login_path.to_owned());
    let (identity, along) = (identity.clone(), along.clone());
    store
        .transition(move |connection| {
            Box::pin(async move {
                let there: Option<String> = sqlx::query_scalar(spoken_for!())
                    .bind(user.as_str())
                    .bind(email)
                    .bind(login_path)
                    .fetch_optional(&mut *connection)
                    .await?;
                if there.is_none() {
                    return Ok(Linking::Gone);
                }
                match owner_of(connection, &identity).await? {
                    Some(owner) if owner == user.as_str() => return Ok(Linking::Already),
                    Some(_) => return Ok(Linking::Taken),
                    None => {}
                }
                let another: bool = sqlx::query_scalar(
                    "SELECT EXISTS
                     (SELECT 1 FROM donjon_identities WHERE user_id = ?1 AND provider = ?2)",
                )
                .bind(user.as_str())
                .bind(&identity.provider)
                .fetch_one(&mut *connection)
                .await?;
                if another {
                    return Ok(Linking::Another);
                }
                insert_identity(connection, &user, &identity).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(Linking::Linked)
            })
        })
        .await
}
