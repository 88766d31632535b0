//! "Log in with Lantern": what the host and its neighbour, an OpenID Provider, agreed on.

use donjon::account::social::{Provider, Social};
use donjon::http::Egress;

use crate::config::Config;
use crate::neighbours::openid_provider::{CLIENT, ISSUER, Registration};

/// What Lantern is called in addresses.
const ID: &str = "lantern";
const SECRET: &str = "a-secret-that-only-Lantern-and-the-host-know";

pub(crate) fn registration(config: &Config) -> Registration {
    let redirect_uri = format!("{}/login/with/{ID}/callback", config.issuer);
    Registration { secret: SECRET.to_owned(), redirect_uri }
}

/// The host's side of it. Lantern knows whose an address is, since it is hers to give.
pub(crate) fn social(egress: Egress) -> Social {
    let lantern = Provider::openid(ID, "Lantern", ISSUER, CLIENT).secret(SECRET).trust_email();
    Social::new([lantern.danger_authorize_on_loopback()]).egress(egress)
}
