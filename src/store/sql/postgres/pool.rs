//! A pool whose every call ends in time: a server that takes connections and does not answer must
//! not hold requests for ever.

use std::error::Error as StdError;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Either, Execute, Executor, PgConnection, PgPool,
    Postgres, SqlStr,
};
use tokio::time::Instant;

use super::transaction::Transaction;
use crate::store::sql::{ConnectError, StoreOptions, migrate};

/// How much longer than the server this end waits: an answer that says "too slow" leaves the
/// connection fit for use.
const ON_THE_WAY: Duration = Duration::from_secs(1);
/// How long a connection is waited for.
const ACQUIRE: Duration = Duration::from_secs(5);

/// How often a transition is tried that the database undoes for the sake of another one.
const TRIES: u32 = 4;

/// The connections, to read and to run single-statement transitions with.
#[derive(Clone, Debug)]
pub(in crate::store::sql) struct Pool {
    connections: PgPool,
    patience: Duration,
}

impl Pool {
    /// Migrates the database at `url`, for which there is no deadline, and connects to it.
    pub(super) async fn connect(url: &str, options: StoreOptions) -> Result<Self, ConnectError> {
        let server = PgConnectOptions::from_str(url)?
            .application_name("donjon")
            .log_statements(tracing::log::LevelFilter::Trace);
        let migrating = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE);
        let migrating = match migrating.connect_with(server.clone()).await {
            Err(sqlx::Error::PoolTimedOut) => return Err(cause(&server).await.into()),
            connected => connected?,
        };
        migrate::postgres().run(&migrating).await?;
        migrating.close().await;

        let patience = options.patience;
        let limit = |patience: Duration| patience.as_millis().max(1).to_string();
        let limits = [
            ("statement_timeout", limit(patience)),
            // Who is not heard of any more has given up, though nobody may have told the server.
            ("idle_in_transaction_session_timeout", limit(patience + ON_THE_WAY)),
        ];
        let connections = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .connect_with(server.options(limits))
            .await?;
        Ok(Self { connections, patience: patience + ON_THE_WAY })
    }

    /// Begins a transaction; what is done in it belongs [`within`](Self::within) the deadline too.
    pub(super) async fn begin(&self) -> sqlx::Result<Transaction> {
        let until = Instant::now() + self.patience;
        let begun = async { Transaction::begin(self.connections.acquire().await?, until).await };
        self.within(begun).await
    }

    /// Runs `work`, which is one transaction, and runs it again if the database has undone it.
    pub(super) async fn transition<T, E, F>(&self, work: impl Fn() -> F) -> Result<T, E>
    where
        E: From<sqlx::Error> + StdError + 'static,
        F: Future<Output = Result<T, E>>,
    {
        for _ in 1..TRIES {
            match self.within(work()).await {
                Err(error) if is_undone(&error) => {}
                done => return done,
            }
        }
        self.within(work()).await
    }

    /// Runs `work`, and gives it up when it takes too long.
    pub(super) async fn within<T, E: From<sqlx::Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match tokio::time::timeout(self.patience, work).await {
            Ok(done) => done,
            Err(_) => Err(too_slow(self.patience).into()),
        }
    }
}

async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(too_slow(patience)))
}

fn too_slow(patience: Duration) -> sqlx::Error {
    let text = format!("the database did not answer within {patience:?}");
    sqlx::Error::Io(Error::new(ErrorKind::TimedOut, text))
}

fn is_too_slow(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut)
}

/// Whether the database undid all that a transaction did, since it and another one waited for each
/// other (40P01), or came to the same rows at once (40001).
fn is_undone(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(sqlx::Error::Database(told)) = error.downcast_ref() {
            return told.code().is_some_and(|code| matches!(&*code, "40P01" | "40001"));
        }
        next = error.source();
    }
    false
}

/// Why no connection came: a pool only says that it has waited.
async fn cause(server: &PgConnectOptions) -> sqlx::Error {
    match in_time(ACQUIRE, server.connect()).await {
        Err(error) => error,
        // It came up this very moment.
        Ok(_) => sqlx::Error::PoolTimedOut,
    }
}

/// A statement as it is sent, which can be sent again.
#[derive(Clone)]
struct Asked {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    persistent: bool,
}

impl Asked {
    fn of<'q>(mut query: impl Execute<'q, Postgres>) -> sqlx::Result<Self> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let persistent = query.persistent();
        Ok(Self { sql: query.sql(), arguments, persistent })
    }
}

impl Execute<'static, Postgres> for Asked {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// A connection that somebody works with.
struct Held {
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
}

impl Pool {
    async fn acquire(&self) -> sqlx::Result<Held> {
        let connection = Some(self.connections.acquire().await?);
        Ok(Held { connection, patience: self.patience })
    }
}

impl Held {
    /// Works with the connection. One that does not answer in time is worth nothing any more: to
    /// give it back would be to wait for it.
    async fn work<'h, T, F>(
        &'h mut self,
        work: impl FnOnce(&'h mut PgConnection) -> F,
    ) -> sqlx::Result<T>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let Some(connection) = &mut self.connection else { return Err(sqlx::Error::PoolClosed) };
        in_time(self.patience, work(connection)).await
    }

    /// Sends a statement that stands alone, and so is a transaction by itself: if the database undoes
    /// it, nothing of it is left, and it is sent again.
    async fn ask<T>(
        &mut self,
        asked: &Asked,
        send: impl for<'c> Fn(&'c mut PgConnection, Asked) -> BoxFuture<'c, sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        for _ in 1..TRIES {
            match self.work(|connection| send(connection, asked.clone())).await {
                Err(error) if is_undone(&error) => {}
                done => return done,
            }
        }
        self.work(|connection| send(connection, asked.clone())).await
    }

    /// Gives the connection back after work that ended so.
    fn settle<T>(mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        let connection = self.connection.take();
        if done.as_ref().is_err_and(is_too_slow) {
            drop(connection.map(PoolConnection::detach));
        }
        done
    }
}

impl Drop for Held {
    /// Who was waiting has gone away: the answer is still to come, or it never will.
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let patience = self.patience;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if in_time(patience, connection.ping()).await.is_err() {
                    drop(connection.detach());
                }
            })),
            Err(_) => drop(connection.detach()),
        }
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let all = stream::once(async move {
            let mut held = self.acquire().await?;
            let asked = Asked::of(query)?;
            let done: sqlx::Result<Vec<_>> =
                held.ask(&asked, |c, asked| c.fetch_many(asked).try_collect().boxed()).await;
            held.settle(done)
        });
        all.map_ok(|all| stream::iter(all).map(Ok)).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut held = self.acquire().await?;
            let asked = Asked::of(query)?;
            let done = held.ask(&asked, |c, asked| c.fetch_optional(asked)).await;
            held.settle(done)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut held = self.acquire().await?;
            let done = held.work(|c| c.prepare_with(sql, parameters)).await;
            held.settle(done)
        })
    }
}
