//! Software that shares no code with ours, pointed at the example host over real sockets.

mod agent;
mod api_tokens;
mod browser;
mod configuration;
mod host;
mod impersonation;
mod invitation;
mod openid_client;
mod passkeys;
mod personas;
mod saml;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "social")]
mod social;
#[cfg(feature = "social")]
mod social_browser;
mod totp;
mod trip;
mod two_processes;
mod webhooks;
