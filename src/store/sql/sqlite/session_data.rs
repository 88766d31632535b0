use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{query, query_as};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;

use super::SqliteStore;
use crate::store::sql::convert::micros;
use crate::store::sql::session_data::{CREATE, DELETE, LOAD, SAVE, backend, key, record};

impl SqliteStore {
    /// Writes a record; answers whether a row was written.
    async fn write(&self, statement: &'static str, record: &Record) -> Result<bool> {
        let record = record.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(statement)
                    .bind(key(&record.id))
                    .bind(Json(&record.data))
                    .bind(micros(record.expiry_date))
                    .execute(connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
        .map_err(backend)
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
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
        let row = query_as(LOAD).bind(key(id)).fetch_optional(self.readers()).await;
        record(id, row.map_err(backend)?)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = *id;
        self.transition(move |connection| {
            Box::pin(async move {
                query(DELETE).bind(key(&id)).execute(connection).await?;
                Ok(())
            })
        })
        .await
        .map_err(backend)
    }
}
