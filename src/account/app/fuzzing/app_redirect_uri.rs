use url::{Host, Url};

use crate::account::app::redirect::{RedirectUri, identifies};
use crate::fuzzing::{Input, Outcome};
use crate::http::redirect::{form_action, with_query};

/// What is asked for is what was registered, but for the port of this machine; a code goes there, and
/// nowhere else.
///
/// The first line is what an app registers, the second what is asked for, the rest is `state`.
pub fn app_redirect_uri(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let lines = (str::from_utf8(input.line()), str::from_utf8(input.line()));
    let (Ok(registered), Ok(asked)) = lines else { return Outcome::Refused };
    let Some(uri) = RedirectUri::parse(registered) else { return Outcome::Refused };
    assert!(uri.admits(registered));
    is_of_an_app(registered);
    if !uri.admits(asked) {
        return Outcome::Refused;
    }
    is_of_an_app(asked);
    if asked != registered {
        differs_in_port_only(registered, asked);
        assert!(!identifies(asked));
    }
    let state = String::from_utf8_lossy(input.rest());
    leads_there(asked, &state);
    Outcome::Accepted
}

fn parse(uri: &str) -> Url {
    let Ok(url) = Url::parse(uri) else { panic!("{uri:?} is no URL") };
    url
}

fn is_of_an_app(uri: &str) {
    let url = parse(uri);
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    match url.scheme() {
        "https" => assert!(url.has_host() && identifies(uri)),
        "http" => assert!(is_this_machine(&url) && !identifies(uri), "{uri:?}"),
        scheme => assert!(scheme.contains('.') && !identifies(uri), "{uri:?}"),
    }
    let source = form_action(uri);
    let ends = |c: char| c.is_whitespace() || c == ';' || c == ',';
    assert!(!source.is_empty() && !source.contains(ends), "{source:?}");
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

fn differs_in_port_only(registered: &str, asked: &str) {
    let (mut registered, mut asked) = (parse(registered), parse(asked));
    assert!(is_this_machine(&registered) && is_this_machine(&asked));
    for url in [&mut registered, &mut asked] {
        assert_eq!(url.set_port(None), Ok(()));
    }
    assert_eq!(registered, asked);
}

/// With the code and the state, and with whatever query it had before them.
fn leads_there(uri: &str, state: &str) {
    let sent = with_query(uri, &[("code", "secret"), ("state", state)]);
    assert!(http::HeaderValue::from_str(&sent).is_ok());
    let (url, target) = (parse(uri), parse(&sent));
    let place = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (url.scheme().to_owned(), host, url.port(), url.path().to_owned())
    };
    assert_eq!(place(&url), place(&target), "{sent:?}");
    assert!(target.fragment().is_none());
    let before: Vec<_> = url.query_pairs().into_owned().collect();
    let mut after: Vec<_> = target.query_pairs().into_owned().collect();
    assert_eq!(after.pop(), Some(("state".to_owned(), state.to_owned())));
    assert_eq!(after.pop(), Some(("code".to_owned(), "secret".to_owned())));
    assert_eq!(after, before);
}
