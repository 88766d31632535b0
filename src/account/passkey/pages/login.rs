//! Logging in with a passkey and nothing else: nobody says who they are before it does.

use http::Response;
use http::header::SET_COOKIE;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite, methods};
use crate::account::config::Unconfirmed;
use crate::account::passkey::{RequestOptions, UserVerification};
use crate::account::sign_in::{ProvenAt, SignIn, sign_in};
use crate::account::site::{Site, Visit};
use crate::account::{AccountError, Email, confirm};
use crate::audit::Action;
use crate::http::Body;
use crate::store::Effects;

impl PasskeySite {
    /// What the login page asks: the same of everybody, so that it says nothing of anybody.
    pub(in crate::account) fn ask_login(
        &self,
        site: &Site,
        visit: &Visit,
        asking: Asking,
    ) -> Asked {
        let what = (Kind::Login, Whose::default(), asking);
        let (challenge, cookie) =
            self.ceremonies.begin(&*site.random, &visit.headers, what, site.now());
        let options = RequestOptions {
            party: &self.party,
            challenge: &challenge,
            verification: UserVerification::Required,
            allowed: &[],
        };
        Asked::new(site, options.to_json(), cookie)
    }

    /// Logs in by an answer; `None` if it is refused. The authenticator has verified its user, so
    /// that it is two factors by itself.
    pub(in crate::account) async fn log_in(
        &self,
        site: &Site,
        visit: &Visit,
        answer: &str,
        remember: bool,
    ) -> Result<Option<Response<Body>>, AccountError> {
        let what = (Kind::Login, Whom::Anybody, Action::LOG_IN);
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let account = &proven.found.account;
        let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) else {
            return Ok(None);
        };
        let settle = async |along: Effects| use_up(site, self, visit, &proven, along).await;
        if !account.email_verified() && site.policy.unconfirmed == Unconfirmed::Block {
            if !settle(Effects::none()).await? {
                return Ok(None);
            }
            return confirm::send(site, visit, &email).await.map(Some);
        }
        let who = SignIn {
            email: &email,
            account,
            device_epoch: proven.found.device_epoch,
            methods: methods(&proven.found.passkey).to_vec(),
            remember,
            // Of its age nothing was asked.
            must_change_password: proven.found.must_change_password,
            proven_at: ProvenAt::Now,
            login_path: None,
            counted: false,
            permitted: false,
        };
        let mut response = sign_in(site, visit, &who, false, settle).await?;
        if let Some(response) = &mut response {
            response.headers_mut().append(SET_COOKIE, self.ceremonies.end(Kind::Login));
        }
        Ok(response)
    }
}
