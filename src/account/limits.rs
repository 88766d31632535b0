//! How often forms may be posted. It is counted in the store, before anything else is done, and told
//! by the headers of draft-ietf-httpapi-ratelimit-headers.
//!
//! What is told is what the visitor's own network has left. What is left for an account is not: it
//! would tell a stranger what others, its owner among them, are doing.

use std::sync::{Arc, Mutex, Once, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use time::{Duration, OffsetDateTime};

use super::config::Flow;
use super::site::{Site, Visit};
use super::{AccountError, Email, settings};
use crate::http::{Network, respond};
#[cfg(any(feature = "passkeys", feature = "social"))]
use crate::scope::UserId;
use crate::store::{DeviceId, LimitCount, LimitUse, RateLimit};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
/// The network of those of whose address nothing is known.
const UNKNOWN: &str = "unknown";

/// How often the forms of the account pages may be posted. A network is an IPv4 address, or an IPv6
/// network of 56 bits: what one customer of a provider has. Its address is that which the
/// [`SessionLayer`](crate::session::SessionLayer) saw, from the server's
/// [`PeerAddr`](crate::http::PeerAddr) (or axum's `ConnectInfo`) and the layer's trusted proxies.
///
/// All whose address a server does not say are of one network, and the log says what to add. So who
/// guesses has no more guesses there than anywhere, but could use up everybody's; whom that must not
/// keep out is counted apart: who is logged in by user, and a browser that the account is known by by
/// itself. A user has as many tries about one account as a network. Apps show secrets that nobody
/// guesses, and are not counted together.
/// [`AccountLayerBuilder::danger_ignore_unknown_peers`](super::AccountLayerBuilder::danger_ignore_unknown_peers)
/// is to have no such network.
///
/// Beyond a limit the answer is 429, with `Retry-After`. An address that nobody has is counted like
/// any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Forms of any kind, by one network: 600 in 10 minutes.
    pub forms: RateLimit,
    /// Logins, and what follows on them (codes, the choice of another password); and, counted apart, the
    /// digits by which addresses are confirmed: 300 in 10 minutes by one network (a company may be
    /// behind one address), 20 by one network for one account, 100 for one account in all. Each
    /// browser that the user is known by has a hundred of its own. Logins by other providers are
    /// counted by network before the provider is asked: who proves to it who they are has nothing to
    /// guess here.
    pub logins: FormLimits,
    /// Registrations, and requests for mails: 60 in 10 minutes by one network, 10 by one network for
    /// one address, 30 for one address in all.
    pub mails: FormLimits,
    /// Calls by apps of the host's own.
    pub apps: AppLimits,
}

/// How often apps of the host's own ([`app`](super::app)) may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppLimits {
    /// Calls of any kind, by one network: 6000 in 10 minutes, since a mobile carrier may have many
    /// phones behind one address.
    pub per_network: RateLimit,
    /// Calls that open nothing, by one network: 300 in 10 minutes.
    pub refused: RateLimit,
    /// Refreshes of one session: 60 in 10 minutes.
    pub per_session: RateLimit,
    /// Codes by which one user lets apps in: 60 in 10 minutes.
    pub codes: RateLimit,
}

/// How often one kind of form may be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// By one network.
    pub per_network: RateLimit,
    /// By one network, about one account.
    pub per_pair: RateLimit,
    /// About one account, by all networks together.
    pub per_account: RateLimit,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = |times| RateLimit { times, window: Duration::minutes(10) };
        let kind = |network, pair, account| FormLimits {
            per_network: limit(network),
            per_pair: limit(pair),
            per_account: limit(account),
        };
        let apps = AppLimits {
            per_network: limit(6000),
            refused: limit(300),
            per_session: limit(60),
            codes: limit(60),
        };
        Self { forms: limit(600), logins: kind(300, 20, 100), mails: kind(60, 10, 30), apps }
    }
}

/// A kind of form that is limited more than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Login,
    Mail,
    /// Six digits that were mailed.
    Code,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Login => "logins",
            Self::Mail => "mails",
            Self::Code => "codes",
        }
    }

    fn limits(self, limits: &Limits) -> FormLimits {
        match self {
            Self::Login | Self::Code => limits.logins,
            Self::Mail => limits.mails,
        }
    }
}

/// Whom a form is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whom<'a> {
    /// The address as it was typed and normalised, or else the id.
    pub(super) account: &'a str,
    /// What there is to say that it is the account's user who posts it.
    pub(super) known: Known,
}

/// What there is to say that a form is posted by the user it is about. Each is counted apart from
/// strangers, who use nothing of it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing.
    Not,
    /// They have proven another factor, or are logged in.
    ByProof,
    /// A browser that once was theirs. Whether it still is, the store knows: so each is counted by
    /// itself, and one that is not any more uses nothing up but its own.
    ByBrowser(DeviceId),
}

/// What a request counts as.
#[derive(Debug, Default)]
pub(super) struct Uses {
    uses: Vec<LimitUse>,
    /// What each is called in public, if it is told there.
    names: Vec<Option<&'static str>>,
}

/// What a visitor is told of the limits that they were counted against.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Vec<Counted>>>);

/// What a limit is called in public, what it is, and how far it is used.
type Counted = (&'static str, RateLimit, LimitCount);

impl Uses {
    /// What posting a form of this kind counts as.
    fn of(site: &Site, visit: &Visit, kind: Kind, whom: Option<Whom<'_>>) -> Self {
        let limits = kind.limits(&site.policy.limits);
        let (name, origin) = (kind.name(), Origin::of(site, visit));
        let known = whom.map_or(Known::Not, |whom| whom.known);
        let mut uses = Self::default();
        if let Some(network) = origin.counted(known) {
            let key = format!("{name}:network:{network}");
            uses.add(key, limits.per_network, Some(name));
        }
        if let Some(Whom { account, known }) = whom {
            if let Origin::Network(from) | Origin::User(from) = &origin {
                let key = format!("{name}:pair:{from}:{account}");
                uses.add(key, limits.per_pair, Some("account"));
            }
            // Mails have the limits that their transitions count anyway. Who is known is counted at
            // the same cost.
            if origin != Origin::Ignored || kind == Kind::Login {
                let key = match known {
                    Known::Not => format!("{name}:account:{account}"),
                    Known::ByProof => format!("{name}:known:{account}"),
                    Known::ByBrowser(id) => format!("{name}:known:{account}:{}", id.0),
                };
                uses.add(key, limits.per_account, None);
            }
        }
        uses
    }

    /// What a login, or a code, counts as, with the form itself unless that was counted.
    pub(super) fn of_login(site: &Site, visit: &Visit, whom: Whom<'_>) -> Self {
        let login = Self::of(site, visit, Kind::Login, Some(whom));
        Self::of_form_by(site, visit, whom.known).and(login)
    }

    /// What posting any form counts as; nothing if that was counted.
    pub(super) fn of_form_unless_counted(site: &Site, visit: &Visit) -> Self {
        Self::of_form_by(site, visit, Known::Not)
    }

    fn of_form_by(site: &Site, visit: &Visit, known: Known) -> Self {
        let form = visit.told.is_empty().then(|| Self::of_form(site, visit, known));
        form.unwrap_or_default()
    }

    /// The same, of somebody who may not be known by then.
    #[cfg(any(feature = "passkeys", feature = "social"))]
    pub(super) fn of_attempt(site: &Site, visit: &Visit, user: Option<&UserId>) -> Self {
        let whom = user.map(|user| Whom { account: user.as_str(), known: Known::ByProof });
        let login = Self::of(site, visit, Kind::Login, whom);
        let known = whom.map_or(Known::Not, |whom| whom.known);
        Self::of_form_by(site, visit, known).and(login)
    }

    /// What posting any form counts as.
    fn of_form(site: &Site, visit: &Visit, known: Known) -> Self {
        let mut uses = Self::default();
        if let Some(network) = Origin::of(site, visit).counted(known) {
            uses.add(format!("forms:network:{network}"), site.policy.limits.forms, Some("forms"));
        }
        uses
    }

    pub(super) fn add(&mut self, key: String, limit: RateLimit, name: Option<&'static str>) {
        self.uses.push(LimitUse { key, limit });
        self.names.push(name);
    }

    fn and(mut self, other: Self) -> Self {
        self.uses.extend(other.uses);
        self.names.extend(other.names);
        self
    }

    /// For the store.
    pub(super) fn list(&self) -> &[LimitUse] {
        &self.uses
    }

    /// Whether the request may go on, now that the store has counted.
    pub(super) fn judge(
        &self,
        visit: &Visit,
        counts: &[LimitCount],
        now: OffsetDateTime,
    ) -> Result<(), AccountError> {
        let mut refused = None;
        for ((used, name), count) in self.uses.iter().zip(&self.names).zip(counts) {
            if let Some(name) = name {
                visit.told.add(name, used.limit, *count);
            }
            if count.is_over(used.limit) {
                refused = Some(AccountError::Limited(respond::seconds_until(count.until, now)));
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// Counts a form that was posted, in a transition of its own.
pub(super) async fn count_form(site: &Site, visit: &Visit, flow: Flow) -> Result<(), AccountError> {
    let mut uses = Uses::of_form(site, visit, Known::Not);
    if sends_mail(flow) {
        let form = visit.form()?;
        let email = form.get("email")?.and_then(|email| Email::parse(email).ok());
        let whom = email.as_ref().map(|email| Whom { account: email.as_str(), known: Known::Not });
        uses = uses.and(Uses::of(site, visit, Kind::Mail, whom));
    }
    if takes_code(flow) {
        let form = visit.form()?;
        if form.get("code")?.is_some() {
            let email = form.get("email")?.and_then(|email| Email::parse(email).ok());
            let account = email.as_ref().map(Email::as_str);
            let whom = account.map(|account| Whom { account, known: Known::Not });
            uses = uses.and(Uses::of(site, visit, Kind::Code, whom));
        }
    }
    if flow == Flow::NewPassword
        && let Some((pending, _)) = site.pending.read(&visit.headers, site.now())
    {
        let whom = Whom { account: pending.user.as_str(), known: Known::ByProof };
        uses = uses.and(Uses::of(site, visit, Kind::Login, Some(whom)));
    }
    count(site, visit, &uses).await
}

/// Counts a login by another provider, in a transition of its own, with the form itself unless that
/// was counted. Whose it is is not known by then.
#[cfg(feature = "social")]
pub(super) async fn count_login(site: &Site, visit: &Visit) -> Result<(), AccountError> {
    count(site, visit, &Uses::of_attempt(site, visit, None)).await
}

/// Counts what a request counts as, in a transition of its own.
pub(super) async fn count(site: &Site, visit: &Visit, uses: &Uses) -> Result<(), AccountError> {
    if uses.list().is_empty() {
        return Ok(());
    }
    let now = site.now();
    let counts = site.store.count_uses(uses.list(), now).await?;
    uses.judge(visit, &counts, now)
}

/// Whether a form has something mailed to an address that is typed there.
fn sends_mail(flow: Flow) -> bool {
    #[cfg(feature = "social")]
    if matches!(flow, Flow::Social(_, super::social::Flow::Email)) {
        return true;
    }
    matches!(
        flow,
        Flow::Register
            | Flow::Resend
            | Flow::ForgotPassword
            | Flow::LoginLink
            | Flow::Settings(settings::Flow::Email)
    )
}

/// Whether digits that were mailed may be typed into a form.
fn takes_code(flow: Flow) -> bool {
    matches!(flow, Flow::Confirm | Flow::Settings(settings::Flow::EmailConfirm))
}

/// Where a visitor comes from, as far as limits go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// A network.
    Network(String),
    /// Nobody knows, but for who is logged in.
    User(String),
    /// Nobody knows: all of these are counted together.
    Unknown,
    /// Nobody knows, and the host wants nobody counted for it.
    Ignored,
}

impl Origin {
    fn of(site: &Site, visit: &Visit) -> Self {
        if let Some(network) = network(visit) {
            return Self::Network(network);
        }
        if site.ignores_unknown_peers {
            return Self::Ignored;
        }
        tell_host();
        match visit.session.scope().account() {
            Some(account) => Self::User(format!("user:{}", account.id())),
            None => Self::Unknown,
        }
    }

    /// What it is counted as. What strangers share does not keep those out who are known.
    fn counted(&self, known: Known) -> Option<&str> {
        match self {
            Self::Network(name) | Self::User(name) => Some(name),
            Self::Unknown => (known == Known::Not).then_some(UNKNOWN),
            Self::Ignored => None,
        }
    }
}

fn tell_host() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::error!(
            "requests come without the address of their peer, so all visitors share the limits of \
             one network: serve an axum router by \
             `into_make_service_with_connect_info::<SocketAddr>()` (feature `axum`), and have any \
             other server put a `donjon::http::PeerAddr` into the extensions of each request"
        );
    });
}

/// The network that a visitor is in, if it is known.
pub(super) fn network(visit: &Visit) -> Option<String> {
    let address = visit.session.device().address;
    address.map(|address| Network::around(address).to_string())
}

impl Told {
    fn add(&self, name: &'static str, limit: RateLimit, count: LimitCount) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, limit, count));
    }

    /// Whether nothing was counted that is told.
    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Adds the headers to an answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap, now: OffsetDateTime) {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = |item: &dyn Fn(&(&str, RateLimit, LimitCount)) -> String| {
            let items: Vec<String> = told.iter().map(item).collect();
            HeaderValue::try_from(items.join(", ")).ok().filter(|_| !items.is_empty())
        };
        let policy = list(&|(name, limit, _)| {
            format!("\"{name}\";q={};w={}", limit.times, limit.window.whole_seconds())
        });
        let state = list(&|(name, limit, count)| {
            let left = limit.times.saturating_sub(count.times);
            format!("\"{name}\";r={left};t={}", respond::seconds_until(count.until, now))
        });
        headers.extend(policy.map(|policy| (POLICY, policy)));
        headers.extend(state.map(|state| (STATE, state)));
    }
}
