//! Pages of the host's own that not everybody sees: those of a team, and one for its owners alone,
//! in person and after a fresh login.

use askama::Template;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use donjon::account::AccountLayer;
use donjon::audit::AuditLog;
use donjon::scope::MemberRole;
use donjon::session::{
    ForbidDuringImpersonationLayer, RequireMembershipLayer, RequireSudoLayer, Session,
};
use donjon::store::{Member, SqlStore};
use tower::ServiceBuilder;

use crate::page::{Fault, page};

/// The most members that the page shows.
const MOST: u32 = 100;

pub(crate) fn routes(store: &SqlStore) -> Router {
    let owners = ServiceBuilder::new()
        .layer(ForbidDuringImpersonationLayer::new(AuditLog::new(store)))
        .layer(RequireMembershipLayer::new().roles([MemberRole::OWNER]))
        .layer(RequireSudoLayer::default().reauthenticate_at("/login/again"));
    let payout = Router::new().route("/team/payout", get(payout)).route_layer(owners);
    let team = Router::new().route("/team", get(team)).route_layer(RequireMembershipLayer::new());
    team.merge(payout)
}

async fn team(
    Extension(session): Extension<Session>,
    Extension(accounts): Extension<AccountLayer>,
) -> Result<Response, Fault> {
    let scope = session.scope();
    let membership = scope.membership().ok_or_else(|| Fault::new("no membership"))?;
    let members = accounts.organizations().members(membership.organization, None, MOST).await;
    let content = Team {
        name: &membership.name,
        role: membership.role.as_str(),
        owns: membership.role == MemberRole::OWNER,
        members: members.map_err(Fault::new)?,
    };
    page("Team", accounts.impersonation_banner(&scope), &content)
}

async fn payout(Extension(session): Extension<Session>) -> Result<Response, Fault> {
    let scope = session.scope();
    let membership = scope.membership().ok_or_else(|| Fault::new("no membership"))?;
    page("Payouts", None, &Payout { name: &membership.name })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="team">
<h1>{{ name }}</h1>
<p class="lead">You act in this team as its {{ role }}.</p>
<h2>Who is in it</h2>
<ul>{% for member in members %}
<li><div><strong>{{ self::called(member) }}</strong><small>{{ member.account.email().unwrap_or_default() }}</small></div>
<span class="this">{{ member.role.as_str() }}</span></li>{% endfor %}
</ul>
{% if owns %}<a class="button quiet" id="payout" href="/team/payout">Payouts</a>
{% endif %}<p class="aside"><a href="/">Home</a> · <a href="/settings/organizations">Your organizations</a></p>
</main>"#
)]
struct Team<'a> {
    name: &'a str,
    role: &'a str,
    owns: bool,
    members: Vec<Member>,
}

fn called(member: &Member) -> &str {
    let name = member.account.attributes().get("name").and_then(|name| name.as_str());
    name.unwrap_or(member.account.id().as_str())
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="payouts">
<h1>Payouts of {{ name }}</h1>
<p class="lead">Here an owner would say where the money goes: in person, never by an administrator
who acts as them, and only within minutes of proving who they are.</p>
<p class="aside"><a href="/team">Back to the team</a></p>
</main>"#
)]
struct Payout<'a> {
    name: &'a str,
}
