use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader};

use super::{Place, Places};

/// Places by a database in MaxMind's format (`.mmdb`): GeoLite2 or GeoIP2 City or Country, or one
/// that another vendor makes with the same fields.
///
/// The database is read into memory once. When a new edition arrives, make a new `MaxMind`.
///
/// ```no_run
/// use donjon::session::{MaxMind, Places as _};
///
/// let places = MaxMind::open("/var/lib/GeoIP/GeoLite2-City.mmdb")?.language("de");
/// let place = places.lookup([203, 0, 113, 9].into());
/// # Ok::<(), donjon::session::GeoIpError>(())
/// ```
pub struct MaxMind {
    reader: Reader<Vec<u8>>,
    language: String,
}

/// Why a database can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeoIpError {
    /// It can't be read, is damaged, or is in another format.
    #[error("the GeoIP database can't be used: {0}")]
    Unreadable(String),
    /// It is a good database of something else.
    #[error("the GeoIP database is of the type {0:?}; use one with cities or countries")]
    NoPlaces(String),
}

impl MaxMind {
    /// Reads the database in this file.
    ///
    /// # Errors
    /// [`GeoIpError`].
    pub fn open(file: impl AsRef<Path>) -> Result<Self, GeoIpError> {
        let file = file.as_ref();
        let bytes = std::fs::read(file)
            .map_err(|error| GeoIpError::Unreadable(format!("{}: {error}", file.display())))?;
        Self::from_bytes(bytes)
    }

    /// The database that these bytes are.
    ///
    /// # Errors
    /// [`GeoIpError`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GeoIpError> {
        let reader = Reader::from_source(bytes)
            .map_err(|error| GeoIpError::Unreadable(error.to_string()))?;
        let found = &reader.metadata().database_type;
        if ["City", "Country", "Enterprise"].iter().any(|good| found.contains(good)) {
            Ok(Self { reader, language: "en".into() })
        } else {
            Err(GeoIpError::NoPlaces(found.clone()))
        }
    }

    /// The language of the cities' names, as the database calls it, such as `de` or `pt-BR`. A
    /// city without a name in it keeps its English one, as do all unless this is set.
    #[must_use]
    pub fn language(self, language: impl Into<String>) -> Self {
        Self { language: language.into(), ..self }
    }

    fn find(&self, address: IpAddr) -> Result<Option<Place>, MaxMindDbError> {
        let found = self.reader.lookup(address.to_canonical())?;
        let city = match text(&found, &["city", "names", &self.language])? {
            None => text(&found, &["city", "names", "en"])?,
            city => city,
        };
        let country = text(&found, &["country", "iso_code"])?.and_then(|code| code.parse().ok());
        let known = city.is_some() || country.is_some();
        Ok(known.then(|| Place { city: city.map(str::to_owned), country }))
    }
}

impl Places for MaxMind {
    fn lookup(&self, address: IpAddr) -> Option<Place> {
        self.find(address).unwrap_or_else(|error| {
            tracing::debug!(%error, "the GeoIP database has no answer");
            None
        })
    }
}

impl fmt::Debug for MaxMind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = self.reader.metadata();
        f.debug_struct("MaxMind")
            .field("database", &metadata.database_type)
            .field("built", &metadata.build_epoch)
            .field("language", &self.language)
            .finish()
    }
}

fn text<'a>(
    found: &LookupResult<'a, Vec<u8>>,
    path: &[&str],
) -> Result<Option<&'a str>, MaxMindDbError> {
    let path: Vec<_> = path.iter().map(|key| PathElement::Key(key)).collect();
    found.decode_path(&path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    /// Made by `tests/interop/geoip/make_places.py`.
    fn database(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/geoip");
        std::fs::read(folder.join(name)).unwrap()
    }

    fn shown(places: &MaxMind, address: &str) -> Option<String> {
        places.lookup(address.parse().unwrap()).map(|place| place.to_string())
    }

    #[test]
    fn addresses_are_found_in_the_language_that_was_asked_for() {
        let places = MaxMind::from_bytes(database("city.mmdb")).unwrap();
        for (address, expected) in [
            ("203.0.113.9", Some("Munich, DE")),
            ("203.0.113.200", Some("Geneva, CH")),
            ("198.51.100.7", Some("FR")),
            ("::ffff:203.0.113.9", Some("Munich, DE")),
            ("2001:db8:1::9", Some("Oslo, NO")),
            ("2001:db8:2::9", None),
            ("192.0.2.1", None),
            ("192.0.2.200", None),
            ("10.0.0.1", None),
            ("127.0.0.1", None),
            ("::1", None),
        ] {
            assert_eq!(shown(&places, address).as_deref(), expected, "{address}");
        }
        let german = places.language("de");
        assert_eq!(shown(&german, "203.0.113.9").as_deref(), Some("München, DE"));
        assert_eq!(shown(&german, "2001:db8:1::9").as_deref(), Some("Oslo, NO"), "no German name");
        assert!(format!("{german:?}").len() < 100);
        let _: Arc<dyn Places> = Arc::new(german);
    }

    #[test]
    fn a_database_of_countries_of_ipv4_only_has_no_cities() {
        let places = MaxMind::from_bytes(database("country.mmdb")).unwrap();
        assert_eq!(shown(&places, "203.0.113.9").as_deref(), Some("DE"));
        assert_eq!(shown(&places, "2001:db8:1::9"), None);
    }

    #[test]
    fn what_is_no_database_of_places_is_refused_with_the_cure() {
        let asn = MaxMind::from_bytes(database("asn.mmdb")).unwrap_err();
        assert_eq!(asn, GeoIpError::NoPlaces("GeoLite2-ASN".into()));
        for nonsense in [Vec::new(), b"not a database".to_vec(), vec![0; 10_000]] {
            let refused = MaxMind::from_bytes(nonsense).unwrap_err();
            assert!(matches!(refused, GeoIpError::Unreadable(_)));
        }
        let missing = MaxMind::open("/nowhere/at-all.mmdb").unwrap_err().to_string();
        assert!(missing.contains("/nowhere/at-all.mmdb"), "{missing}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// A damaged file costs answers, not the process.
        #[test]
        fn a_damaged_database_is_refused_or_answers(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in prop::option::of(any::<prop::sample::Index>()),
            address in any::<IpAddr>(),
        ) {
            let mut bytes = database("city.mmdb");
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok(places) = MaxMind::from_bytes(bytes) {
                places.lookup(address);
                places.lookup([203, 0, 113, 9].into());
            }
        }
    }
}
