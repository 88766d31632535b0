use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{query, query_as};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;

use super::PostgresStore;
use crate::store::sql::convert::micros;
use crate::store::sql::session_data::{CREATE, DELETE, LOAD, SAVE, backend, key, record};

impl PostgresStore {
    /// Writes a record; answers whether a row was written.
    async fn write(&self, statement: &'static str, record: &Record) -> Result<bool> {
        let done = query(statement)
            .bind(key(&record.id))
            .bind(Json(&record.data))
            .bind(micros(record.expiry_date))
            .execute(self.pool())
            .await
            .map_err(backend)?;
        Ok(done.rows_affected() > 0)
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.write(CREATE, record).await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.write(SAVE, record).await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row = query_as(LOAD).bind(key(id)).fetch_optional(self.pool()).await;
        record(id, row.map_err(backend)?)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        query(DELETE).bind(key(id)).execute(self.pool()).await.map(drop).map_err(backend)
    }
}
