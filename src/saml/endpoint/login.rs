use bytes::Bytes;
use http::{Request, Response};

use crate::crypto::RandomExt as _;
use crate::http::{Body, Form, ReturnTo, respond};
use crate::saml::browser::BrowserBinding;
use crate::saml::protocol::AuthnRequest;
use crate::saml::service_provider::ServiceProvider;
use crate::saml::{Connection, LoginError};
use crate::scope::CurrentScope;
use crate::session::Session;
use crate::store::{IntentSave, LoginIntent};

/// What marks a relay state as ours.
pub(super) const RELAY_STATE_PREFIX: &str = "rs_";

/// `GET /saml/{connection}/login?return_to=…`: sends the browser to the identity provider
/// (Profiles 4.1.3.1). Who is logged in already is asked to prove it anew, and so is everybody
/// whom the host sends with `prompt=login`, as the authorization server does.
pub(in crate::saml) async fn login(
    provider: &ServiceProvider,
    connection: &Connection,
    request: &Request<Bytes>,
) -> Result<Response<Body>, LoginError> {
    let query = Form::of_query(request.uri())?;
    let return_to = query.get("return_to")?.and_then(ReturnTo::parse);
    let return_to = return_to.unwrap_or_else(ReturnTo::root);
    let somebody = request.extensions().get::<CurrentScope>().and_then(CurrentScope::account);
    let forced = somebody.is_some() || query.get("prompt")? == Some("login");
    let (now, relay_state) = (provider.clock.now(), provider.random.token());
    let browser = BrowserBinding::of_or_new(provider, request.headers());
    let intent = LoginIntent {
        relay_state: relay_state.hash(),
        request_id: request_id(provider),
        connection_id: connection.id.clone(),
        browser: browser.hash(),
        return_to: return_to.as_str().to_owned(),
        forced_at: forced.then_some(now),
        expires_at: now + provider.request_lifetime,
    };
    let destination = AuthnRequest {
        id: &intent.request_id,
        issue_instant: now,
        idp_sso_url: &connection.idp_sso_url,
        acs_url: &provider.acs_url(connection),
        sp_entity_id: &provider.entity_id(connection),
        name_id_format: connection.name_id_format.as_deref(),
        force_authn: forced,
        is_passive: false,
    }
    .redirect_url(Some(&format!("{RELAY_STATE_PREFIX}{}", relay_state.expose())))?;
    let address =
        request.extensions().get::<Session>().and_then(|session| session.device().address);
    let uses = provider.login_requests.uses(address);
    if let IntentSave::Limited { until } = provider.store.save_intent(&intent, &uses, now).await? {
        return Err(LoginError::TooMany(respond::seconds_until(until, now)));
    }
    let mut response = respond::see_other(&destination);
    let cookie = browser.cookie(provider.cookies);
    provider.cookies.append(response.headers_mut(), cookie);
    Ok(response)
}

/// An XML name of 160 random bits.
fn request_id(provider: &ServiceProvider) -> String {
    let bytes: [u8; 20] = provider.random.bytes();
    bytes.iter().fold("_".to_owned(), |id, byte| id + &format!("{byte:02x}"))
}
