//! The registered claims (RFC 7519 section 4.1) and their types.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;

/// The registered claims of a JWT, each as written, none yet compared with anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegisteredClaims {
    /// Who made the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// From when on it must not be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<NumericDate>,
    /// Before when it must not be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<NumericDate>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<NumericDate>,
    /// Its own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// The `aud` claim: one string, or an array of them (RFC 7519 section 4.1.3). Written back as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A string.
    One(String),
    /// An array of strings, possibly of none or one.
    Many(Vec<String>),
}

impl Audience {
    /// Whether `audience` is among them; compared byte for byte.
    #[must_use]
    pub fn contains(&self, audience: &str) -> bool {
        self.iter().any(|aud| aud == audience)
    }

    /// The audiences, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
        .iter()
        .map(String::as_str)
    }
}

impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self::One(audience.to_owned())
    }
}

/// A moment as JWTs write it: seconds since 1970-01-01T00:00:00Z (RFC 7519 section 2).
///
/// Reads an integer or a fraction between 1970 and the end of the year 9999, to the microsecond;
/// writes whole seconds, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate {
    micros: i64,
}

const MICROS: i64 = 1_000_000;
/// 9999-12-31T23:59:59Z.
const MAX_SECONDS: i64 = 253_402_300_799;

impl NumericDate {
    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.micros.div_euclid(MICROS)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.micros
    }
}

impl From<OffsetDateTime> for NumericDate {
    fn from(moment: OffsetDateTime) -> Self {
        Self { micros: moment.unix_timestamp() * MICROS + i64::from(moment.microsecond()) }
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.seconds())
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumericDateVisitor)
    }
}

struct NumericDateVisitor;

impl de::Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("seconds since 1970, up to the year 9999")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<NumericDate, E> {
        if !(0..=MAX_SECONDS).contains(&seconds) {
            return Err(E::invalid_value(de::Unexpected::Signed(seconds), &self));
        }
        Ok(NumericDate { micros: seconds * MICROS })
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the range is checked first, and microseconds are precise enough"
    )]
    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        if !(0.0..=MAX_SECONDS as f64).contains(&seconds) {
            return Err(E::invalid_value(de::Unexpected::Float(seconds), &self));
        }
        Ok(NumericDate { micros: (seconds * MICROS as f64) as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn read(json: &str) -> Option<i64> {
        serde_json::from_str::<NumericDate>(json).ok().map(NumericDate::micros)
    }

    #[test]
    fn dates_are_integers_or_fractions_in_range() {
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("1300819380"), Some(1_300_819_380_000_000));
        assert_eq!(read("1300819380.5"), Some(1_300_819_380_500_000));
        assert_eq!(read("1.3e9"), Some(1_300_000_000_000_000));
        assert_eq!(read("253402300799"), Some(253_402_300_799_000_000));
    }

    #[test]
    fn other_dates_are_refused() {
        for json in [
            "-1",
            "-0.5",
            "253402300800",
            "18446744073709551615",
            "99999999999999999999999",
            "1e300",
            "1e999",
            "NaN",
            "\"1300819380\"",
            "true",
            "null",
            "[1]",
            "{}",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn dates_are_written_as_whole_seconds() {
        let date = NumericDate::from(datetime!(2011-03-22 18:43:00.9 UTC));
        assert_eq!(serde_json::to_string(&date).unwrap(), "1300819380");
        let elsewhere = NumericDate::from(datetime!(2011-03-22 20:43:00.9 +2));
        assert_eq!(date, elsewhere);
    }

    #[test]
    fn an_audience_is_a_string_or_an_array_of_strings() {
        let read = |json| serde_json::from_str::<Audience>(json);
        assert!(read(r#""a""#).unwrap().contains("a"));
        assert!(read(r#"["b","a"]"#).unwrap().contains("a"));
        assert!(!read(r#"["ab"]"#).unwrap().contains("a"));
        assert!(!read("[]").unwrap().contains(""));
        for json in ["1", "null", "{}", r#"["a",1]"#, r#"[["a"]]"#] {
            assert!(read(json).is_err(), "{json}");
        }
        assert_eq!(serde_json::to_string(&read(r#"["a"]"#).unwrap()).unwrap(), r#"["a"]"#);
    }
}
