//! Who the user is at other providers: what there is, one more, one less.

use http::{Response, StatusCode};
use url::form_urlencoded::Serializer;

use super::{Flow, FrameParts};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::account::social::{self, Fault, Here, Profile, Tokens};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::{Connection, ConnectionNotice, ConnectionOffer, Connections, Letter};
use crate::scope::{Account, SessionId, UserId};
use crate::store::{Linking, NewIdentity, Unlinking};

const NOTICE: &str = "notice";

/// What notices are called in a query.
const NOTICES: [(ConnectionNotice, &str); 9] = [
    (ConnectionNotice::Linked, "linked"),
    (ConnectionNotice::Unlinked, "unlinked"),
    (ConnectionNotice::LastWayIn, "last-way-in"),
    (ConnectionNotice::Taken, "taken"),
    (ConnectionNotice::Another, "another"),
    (ConnectionNotice::Personal, "personal"),
    (ConnectionNotice::Cancelled, "cancelled"),
    (ConnectionNotice::Unavailable, "unavailable"),
    (ConnectionNotice::Failed, "failed"),
];

pub(in crate::account) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let named = visit.query.get(NOTICE)?.unwrap_or_default();
    let notice = NOTICES.iter().find(|(_, name)| *name == named).map(|(notice, _)| *notice);
    page(site, &account, StatusCode::OK, notice).await
}

/// To the provider, to come back with an identity to be linked.
pub(in crate::account) async fn begin(site: &Site, visit: &Visit) -> Answer {
    visit.fresh_account(site)?;
    let form = visit.form()?;
    let Some(here) = Here::of(site, form.get("provider")?.unwrap_or_default()) else {
        return Ok(back(site, Some(ConnectionNotice::Failed)));
    };
    let account = here.linker(visit).await?;
    social::begin_link(here, visit, account.id().clone()).await
}

/// Links the identity that the user came back with, in the session that asked for it, if it still
/// may.
pub(in crate::account) async fn connect(
    here: Here<'_>,
    visit: &Visit,
    (user, session): (&UserId, Option<SessionId>),
    profile: &Profile,
    tokens: Option<Tokens>,
) -> Answer {
    let notice = match here.linker(visit).await {
        Ok(account) if account.id() == user && visit.session.id() == session => {
            let identity = here.identity(profile, tokens.as_ref());
            match link(here, visit, &account, (profile, &identity)).await? {
                Ok(()) => ConnectionNotice::Linked,
                Err(notice) => notice,
            }
        }
        Ok(_) | Err(_) => ConnectionNotice::Failed,
    };
    Ok(back(here.site, Some(notice)))
}

/// Links an identity to a user, who is told of it by mail; what is in the way, if something is.
pub(in crate::account) async fn link(
    here: Here<'_>,
    visit: &Visit,
    account: &Account,
    (profile, identity): (&Profile, &NewIdentity),
) -> Result<Result<(), ConnectionNotice>, AccountError> {
    let site = here.site;
    if social::disowns(here, account, profile).await? {
        social::refuse_link(here, visit, &Fault::Unbacked).await?;
        return Ok(Err(ConnectionNotice::from(&Fault::Unbacked)));
    }
    let entry = social::about(visit.entry(Action::LINK_IDENTITY), identity);
    let mut along = site.effects(entry);
    if let Some(to) = account.email() {
        let name = here.name();
        along = along.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::IdentityLinked { forgot, provider: name },
            site.now(),
        ));
    }
    let session = visit.session.id();
    Ok(match site.store.link_identity(account.id(), identity, session, &along).await? {
        Linking::Linked => {
            along.announce();
            Ok(())
        }
        Linking::Already => Ok(()),
        Linking::Taken => Err(ConnectionNotice::Taken),
        Linking::Another => Err(ConnectionNotice::Another),
        Linking::Gone => Err(ConnectionNotice::Failed),
    })
}

/// Unlinks an identity, with its tokens.
pub(in crate::account) async fn unlink(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let form = visit.form()?;
    let provider = form.get("provider")?.unwrap_or_default();
    let entry = visit.entry(Action::UNLINK_IDENTITY).with("provider", provider);
    let mut along = site.effects(entry);
    if let Some(to) = account.email() {
        let name = site.social.as_ref().map_or(provider, |all| all.name_of(provider));
        let mail = site.letters.notice(
            to,
            |forgot| Letter::IdentityUnlinked { forgot, provider: name },
            site.now(),
        );
        along = along.and_delivery(mail);
    }
    for job in social::revocations(site, account.id(), Some(provider)).await? {
        along = along.and_delivery(job);
    }
    match site.store.unlink_identity(account.id(), provider, &site.open_ways(), &along).await? {
        Unlinking::Unlinked => {
            along.announce();
            Ok(back(site, Some(ConnectionNotice::Unlinked)))
        }
        Unlinking::NotLinked => Ok(back(site, None)),
        Unlinking::LastWayIn => {
            let notice = Some(ConnectionNotice::LastWayIn);
            page(site, &account, StatusCode::UNPROCESSABLE_ENTITY, notice).await
        }
    }
}

/// Back to the page, which says this.
pub(in crate::account) fn back(site: &Site, notice: Option<ConnectionNotice>) -> Response<Body> {
    let path = Flow::Connections.path(site);
    let name = notice.and_then(|notice| NOTICES.iter().find(|(known, _)| *known == notice));
    respond::see_other(&match name {
        Some((_, name)) => {
            format!("{path}?{}", Serializer::new(String::new()).append_pair(NOTICE, name).finish())
        }
        None => path,
    })
}

impl From<&Fault> for ConnectionNotice {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Cancelled => Self::Cancelled,
            Fault::Unavailable(_) => Self::Unavailable,
            Fault::Unbacked => Self::Personal,
            _ => Self::Failed,
        }
    }
}

async fn page(
    site: &Site,
    account: &Account,
    status: StatusCode,
    notice: Option<ConnectionNotice>,
) -> Answer {
    let ways = site.store.ways_in(account.id(), &site.open_ways()).await?;
    let all = site.social.as_ref();
    let linked: Vec<_> = ways
        .identities
        .iter()
        .map(|identity| {
            let name =
                all.map_or(identity.provider.as_str(), |all| all.name_of(&identity.provider));
            let who = identity.email.as_deref().or(identity.name.as_deref());
            Connection::new(&identity.provider, name, who, identity.last_used_at)
        })
        .collect();
    let is_linked = |id: &str| ways.identities.iter().any(|identity| identity.provider == id);
    let offers: Vec<_> = all
        .into_iter()
        .flat_map(social::Providers::names)
        .filter(|(id, _)| !is_linked(id))
        .map(|(id, name)| ConnectionOffer::new(id, name))
        .collect();
    let parts = FrameParts::new(site, account, Flow::Connections);
    let (link, unlink) = (Flow::ConnectionsLink.path(site), Flow::ConnectionsUnlink.path(site));
    let paths = [link.as_str(), &unlink, &site.paths.forgot_password];
    let page = Connections::new(parts.frame(site), (&linked, &offers), paths, ways.count, notice);
    // The form to link leads on to the provider.
    Ok(respond::html_leading_on(status, site.pages.settings_connections(&page)))
}
