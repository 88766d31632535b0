use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use time::OffsetDateTime;

use super::admin::{self, AdminAuthorizer, impersonate};
use super::app::{self, AppSessions};
use super::config::{Flow, Paths, Policy};
use super::cookie::SealedCookie;
use super::deletion::{DeletionHook, keep};
use super::device::Devices;
use super::even::evenly;
use super::export::ExportSource;
use super::hook::{AccountHook, SignUpField};
use super::letters::Letters;
use super::limits::Told;
use super::login::NOTICE;
use super::marks::Marks;
use super::organization::{OrganizationAct, OrganizationHook, OrganizationPolicy};
#[cfg(feature = "passkeys")]
pub(super) use super::passkey::pages::{Asked, Asking, Occasion, PasskeySite};
#[cfg(not(feature = "passkeys"))]
pub(super) use super::passkey_off::{Asked, Asking, Occasion, PasskeySite};
use super::password::{PasswordPool, PasswordRules};
use super::pending::PendingLogins;
use super::refuse::refuse;
use super::registrant::Registrants;
use super::second_factor::{Factors, verify};
use super::token::ApiTokens;
use super::trip::Trip;
use super::{
    AccountError, Email, OtherLogin, again, break_glass, confirm, invitation, limits, login,
    login_link, logout, new_password, register, reset, settings,
};
use crate::audit::{Action, Entry};
use crate::crypto::{Clock, Random};
use crate::delivery::Worker;
use crate::delivery::webhook::WebhookEndpoints;
use crate::http::respond::Allowed;
use crate::http::{Body, Form, Reader, respond};
use crate::page::Pages;
use crate::scope::{Account, Actor, CurrentScope, Method as Proven, UserId};
use crate::session::{Places, Session};
use crate::store::{AccountStore, Effects, LinkRequest, LoginUser, NewLink, OpenWays};

/// What every flow works with: nothing that another process over the same store would lack.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) parts: Arc<Parts>,
    /// What is shown to who asks.
    pub(super) pages: Arc<dyn Pages>,
    /// Whether those are JSON, for a program, and not HTML.
    pub(super) speaks_json: bool,
}

/// All of a [`Site`] but its pages.
#[derive(Debug)]
pub(super) struct Parts {
    /// Where browsers reach us.
    pub(super) origin: String,
    pub(super) store: Arc<dyn AccountStore>,
    pub(super) passwords: PasswordPool,
    pub(super) password_rules: PasswordRules,
    pub(super) letters: Letters,
    pub(super) devices: Devices,
    pub(super) factors: Arc<Factors>,
    /// Logins that wait for another password.
    pub(super) pending: PendingLogins,
    /// Where there are passkeys.
    pub(super) passkeys: Option<PasskeySite>,
    pub(super) registrants: Registrants,
    /// Logins that wait for whether an account is to be kept.
    pub(super) keeping: PendingLogins,
    /// Who is an administrator, if the host says.
    pub(super) authorizer: Option<Arc<dyn AdminAuthorizer>>,
    /// The webhook endpoints that administrators see to.
    pub(super) webhooks: Option<WebhookEndpoints>,
    /// Whoever gives mails up.
    pub(super) mails: Option<Worker>,
    /// Where an administrator's own session waits.
    pub(super) impersonator: SealedCookie,
    /// What the host tells of its users.
    pub(super) export_sources: Vec<Arc<dyn ExportSource>>,
    pub(super) deletion_hook: Option<Arc<dyn DeletionHook>>,
    pub(super) organization_hook: Option<Arc<dyn OrganizationHook>>,
    pub(super) account_hook: Option<Arc<dyn AccountHook>>,
    /// What else the forms to sign up ask for.
    pub(super) sign_up_fields: Vec<SignUpField>,
    /// The browsers that asked for links to log in.
    pub(super) askers: Marks,
    pub(super) places: Arc<dyn Places>,
    pub(super) paths: Paths,
    pub(super) other_logins: Vec<OtherLogin>,
    #[cfg(feature = "social")]
    pub(super) social: Option<super::social::Providers>,
    pub(super) policy: Policy,
    /// Whether those of whose address nothing is known are counted by no network.
    pub(super) ignores_unknown_peers: bool,
    pub(super) organizations: OrganizationPolicy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) tokens: Option<ApiTokens>,
    pub(super) apps: Option<AppSessions>,
}

impl Deref for Site {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Site {
    /// A site of these parts that shows these pages.
    pub(super) fn new(parts: Parts, pages: Arc<dyn Pages>) -> Self {
        Self { parts: Arc::new(parts), pages, speaks_json: false }
    }

    /// The page at this path, if there is one.
    pub(super) fn flow(&self, path: &str) -> Option<Flow> {
        #[cfg(feature = "social")]
        if let Some(providers) = &self.social {
            let rest = path.strip_prefix(self.paths.social.as_str());
            if let Some((at, flow)) = rest.and_then(|rest| providers.at(rest)) {
                return Some(Flow::Social(at, flow));
            }
        }
        let there = |flow: &Flow| match flow {
            Flow::Settings(flow) => flow.is_there(self),
            Flow::Admin => self.authorizer.is_some(),
            Flow::PasskeyScript => self.passkeys.is_some(),
            Flow::AppLogin | Flow::AppSession | Flow::AppRefresh | Flow::AppRevoke => {
                self.apps.is_some()
            }
            Flow::LoginLink | Flow::OpenLoginLink => self.policy.login_link_for.is_positive(),
            Flow::BreakGlass => self.organizations.single_sign_on,
            _ => true,
        };
        self.paths.flow(path).filter(there)
    }

    /// An entry of the audit log, to be written along with what it tells of.
    pub(super) fn effects(&self, entry: Entry) -> Effects {
        entry.at(self.now(), &*self.random).into()
    }

    /// Counts the request for a link, and writes it if there is somebody to write it for.
    pub(super) async fn request_link(
        &self,
        to: &Email,
        link: &NewLink,
        now: OffsetDateTime,
    ) -> Result<(), AccountError> {
        let limit = self.policy.link_requests;
        if self.store.request_link(to.as_str(), link, limit, now).await? == LinkRequest::Sent {
            link.effects.announce();
        }
        Ok(())
    }

    /// A page that may ask the browser for a passkey. Its form goes on to where the trip leads.
    pub(super) fn asking_page(
        &self,
        visit: &Visit,
        status: StatusCode,
        page: String,
        asked: Option<&Asked>,
    ) -> Response<Body> {
        let script = format!("{}{}", self.origin, self.paths.passkey_script);
        let script = asked.is_some().then_some(script.as_str());
        // The page to log in leads to identity providers.
        let leaves = self.organizations.single_sign_on && visit.path == self.paths.login;
        let allowed = Allowed { leads_on: leaves || visit.trip.leads_on(), script };
        let mut response = respond::html_allowing(status, page, allowed);
        if let Some(cookie) = asked.and_then(Asked::cookie) {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        response
    }

    /// Whether the host lets a user do this to an organization.
    pub(super) async fn permits(&self, who: &Account, act: &OrganizationAct<'_>) -> bool {
        match &self.organization_hook {
            Some(hook) => hook.permits(who, act).await,
            None => true,
        }
    }

    /// Tells the host what a user has done to an organization.
    pub(super) async fn has_done(&self, who: &Account, act: &OrganizationAct<'_>) {
        if let Some(hook) = &self.organization_hook {
            hook.done(who, act).await;
        }
    }

    /// What the provider is called that this path leads to, if it is one of those here that speak for
    /// nobody's domain: where nobody with an address in a domain can log in.
    pub(super) fn without_domains(&self, login_path: &str) -> Option<&str> {
        #[cfg(feature = "social")]
        {
            let rest = login_path.strip_prefix(self.paths.social.as_str())?;
            self.social.as_ref()?.without_domains(rest)
        }
        #[cfg(not(feature = "social"))]
        {
            let _ = login_path;
            None
        }
    }

    /// What logs in here.
    pub(super) fn open_ways(&self) -> OpenWays {
        let rp_id = self.passkeys.as_ref().map(|keys| keys.rp_id().to_owned());
        #[cfg(feature = "social")]
        let providers = self.social.iter().flat_map(super::social::Providers::names);
        #[cfg(feature = "social")]
        let providers = providers.map(|(id, _)| id.to_owned()).collect();
        #[cfg(not(feature = "social"))]
        let providers = Vec::new();
        OpenWays { rp_id, providers }
    }

    /// The present moment.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Whether a login by these methods must choose another password first.
    pub(super) fn must_change_password(&self, user: &LoginUser, methods: &[Proven]) -> bool {
        let too_old = |set_at: OffsetDateTime| {
            self.policy.password_max_age.is_some_and(|age| set_at + age <= self.now())
        };
        user.must_change_password
            || (methods.contains(&Proven::PASSWORD) && user.password_set_at.is_some_and(too_old))
    }

    /// A login that waited waits no longer: it begins anew.
    pub(super) fn begin_anew(&self, visit: &Visit) -> Response<Body> {
        let login = visit.trip.via_with(&self.paths.login, &[(NOTICE, "timed-out")]);
        let mut response = respond::see_other(&login);
        self.factors.pending.forget(response.headers_mut());
        self.pending.forget(response.headers_mut());
        response
    }

    /// Makes the visitor's browser known as one that the owner of this address has used; see
    /// [`device`](super::device).
    pub(super) fn remember_device(
        &self,
        visit: &Visit,
        login: (&Email, &UserId, i64),
        response: &mut Response<Body>,
    ) {
        let seen = (&visit.headers, response.headers_mut());
        self.devices.remember(&*self.random, seen, login, false, self.now());
    }

    /// Lets the visitor's browser stay what it is to a user whose epoch has just moved on to this.
    pub(super) fn keep_device(
        &self,
        visit: &Visit,
        user: (&UserId, i64),
        response: &mut Response<Body>,
    ) {
        self.devices.keep(&*self.random, (&visit.headers, response.headers_mut()), user);
    }

    /// Makes the visitor's browser known, and one that asks the owner for no second factor for a while.
    pub(super) fn trust_device(
        &self,
        visit: &Visit,
        login: (&Email, &UserId, i64),
        response: &mut Response<Body>,
    ) {
        let seen = (&visit.headers, response.headers_mut());
        self.devices.remember(&*self.random, seen, login, true, self.now());
    }

    /// Makes the visitor's browser one that confirms the address of this account without being
    /// asked for the password; see [`registrant`](super::registrant).
    pub(super) fn remember_registrant(
        &self,
        visit: &Visit,
        user: &UserId,
        response: &mut Response<Body>,
    ) {
        let seen = (&visit.headers, response.headers_mut());
        self.registrants.remember(&*self.random, seen, user, self.now());
    }
}

/// One request to one of our pages.
#[cfg_attr(feature = "social", derive(Clone))]
pub(super) struct Visit {
    pub(super) session: Session,
    pub(super) query: Form,
    pub(super) trip: Trip,
    pub(super) headers: HeaderMap,
    /// Which of our pages it is.
    pub(super) path: String,
    pub(super) told: Told,
    body: Bytes,
}

impl Visit {
    fn of(request: Request<Bytes>) -> Result<Self, AccountError> {
        let (parts, body) = request.into_parts();
        let session = parts.extensions.get::<Session>().cloned();
        let query = Form::of_query(&parts.uri)?;
        Ok(Self {
            session: session.ok_or(AccountError::NoSessionLayer)?,
            trip: Trip::of(&query),
            query,
            headers: parts.headers,
            path: parts.uri.path().to_owned(),
            told: Told::default(),
            body,
        })
    }

    /// The same, on a trip that began before.
    #[cfg(feature = "social")]
    pub(super) fn on(&self, trip: Trip) -> Self {
        Self { trip, ..self.clone() }
    }

    /// Who is logged in.
    pub(super) fn account(&self) -> Result<Account, AccountError> {
        self.session.scope().account().cloned().ok_or(AccountError::LoginRequired)
    }

    /// Who is logged in, and is there in person: what an administrator who acts as the user must
    /// not do.
    pub(super) fn account_in_person(&self) -> Result<Account, AccountError> {
        let account = self.account()?;
        match self.session.scope().actor() {
            Actor::Impersonator(_) => Err(AccountError::Impersonating),
            _ => Ok(account),
        }
    }

    /// Who is logged in, and proved it just now: what sensitive changes ask for.
    pub(super) fn fresh_account(&self, site: &Site) -> Result<Account, AccountError> {
        let account = self.account_in_person()?;
        if self.is_fresh(site) { Ok(account) } else { Err(AccountError::ReauthenticationRequired) }
    }

    /// The same, who used the second factor that they have, if any, in this very session: what changes
    /// second factors asks for. Otherwise a session that was opened without would give itself one; and a
    /// trusted browser, in the hands of whoever has it and the password, would make that for good.
    pub(super) async fn factor_account(&self, site: &Site) -> Result<Account, AccountError> {
        let account = self.fresh_account(site)?;
        let scope = self.session.scope();
        let vouched = site.organizations.vouched_factors.as_deref();
        if scope.authentication().is_some_and(|login| login.used_second_factor(vouched)) {
            return Ok(account);
        }
        let proofs = site.store.find_proofs(account.id()).await?;
        let has_one = proofs.app || proofs.passkey;
        if has_one { Err(AccountError::SecondFactorRequired(true)) } else { Ok(account) }
    }

    /// Whether who is logged in proved it just now.
    pub(super) fn is_fresh(&self, site: &Site) -> bool {
        let scope = self.session.scope();
        let until = scope.authentication().and_then(|authentication| authentication.fresh_until);
        until.is_some_and(|until| site.now() < until)
    }

    /// What the audit log will tell of this request: who acts, and from where.
    pub(super) fn entry(&self, action: Action) -> Entry {
        let device = self.session.device();
        let entry = Entry::new(action).within(&self.session.scope());
        entry.from(device.address, device.user_agent.as_deref())
    }

    /// What was posted, as it came.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The form that was posted, as a form or as JSON.
    pub(super) fn form(&self) -> Result<Form, AccountError> {
        Ok(Form::of_own_body(&self.headers, &self.body)?)
    }
}

/// The answer of a flow.
pub(super) type Answer = Result<Response<Body>, AccountError>;

/// Answers a request to one of our pages; a fault is a page too.
pub(super) async fn answer(site: &Site, request: Request<Bytes>) -> Response<Body> {
    let flow = site.flow(request.uri().path());
    let method = request.method().clone();
    let reader = Reader::of_page(request.headers());
    let here = Trip::back_to(request.uri(), &method);
    let (mut told, mut scope) = (Told::default(), CurrentScope::anonymous());
    let answer = match (Visit::of(request), flow) {
        (Ok(visit), Some(flow)) => {
            let keeps_silent = |answer: &Answer| {
                let status = answer.as_ref().ok().map(Response::status);
                method == Method::POST && status.is_some_and(|status| flow.keeps_silent(status))
            };
            let answer = async { noted(site, &visit, go(site, flow, &method, &visit).await).await };
            let answer = evenly(site.policy.even_answers, answer, keeps_silent).await;
            told = visit.told;
            scope = visit.session.scope();
            answer
        }
        (Err(error), _) => Err(error),
        (_, None) => Err(AccountError::Method),
    };
    let response = answer.unwrap_or_else(|error| refuse(site, error, flow, reader, &here));
    let mut response = impersonate::show_banner(site, &scope, response).await;
    told.tell(response.headers_mut(), site.now());
    response
}

/// Notes what an administrator was denied who acts as a user.
async fn noted(site: &Site, visit: &Visit, answer: Answer) -> Answer {
    if matches!(answer, Err(AccountError::Impersonating)) {
        let entry = visit.entry(Action::IMPERSONATION_DENIED).refused();
        let entry = entry.with("path", visit.path.as_str()).at(site.now(), &*site.random);
        site.store.write_audit_entry(&entry).await?;
        entry.announce();
    }
    answer
}

async fn go(site: &Site, flow: Flow, method: &Method, visit: &Visit) -> Answer {
    let shows = method == Method::GET || method == Method::HEAD;
    let submits = method == Method::POST;
    if submits && !flow.counts_itself() {
        limits::count_form(site, visit, flow).await?;
    }
    match flow {
        Flow::Register if shows => register::show(site, visit),
        Flow::Register if submits => register::submit(site, visit).await,
        Flow::Confirm if shows => confirm::show(site, visit).await,
        Flow::Confirm if submits => confirm::submit(site, visit).await,
        Flow::Resend if submits => confirm::resend(site, visit).await,
        Flow::Login if shows => login::show(site, visit),
        Flow::Login if submits => login::submit(site, visit).await,
        Flow::BreakGlass if shows => break_glass::show(site, visit),
        Flow::BreakGlass if submits => break_glass::submit(site, visit).await,
        Flow::Again if shows => again::show(site, visit).await,
        Flow::Again if submits => again::submit(site, visit).await,
        Flow::Verify if shows => verify::show(site, visit).await,
        Flow::Verify if submits => verify::submit(site, visit).await,
        Flow::NewPassword if shows => new_password::show(site, visit),
        Flow::NewPassword if submits => new_password::submit(site, visit).await,
        Flow::PasskeyScript if shows => {
            site.passkeys.as_ref().map(PasskeySite::script).ok_or(AccountError::Method)
        }
        Flow::LoginLink if shows => login_link::show_request(site, visit),
        Flow::LoginLink if submits => login_link::request(site, visit).await,
        Flow::OpenLoginLink if shows => login_link::show(site, visit).await,
        Flow::OpenLoginLink if submits => login_link::submit(site, visit).await,
        Flow::AppLogin if shows => app::show(site, visit).await,
        Flow::AppLogin if submits => app::decide(site, visit).await,
        Flow::AppSession if submits => app::exchange(site, visit).await,
        Flow::AppRefresh if submits => app::refresh(site, visit).await,
        Flow::AppRevoke if submits => app::revoke(site, visit).await,
        Flow::Logout if shows => logout::show(site, visit),
        Flow::Logout if submits => logout::submit(site, visit).await,
        Flow::ForgotPassword if shows => reset::show_request(site, visit),
        Flow::ForgotPassword if submits => reset::request(site, visit).await,
        Flow::ResetPassword if shows => reset::show(site, visit).await,
        Flow::ResetPassword if submits => reset::submit(site, visit).await,
        Flow::KeepAccount if shows => keep::show(site, visit).await,
        Flow::KeepAccount if submits => keep::submit(site, visit).await,
        Flow::Invitation if shows => invitation::show(site, visit).await,
        Flow::Invitation if submits => invitation::submit(site, visit).await,
        Flow::Admin => admin::go(site, method, visit).await,
        Flow::Settings(flow) => settings::go(site, flow, method, visit).await,
        #[cfg(feature = "social")]
        Flow::Social(at, flow) => super::social::go(site, (at, flow), method, visit).await,
        _ => Err(AccountError::Method),
    }
}
