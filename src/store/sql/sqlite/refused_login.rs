//! A login that is refused: as many statements for every reason.

use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::audit::write_effects;
use super::steps::{count_link_request, write_link_if};
use crate::store::sql::account::{address_key, device_of};
use crate::store::{LinkRequest, LoginRefusal, Result};

pub(super) async fn refuse_login(
    connection: &mut SqliteConnection,
    email: &str,
    refusal: &LoginRefusal,
    now: OffsetDateTime,
) -> Result<LinkRequest> {
    write_effects(connection, &refusal.refused, None).await?;
    let (link, limit, waits) = (&refusal.link, refusal.limit, refusal.unconfirmed.is_some());
    sqlx::query(
        "DELETE FROM donjon_login_attempts WHERE ?1 AND key = coalesce(
             (SELECT 'device:' || u.id || ':' || ?2 FROM donjon_users u WHERE u.email = ?3), ?4)",
    )
    .bind(waits)
    .bind(refusal.unconfirmed.and_then(device_of))
    .bind(email)
    .bind(address_key(email))
    .execute(&mut *connection)
    .await?;
    let (what, limits) = ((link.purpose, email), (limit, now));
    let (times, owner) = count_link_request(connection, what, limits, waits).await?;
    let limited = times > i64::from(limit.times);
    let owner = owner.filter(|_| !limited);
    let sent = write_link_if(connection, (owner.as_ref(), email), link).await?;
    Ok(LinkRequest::of(sent, limited))
}
