use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, Span};

use crate::store::{Result, StoreError};

/// Transitions that wait, before callers have to.
const QUEUE: usize = 1024;
/// Transitions in one commit.
const GROUP: usize = 64;

/// The one task that writes. Each transition is a savepoint inside a transaction that it shares
/// with those that waited at the same time, so that one sync to disk pays for all of them.
#[derive(Debug)]
pub(super) struct Writer(mpsc::Sender<Box<dyn Job>>);

impl Writer {
    pub(super) fn spawn(options: SqliteConnectOptions) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(options, receiver));
        Self(sender)
    }

    pub(super) async fn run<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Transition { work, reply, span: Span::current() });
        self.0.send(job).await.map_err(|_| unavailable("the writer has stopped"))?;
        answer.await.map_err(|_| unavailable("the writer stopped before the transition ended"))?
    }
}

fn unavailable(reason: &'static str) -> StoreError {
    StoreError::Unavailable(reason.into())
}

/// A transition that waits for its turn.
trait Job: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// The span of whoever waits: statements are traced where they were asked for.
    fn span(&self) -> Span;
    /// Does the work inside its savepoint.
    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Box<dyn Ran>>;
    /// Answers that the store failed before the work began.
    fn fail(self: Box<Self>, error: StoreError);
}

/// A transition that ran and waits for the commit.
trait Ran: Send {
    /// Whether its changes are to be committed.
    fn keeps(&self) -> bool;
    /// Answers the caller once the commit has gone through, or has not.
    fn acknowledge(self: Box<Self>, commit: Result<()>);
}

struct Transition<T, W> {
    work: W,
    reply: oneshot::Sender<Result<T>>,
    span: Span,
}

struct Decided<T> {
    result: Result<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, W> Job for Transition<T, W>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn span(&self) -> Span {
        self.span.clone()
    }

    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Box<dyn Ran>> {
        Box::pin(async move {
            let Self { work, reply, span } = *self;
            let result = AssertUnwindSafe(async { work(connection).await })
                .catch_unwind()
                .instrument(span)
                .await
                .unwrap_or_else(|_| Err(unavailable("the transition panicked")));
            Box::new(Decided { result, reply }) as Box<dyn Ran>
        })
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

impl<T: Send> Ran for Decided<T> {
    fn keeps(&self) -> bool {
        self.result.is_ok() && !self.reply.is_closed()
    }

    fn acknowledge(self: Box<Self>, commit: Result<()>) {
        let _ = self.reply.send(commit.and(self.result));
    }
}

async fn write(options: SqliteConnectOptions, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut connection = None;
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        let waiting: Vec<_> = group.drain(..).filter(|job| !job.is_abandoned()).collect();
        // The transaction itself is traced with the first of those who share it.
        let span = waiting.first().map_or_else(Span::none, |job| job.span());
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => options.connect().await,
        };
        connection = match open {
            Ok(open) => write_group(open, waiting).instrument(span).await,
            Err(error) => {
                tracing::error!(%error, "the database cannot be opened for writing");
                fail_all(waiting);
                None
            }
        };
    }
}

/// Writes a group in one transaction; gives the connection back if it is still sound.
async fn write_group(
    mut connection: SqliteConnection,
    jobs: Vec<Box<dyn Job>>,
) -> Option<SqliteConnection> {
    if let Err(error) = connection.execute("BEGIN IMMEDIATE").await {
        tracing::error!(%error, "a transaction could not begin");
        fail_all(jobs);
        return None;
    }
    let mut ran = Vec::with_capacity(jobs.len());
    for job in jobs {
        match write_one(&mut connection, job).await {
            Ok(done) => ran.push(done),
            Err((done, error)) => {
                // The savepoint is in doubt, and with it the transaction: nothing is kept.
                tracing::error!(%error, "a savepoint failed");
                ran.push(done);
                let _ = connection.execute("ROLLBACK").await;
                return acknowledge(ran, Err(error), None);
            }
        }
    }
    match connection.execute("COMMIT").await {
        Ok(_) => acknowledge(ran, Ok(()), Some(connection)),
        Err(error) => {
            tracing::error!(%error, "a commit failed");
            let _ = connection.execute("ROLLBACK").await;
            acknowledge(ran, Err(error), None)
        }
    }
}

async fn write_one(
    connection: &mut SqliteConnection,
    job: Box<dyn Job>,
) -> Result<Box<dyn Ran>, (Box<dyn Ran>, sqlx::Error)> {
    let begun = connection.execute("SAVEPOINT transition").await;
    let done = job.run(connection).await;
    let end = if done.keeps() {
        "RELEASE transition"
    } else {
        "ROLLBACK TO transition; RELEASE transition"
    };
    match begun.and(connection.execute(end).await) {
        Ok(_) => Ok(done),
        Err(error) => Err((done, error)),
    }
}

fn acknowledge(
    ran: Vec<Box<dyn Ran>>,
    commit: Result<(), sqlx::Error>,
    connection: Option<SqliteConnection>,
) -> Option<SqliteConnection> {
    let failed = commit.is_err();
    for done in ran {
        done.acknowledge(if failed { Err(unavailable("the commit failed")) } else { Ok(()) });
    }
    connection
}

fn fail_all(jobs: Vec<Box<dyn Job>>) {
    for job in jobs {
        job.fail(unavailable("the database cannot be written to"));
    }
}
