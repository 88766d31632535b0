//! The browser and the place behind a login, as the user is told of them.

use time::OffsetDateTime;

use super::sign_in::SignIn;
use super::site::{Site, Visit};
use crate::audit::Action;
use crate::http::Network;
use crate::page::SeenDevice;
use crate::session::UserAgent;
use crate::store::{Device, Effects, Sighting};

/// What people recognise a device by.
pub(super) fn seen(site: &Site, device: &Device) -> SeenDevice {
    let agent = device.user_agent.as_deref().map(UserAgent::read).unwrap_or_default();
    let place = device.address.and_then(|address| site.places.lookup(address));
    SeenDevice::new(agent.name, agent.system)
        .at(device.address, place.map(|place| place.to_string()))
}

/// What a login tells its user and the audit log, if the browser or the network is new to them. It
/// stops nobody. Whether the user was ever seen before, and where, the store knows.
pub(super) fn sighting(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    now: OffsetDateTime,
) -> Sighting {
    let device = visit.session.device();
    let user = (who.email, who.account.id(), who.device_epoch);
    let is_known = !site.devices.remembers() || site.devices.knows(&visit.headers, user, now);
    let entry = |action| {
        let entry = visit.entry(action).about(who.account.id());
        site.effects(entry.with("device", if is_known { "known" } else { "unknown" }))
    };
    let (familiar, strange) = if is_known {
        (Effects::none(), entry(Action::SUSPICIOUS))
    } else {
        let told = seen(site, device);
        let mail = |is_strange| {
            site.letters.unknown_login(who.email.as_str(), &told, is_strange, &site.paths, now)
        };
        let familiar = entry(Action::NEW_DEVICE).and_delivery(mail(false));
        (familiar, entry(Action::SUSPICIOUS).and_delivery(mail(true)))
    };
    Sighting {
        network: device.address.map_or_else(String::new, |a| Network::around(a).to_string()),
        at: now,
        familiar: Box::new(familiar),
        strange: Box::new(strange),
    }
}
