//! A login that is refused: as many statements for every reason.

use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::audit::write_effects;
use super::steps::{count_against_limit, write_link_if};
use crate::store::sql::account::{address_key, device_of};
use crate::store::sql::mail_link::request_key;
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
    let key = request_key(link.purpose, email);
    let times = count_against_limit(connection, &key, limit, now, waits).await?;
    let limited = times > i64::from(limit.times);
    let sent = write_link_if(connection, email, link, waits && !limited).await?;
    Ok(LinkRequest::of(sent, limited))
}
