use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Position, Url};

use crate::fuzzing::{Input, Outcome};
use crate::provider::check::prove_redirect_uri;
use crate::provider::{AuthMethod, Client, ClientMetadata};

/// What may be registered leads nowhere but to the web by https, to this machine, or to an app; and
/// what is asked for is what was registered, but for the port of a public client's loopback
/// address, by whatever reader.
///
/// The first line is registered, the second asked for.
pub fn redirect_uri(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let lines = (str::from_utf8(input.line()), str::from_utf8(input.line()));
    let (Ok(registered), Ok(asked)) = lines else { return Outcome::Refused };
    let Some(client) = register(registered, AuthMethod::None) else { return Outcome::Refused };
    leads_home(registered);
    assert!(prove_redirect_uri(registered, &client).is_ok());

    let proven = prove_redirect_uri(asked, &client);
    let Ok(proven) = proven else { return Outcome::Refused };
    assert_eq!(proven.as_str(), asked);
    if asked != registered {
        differs_in_port_only(registered, asked);
        let confidential = register(registered, AuthMethod::PrivateKeyJwt);
        assert!(confidential.is_none_or(|client| prove_redirect_uri(asked, &client).is_err()));
    }
    Outcome::Accepted
}

fn register(uri: &str, method: AuthMethod) -> Option<Client> {
    let keys = (method == AuthMethod::PrivateKeyJwt).then(|| "https://c.example/jwks".to_owned());
    let metadata = ClientMetadata {
        redirect_uris: vec![uri.to_owned()],
        token_endpoint_auth_method: Some(method),
        jwks_uri: keys,
        ..ClientMetadata::new("c")
    };
    Client::new(metadata).ok()
}

fn leads_home(uri: &str) {
    assert!(http::HeaderValue::from_str(uri).is_ok());
    let Ok(url) = Url::parse(uri) else { panic!("{uri:?} is no URL") };
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    match url.scheme() {
        "https" => assert!(url.has_host()),
        "http" => assert!(is_this_machine(&url), "{uri:?}"),
        scheme => assert!(scheme.contains('.'), "{uri:?}"),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn differs_in_port_only(registered: &str, asked: &str) {
    leads_home(asked);
    let (Ok(registered), Ok(asked)) = (Url::parse(registered), Url::parse(asked)) else {
        panic!("{asked:?} is no URL");
    };
    let loopback = [Host::Ipv4(Ipv4Addr::LOCALHOST), Host::Ipv6(Ipv6Addr::LOCALHOST)];
    assert_eq!((registered.scheme(), asked.scheme()), ("http", "http"));
    assert_eq!(registered.host(), asked.host());
    assert!(asked.host().is_some_and(|host| loopback.contains(&host.to_owned())), "{asked}");
    assert_eq!(registered[Position::BeforePath..], asked[Position::BeforePath..]);
    assert_ne!(asked.port(), Some(0));
}
