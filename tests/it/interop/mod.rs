//! Software that shares no code with ours, pointed at the example host over real sockets.

mod agent;
mod browser;
mod host;
mod openid_client;
mod saml;
mod trip;
mod two_processes;
