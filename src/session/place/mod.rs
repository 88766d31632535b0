//! Where an address is, roughly.

#[cfg(feature = "geoip")]
mod max_mind;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

#[cfg(feature = "geoip")]
pub use max_mind::{GeoIpError, MaxMind};

/// Who knows where addresses are. What it answers is shown to people, so that they recognise
/// their own logins; nothing is decided by it.
///
/// It is asked while a request waits: it looks into what it has in memory, and goes nowhere.
///
/// ```
/// use std::net::IpAddr;
///
/// use donjon::session::{Place, Places};
///
/// /// Knows the office.
/// #[derive(Debug)]
/// struct Office;
///
/// impl Places for Office {
///     fn lookup(&self, address: IpAddr) -> Option<Place> {
///         let office = address == IpAddr::from([192, 0, 2, 1]);
///         office.then(|| Place { city: Some("Bern".into()), country: "CH".parse().ok() })
///     }
/// }
/// ```
pub trait Places: fmt::Debug + Send + Sync + 'static {
    /// Where the address is; `None` if it is not known, or not on the public internet, or if
    /// anything goes wrong.
    fn lookup(&self, address: IpAddr) -> Option<Place>;
}

/// Knows no place.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPlaces;

impl Places for NoPlaces {
    fn lookup(&self, _address: IpAddr) -> Option<Place> {
        None
    }
}

/// Where an address is: as likely as not the nearest big city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The city's name, in the language that was asked for.
    pub city: Option<String>,
    /// The country.
    pub country: Option<CountryCode>,
}

impl fmt::Display for Place {
    /// `Bern, CH`, or what of it is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.city, self.country) {
            (Some(city), Some(country)) => write!(f, "{city}, {country}"),
            (Some(city), None) => f.write_str(city),
            (None, Some(country)) => country.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

/// A country's two capital letters, by ISO 3166-1; whether there is such a country is not checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

/// The text is not two capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country code is two capital letters, such as CH")]
pub struct InvalidCountryCode;

impl FromStr for CountryCode {
    type Err = InvalidCountryCode;

    fn from_str(text: &str) -> Result<Self, InvalidCountryCode> {
        let letters = <[u8; 2]>::try_from(text.as_bytes()).map_err(|_| InvalidCountryCode)?;
        let capitals = letters.iter().all(u8::is_ascii_uppercase);
        if capitals { Ok(Self(letters)) } else { Err(InvalidCountryCode) }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0.map(char::from);
        write!(f, "{first}{second}")
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_is_shown_as_far_as_it_is_known() {
        let city = Some("Bern".to_owned());
        let country: Option<CountryCode> = "CH".parse().ok();
        for (place, shown) in [
            (Place { city: city.clone(), country }, "Bern, CH"),
            (Place { city, country: None }, "Bern"),
            (Place { city: None, country }, "CH"),
            (Place { city: None, country: None }, ""),
        ] {
            assert_eq!(place.to_string(), shown);
        }
    }

    #[test]
    fn without_a_source_nothing_is_known() {
        let places: std::sync::Arc<dyn Places> = std::sync::Arc::new(NoPlaces);
        assert_eq!(places.lookup(IpAddr::from([203, 0, 113, 9])), None);
    }

    proptest! {
        #[test]
        fn a_country_is_two_capitals(text in "[A-Z]{2}|[A-Za-z]{0,3}|.{0,4}") {
            let expected = text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase());
            let read = text.parse::<CountryCode>();
            prop_assert_eq!(read.is_ok(), expected);
            if let Ok(code) = read {
                prop_assert_eq!(code.to_string(), text);
            }
        }
    }
}
