//! One statement under a lock. The two are sent apart, so that the statement's snapshot is taken when
//! whoever held the lock before is done.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{Encode, FromRow, Postgres, Type};

use super::PostgresStore;
use crate::store::{Result, StoreError};

impl PostgresStore {
    /// Takes a lock, which is a statement about `$1`, asks the other statement, and commits what it
    /// did.
    pub(super) async fn under_lock<'q, K, T>(
        &self,
        (lock, key): (&'static str, K),
        statement: impl Fn() -> QueryAs<'q, Postgres, T, PgArguments> + Sync,
    ) -> Result<T>
    where
        K: Copy + Send + Sync + Encode<'q, Postgres> + Type<Postgres> + 'q,
        T: Send + Unpin + for<'r> FromRow<'r, PgRow>,
    {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(lock).bind(key).execute(&mut *transaction).await?;
            let told = statement().fetch_one(&mut *transaction).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(told)
        };
        self.pool().transition(work).await
    }
}
