use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::state::Thread;
use super::{AuthorizationRequest, Interaction, InteractionId};
use crate::crypto::{Purpose, Sealed};
use crate::http::{CookieJar, respond};
use crate::provider::ProviderError;
use crate::provider::server::Provider;
use crate::store::{InteractionSave, SaveInteraction, StoredInteraction};

const PURPOSE: Purpose = Purpose::new("provider/interaction");
/// The cookie is called this and the interaction's id.
const COOKIE: &str = "donjon-interaction-";

/// The longest cookie value; a longer request is kept in the store.
const COOKIE_LENGTH: usize = 3 * 1024;
/// Interactions that one browser may have in progress; beyond it the oldest is forgotten.
const IN_PROGRESS: usize = 4;
/// How many cookies of that name are looked at: whoever plants more makes us work no more for it.
const LOOKED_AT: usize = 16;
/// The length of all their cookies together: every request to the host carries them.
const COOKIES_LENGTH: usize = 6 * 1024;

/// What the cookie holds: whole, or but for the request.
#[derive(Serialize, Deserialize)]
struct Kept {
    thread: Thread,
    request: Option<AuthorizationRequest>,
}

/// The two places something is sealed for, so that neither opens in the other's.
#[derive(Clone, Copy)]
enum Place {
    Cookie,
    Store,
}

/// Keeps an interaction in the browser; a request that is too long for a cookie, once, in the
/// store, and then the cookie still says whose it is.
pub(in crate::provider) async fn keep(
    provider: &Provider,
    interaction: &Interaction,
    parts: &Parts,
    answer: &mut HeaderMap,
) -> Result<(), ProviderError> {
    let request = (!interaction.stored).then(|| interaction.request.clone());
    let mut kept = Kept { thread: interaction.thread.clone(), request };
    let mut value = cookie_value(provider, &interaction.id, &kept)?;
    if value.len() > COOKIE_LENGTH {
        save(provider, interaction, parts).await?;
        kept.request = None;
        value = cookie_value(provider, &interaction.id, &kept)?;
    }
    make_room(provider, &interaction.id, value.len(), &parts.headers, answer);
    let lifetime = interaction.thread.expires_at - provider.now();
    let name = cookie_name(&interaction.id);
    let cookies = provider.issuer.cookies();
    cookies.append(answer, cookies.set(&name, &value, Some(lifetime)));
    Ok(())
}

/// The interaction with this id, if it was begun in this browser and lasts.
pub(in crate::provider) async fn load(
    provider: &Provider,
    id: &str,
    headers: &HeaderMap,
) -> Result<Interaction, ProviderError> {
    let unknown = ProviderError::InteractionUnknown;
    let id = InteractionId::parse(id).ok_or(unknown)?;
    let Kept { thread, request } = in_cookie(provider, &id, headers).ok_or(unknown)?;
    if provider.now() >= thread.expires_at {
        return Err(unknown);
    }
    let stored = request.is_none();
    let request = match request {
        Some(request) => request,
        None => in_store(provider, &id).await?.ok_or(unknown)?,
    };
    Ok(Interaction { id, request, thread, stored })
}

/// Makes the browser forget an interaction.
pub(in crate::provider) fn forget(
    provider: &Provider,
    interaction: &Interaction,
    answer: &mut HeaderMap,
) {
    let cookies = provider.issuer.cookies();
    cookies.append(answer, cookies.clear(&cookie_name(&interaction.id)));
}

/// Makes the browser forget an interaction once its code has run out; until then a repeated click
/// gets the same answer.
pub(in crate::provider) fn forget_soon(
    provider: &Provider,
    interaction: &Interaction,
    request_headers: &HeaderMap,
    answer: &mut HeaderMap,
) {
    let cookies = provider.issuer.cookies();
    let name = cookie_name(&interaction.id);
    if let Some(value) = CookieJar::of(request_headers).get(&cookies.name(&name)) {
        cookies.append(answer, cookies.set(&name, value, Some(provider.lifetimes.code)));
    }
}

fn cookie_name(id: &InteractionId) -> String {
    format!("{COOKIE}{}", id.as_str())
}

fn in_cookie(provider: &Provider, id: &InteractionId, headers: &HeaderMap) -> Option<Kept> {
    let name = provider.issuer.cookies().name(&cookie_name(id));
    let sealed = URL_SAFE_NO_PAD.decode(CookieJar::of(headers).get(&name)?).ok()?;
    open(provider, id, Place::Cookie, &Sealed::from_bytes(sealed))
}

async fn in_store(
    provider: &Provider,
    id: &InteractionId,
) -> Result<Option<AuthorizationRequest>, ProviderError> {
    let issuer = provider.issuer.id();
    let stored = provider.store.load_interaction(issuer, id.as_str(), provider.now()).await?;
    Ok(stored.and_then(|stored| open(provider, id, Place::Store, &stored.state)))
}

/// Anybody can send long requests, so there is a limit.
async fn save(
    provider: &Provider,
    interaction: &Interaction,
    parts: &Parts,
) -> Result<(), ProviderError> {
    let limits = &provider.long_requests;
    let save = SaveInteraction {
        interaction: StoredInteraction {
            interaction_id: interaction.id.as_str().to_owned(),
            state: seal(provider, &interaction.id, Place::Store, &interaction.request)?,
            expires_at: interaction.thread.expires_at,
        },
        network: provider.network_of(parts),
        per_network: limits.per_network,
        in_all: limits.in_all,
        now: provider.now(),
    };
    match provider.store.save_interaction(provider.issuer.id(), &save).await? {
        InteractionSave::Saved => Ok(()),
        InteractionSave::Limited { until } => {
            let seconds = respond::seconds_until(until, save.now);
            Err(ProviderError::TooManyLongRequests(seconds))
        }
    }
}

fn cookie_value(
    provider: &Provider,
    id: &InteractionId,
    kept: &Kept,
) -> Result<String, ProviderError> {
    let sealed = seal(provider, id, Place::Cookie, kept)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed.as_bytes()))
}

fn seal(
    provider: &Provider,
    id: &InteractionId,
    place: Place,
    value: &impl Serialize,
) -> Result<Sealed, ProviderError> {
    let plain = serde_json::to_vec(value).map_err(|_| ProviderError::InteractionUnknown)?;
    let context = context(provider, id, place);
    Ok(provider.keyring.seal(&*provider.random, PURPOSE, &context, &plain))
}

fn open<T: DeserializeOwned>(
    provider: &Provider,
    id: &InteractionId,
    place: Place,
    sealed: &Sealed,
) -> Option<T> {
    let plain = provider.keyring.open(PURPOSE, &context(provider, id, place), sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn context(provider: &Provider, id: &InteractionId, place: Place) -> Vec<u8> {
    let place = match place {
        Place::Cookie => "cookie",
        Place::Store => "store",
    };
    [provider.issuer.as_str(), id.as_str(), place].join("\0").into_bytes()
}

/// Forgets what is over, and the oldest interactions that leave no room for a new one.
fn make_room(
    provider: &Provider,
    id: &InteractionId,
    length: usize,
    request_headers: &HeaderMap,
    answer: &mut HeaderMap,
) {
    let cookies = provider.issuer.cookies();
    let prefix = cookies.name(COOKIE);
    let now = provider.now();
    let mut others: Vec<(OffsetDateTime, usize, InteractionId)> = Vec::new();
    let named = CookieJar::of(request_headers).iter().filter_map(|(name, value)| {
        Some((name.strip_prefix(&prefix).and_then(InteractionId::parse)?, value))
    });
    for (other, value) in named.take(LOOKED_AT) {
        match in_cookie(provider, &other, request_headers) {
            _ if other == *id => {}
            Some(kept) if now < kept.thread.expires_at => {
                others.push((kept.thread.started_at, value.len(), other));
            }
            _ => cookies.append(answer, cookies.clear(&cookie_name(&other))),
        }
    }
    others.sort_by(|(left, ..), (right, ..)| right.cmp(left));
    let mut total = length;
    for (place, (_, length, other)) in others.into_iter().enumerate() {
        total += length;
        if place + 1 >= IN_PROGRESS || total > COOKIES_LENGTH {
            cookies.append(answer, cookies.clear(&cookie_name(&other)));
        }
    }
}
