use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, Postgres};
use tokio::time::{Instant, timeout_at};

/// A transaction. One that is dropped before it is committed is rolled back; if the database does not
/// say so before the deadline, the connection is closed, and nobody waits for it: what a pool takes
/// back it waits for without one.
#[derive(Debug)]
pub(super) struct Transaction {
    /// There, until it is given away.
    connection: Option<PoolConnection<Postgres>>,
    until: Instant,
}

impl Transaction {
    pub(super) async fn begin(
        connection: PoolConnection<Postgres>,
        until: Instant,
    ) -> sqlx::Result<Self> {
        let mut begun = Self { connection: Some(connection), until };
        begun.execute("BEGIN").await?;
        Ok(begun)
    }

    /// # Errors
    /// What was done may be lost or not if the database does not answer any more.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        self.execute("COMMIT").await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let until = self.until;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                let undone = timeout_at(until, connection.execute("ROLLBACK")).await;
                if !matches!(undone, Ok(Ok(_))) {
                    drop(connection.detach());
                }
            })),
            Err(_) => drop(connection.detach()),
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    #[expect(clippy::expect_used, reason = "only who gives up the transaction takes it")]
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("a transaction that is not over")
    }
}

impl DerefMut for Transaction {
    #[expect(clippy::expect_used, reason = "only who gives up the transaction takes it")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a transaction that is not over")
    }
}
