//! A proxy in front of a server, which can be told to hold everything back: to whoever is behind
//! it, a server that takes connections and does not answer.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub address: SocketAddr,
    flows: watch::Sender<Flow>,
}

/// What is forwarded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Everything,
    Nothing,
    /// Everything up to a request with this word.
    Until(&'static str),
    /// No request, but what is answered.
    Answers,
}

impl Flow {
    fn lets_requests(&self) -> bool {
        matches!(self, Self::Everything | Self::Until(_))
    }
}

impl Proxy {
    /// In front of the server at this address, such as `127.0.0.1:5432`.
    pub async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (flows, flowing) = watch::channel(Flow::Everything);
        let held = flows.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, flowing.clone(), Some(held.clone())));
                tokio::spawn(pass(from_server, to_client, flowing.clone(), None));
            }
        });
        Self { address, flows }
    }

    /// Forwards nothing more, until it is told to.
    pub fn hold(&self) {
        self.flows.send_replace(Flow::Nothing);
    }

    /// Forwards no more requests once there was one with this word.
    pub fn hold_after(&self, word: &'static str) {
        self.flows.send_replace(Flow::Until(word));
    }

    /// Forwards what was held back, and everything from now on.
    pub fn let_flow(&self) {
        self.flows.send_replace(Flow::Everything);
    }
}

/// Forwards requests, if it may `hold` those that follow, and answers otherwise.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flowing: watch::Receiver<Flow>,
    hold: Option<watch::Sender<Flow>>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let length = match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let passes = |flow: &Flow| match &hold {
            Some(_) => flow.lets_requests(),
            None => *flow != Flow::Nothing,
        };
        let Ok(flow) = flowing.wait_for(passes).await.map(|flow| *flow) else { return };
        if let (Flow::Until(word), Some(hold)) = (flow, &hold)
            && bytes[..length].windows(word.len()).any(|part| part == word.as_bytes())
        {
            hold.send_replace(Flow::Answers);
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
