//! The endpoints: one table, from which both the routes and the server's metadata come.

mod metadata;

use std::collections::HashMap;

use http::Method;

pub(crate) use self::metadata::metadata;
use super::BuildError;
use super::issuer::Issuer;
use crate::http::Mount;

/// Something the server answers at a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The metadata, where OpenID Connect Discovery, section 4, puts them.
    OpenIdConfiguration,
    /// The metadata, where RFC 8414, section 3, puts them.
    AuthorizationServerMetadata,
    /// The public keys: RFC 7517, section 5.
    Jwks,
    /// Where codes, refresh tokens and credentials become tokens: RFC 6749, section 3.2.
    Token,
    /// Where a client learns about the user: OpenID Connect Core, section 5.3.
    Userinfo,
    /// Where a client gives tokens back: RFC 7009.
    Revocation,
    /// Where a confidential client asks about a token: RFC 7662.
    Introspection,
    /// Where a client sends the user: RFC 6749, section 3.1.
    Authorization,
    /// Where the user comes back to after logging in, and agrees: one path below this one for
    /// each authorization.
    Interaction,
}

/// What is fixed about an endpoint.
struct Entry {
    endpoint: Endpoint,
    /// Where it is unless the host says otherwise, below the issuer's path; `None` if its place
    /// is not the host's to choose.
    path: Option<&'static str>,
    methods: &'static [Method],
    /// The metadata member that holds its URL.
    metadata: Option<&'static str>,
    mount: Mount,
    /// Whether scripts of other sites may call it.
    cors: bool,
}

const GET_AND_POST: &[Method] = &[Method::GET, Method::POST];
const POST: &[Method] = &[Method::POST];
const GET: &[Method] = &[Method::GET, Method::HEAD];

/// The table.
const ENTRIES: &[Entry] = &[
    Entry {
        endpoint: Endpoint::OpenIdConfiguration,
        path: None,
        methods: GET,
        metadata: None,
        mount: Mount::ENDPOINT,
        cors: true,
    },
    Entry {
        endpoint: Endpoint::AuthorizationServerMetadata,
        path: None,
        methods: GET,
        metadata: None,
        mount: Mount::ENDPOINT,
        cors: true,
    },
    Entry {
        endpoint: Endpoint::Jwks,
        path: Some("/oauth/jwks"),
        methods: GET,
        metadata: Some("jwks_uri"),
        mount: Mount::ENDPOINT,
        cors: true,
    },
    Entry {
        endpoint: Endpoint::Token,
        path: Some("/oauth/token"),
        methods: POST,
        metadata: Some("token_endpoint"),
        mount: Mount::ENDPOINT,
        cors: true,
    },
    Entry {
        endpoint: Endpoint::Userinfo,
        path: Some("/oauth/userinfo"),
        methods: GET_AND_POST,
        metadata: Some("userinfo_endpoint"),
        mount: Mount::ENDPOINT,
        cors: true,
    },
    Entry {
        endpoint: Endpoint::Revocation,
        path: Some("/oauth/revoke"),
        methods: POST,
        metadata: Some("revocation_endpoint"),
        mount: Mount::ENDPOINT,
        cors: false,
    },
    Entry {
        endpoint: Endpoint::Introspection,
        path: Some("/oauth/introspect"),
        methods: POST,
        metadata: Some("introspection_endpoint"),
        mount: Mount::ENDPOINT,
        cors: false,
    },
    Entry {
        endpoint: Endpoint::Authorization,
        path: Some("/oauth/authorize"),
        methods: GET_AND_POST,
        metadata: Some("authorization_endpoint"),
        mount: Mount::ENDPOINT,
        cors: false,
    },
    Entry {
        endpoint: Endpoint::Interaction,
        path: Some("/oauth/interactions"),
        methods: GET_AND_POST,
        metadata: None,
        mount: Mount::PAGE,
        cors: false,
    },
];

/// An endpoint in its place.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) path: String,
    pub(crate) methods: &'static [Method],
    pub(crate) metadata: Option<&'static str>,
    pub(crate) mount: Mount,
    pub(crate) cors: bool,
}

impl Route {
    /// Whether a path is this endpoint's; an interaction's is one segment longer.
    fn answers(&self, path: &str) -> bool {
        if self.endpoint != Endpoint::Interaction {
            return self.path == path;
        }
        let child = path.strip_prefix(&self.path).and_then(|rest| rest.strip_prefix('/'));
        child.is_some_and(|child| !child.contains('/'))
    }
}

/// All endpoints in their places.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    routes: Vec<Route>,
}

impl Registry {
    /// Puts each endpoint in its place: where the host says, or where it is by default.
    pub(crate) fn new(
        issuer: &Issuer,
        moved: &HashMap<Endpoint, String>,
    ) -> Result<Self, BuildError> {
        let routes: Vec<Route> = ENTRIES.iter().map(|entry| entry.route(issuer, moved)).collect();
        for (index, route) in routes.iter().enumerate() {
            if moved.contains_key(&route.endpoint) && !is_plain_path(&route.path) {
                return Err(BuildError::Path(route.path.clone()));
            }
            if routes.iter().skip(index + 1).any(|other| other.path == route.path) {
                return Err(BuildError::Path(route.path.clone()));
            }
        }
        Ok(Self { routes })
    }

    /// The endpoint at a path.
    pub(crate) fn find(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.answers(path))
    }

    /// The path of an endpoint.
    pub(crate) fn path(&self, endpoint: Endpoint) -> &str {
        self.routes.iter().find(|route| route.endpoint == endpoint).map_or("", |route| &route.path)
    }

    /// The last segment of a path below an endpoint's.
    pub(crate) fn child_of<'a>(&self, endpoint: Endpoint, path: &'a str) -> &'a str {
        path.strip_prefix(self.path(endpoint)).and_then(|rest| rest.strip_prefix('/')).unwrap_or("")
    }

    /// All endpoints.
    pub(crate) fn routes(&self) -> &[Route] {
        &self.routes
    }
}

impl Entry {
    fn route(&self, issuer: &Issuer, moved: &HashMap<Endpoint, String>) -> Route {
        let path = match (self.path, moved.get(&self.endpoint)) {
            (Some(_), Some(path)) => path.clone(),
            (Some(path), None) => format!("{}{path}", issuer.path()),
            (None, _) => well_known(self.endpoint, issuer),
        };
        let Self { endpoint, methods, metadata, mount, cors, .. } = *self;
        Route { endpoint, path, methods, metadata, mount, cors }
    }
}

fn well_known(endpoint: Endpoint, issuer: &Issuer) -> String {
    let path = issuer.path();
    match endpoint {
        Endpoint::AuthorizationServerMetadata => {
            format!("/.well-known/oauth-authorization-server{path}")
        }
        _ => format!("{path}/.well-known/openid-configuration"),
    }
}

fn is_plain_path(path: &str) -> bool {
    let segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}
