//! What workers have in common: so many deliveries at the same time, until they are stopped.

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Sees deliveries off, each by a task of its own.
pub(super) trait Pump: Send + Sync + 'static {
    /// How many at the same time.
    fn concurrency(&self) -> usize;

    /// How often it is looked for what is due.
    fn poll_every(&self) -> std::time::Duration;

    /// Claims at most so many that are due; what is to be done with each.
    fn claim(&self, free: u32) -> BoxFuture<'_, Vec<BoxFuture<'static, ()>>>;
}

/// Sees off what is due now. Answers how many deliveries were tried.
pub(super) async fn run_once(pump: &impl Pump) -> usize {
    let mut tried = 0;
    loop {
        let mut sending = JoinSet::new();
        take_up(pump, &mut sending).await;
        if sending.is_empty() {
            return tried;
        }
        tried += sending.len();
        while sending.join_next().await.is_some() {}
    }
}

/// Runs in a task of its own until it is stopped, and keeps `companion` for as long. Must be called
/// inside a tokio runtime.
pub(super) fn start(pump: impl Pump, companion: impl Send + 'static) -> RunningWorker {
    let (stop, stopped) = watch::channel(());
    let task = tokio::spawn(async move {
        run(pump, stopped).await;
        drop(companion);
    });
    RunningWorker { stop, task }
}

async fn run(pump: impl Pump, mut stopped: watch::Receiver<()>) {
    let mut sending = JoinSet::new();
    loop {
        if sending.len() < pump.concurrency() {
            take_up(&pump, &mut sending).await;
        }
        let full = sending.len() >= pump.concurrency();
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = sending.join_next() => {}
            () = tokio::time::sleep(pump.poll_every()), if !full => {}
        }
    }
    // What was taken up is brought to an end; what was not, waits for the next worker.
    while sending.join_next().await.is_some() {}
}

/// Claims as much as may be sent now, and begins to send it.
async fn take_up(pump: &impl Pump, sending: &mut JoinSet<()>) {
    let free = u32::try_from(pump.concurrency() - sending.len()).unwrap_or(u32::MAX);
    for delivery in pump.claim(free).await {
        sending.spawn(delivery);
    }
}

/// A worker at work. Dropping it tells the worker to stop, without waiting for it.
#[derive(Debug)]
pub struct RunningWorker {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningWorker {
    /// Stops the worker, and waits until what it was sending is sent.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a worker ended badly");
        }
    }

    /// Kills the worker where it stands, as a crash would; what it was sending is sent again once
    /// its lease has run out.
    pub fn kill(self) {
        self.task.abort();
    }
}
