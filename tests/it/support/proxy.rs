//! A proxy in front of a server, which can be told to hold everything back: to whoever is behind
//! it, a server that takes connections and does not answer.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub address: SocketAddr,
    flows: watch::Sender<bool>,
}

impl Proxy {
    /// In front of the server at this address, such as `127.0.0.1:5432`.
    pub async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (flows, flowing) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, flowing.clone()));
                tokio::spawn(pass(from_server, to_client, flowing.clone()));
            }
        });
        Self { address, flows }
    }

    /// Forwards nothing more, until it is told to.
    pub fn hold(&self) {
        self.flows.send_replace(false);
    }

    /// Forwards what was held back, and everything from now on.
    pub fn let_flow(&self) {
        self.flows.send_replace(true);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut flowing: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let length = match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        if flowing.wait_for(|flows| *flows).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
