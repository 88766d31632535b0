use super::{form_json, limits};

/// The fields of a form or query (`application/x-www-form-urlencoded`), in order.
///
/// A field that must be there at most once is read with [`Form::get`], which refuses a repeated
/// one: RFC 6749, section 3.1 ("parameters MUST NOT be included more than once").
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

/// What is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// The content type is not `application/x-www-form-urlencoded`.
    #[error("the body must be application/x-www-form-urlencoded")]
    ContentType,
    /// It is not one JSON object whose members are texts, booleans or lists of texts, each there once
    /// and few enough.
    #[error(
        "the body must be one JSON object of texts, booleans and lists of texts, each named once"
    )]
    Json,
    /// It is not form-encoded UTF-8.
    #[error("the form is not valid")]
    Syntax,
    /// It has too many fields.
    #[error("the form has more than {} fields", limits::FORM_FIELDS)]
    TooManyFields,
    /// A field that may appear once appears more often.
    #[error("the parameter {0:?} appears more than once")]
    Repeated(&'static str),
    /// A field that must be there is missing.
    #[error("the parameter {0:?} is missing")]
    Missing(&'static str),
}

impl Form {
    /// Reads a query string or a form body.
    ///
    /// # Errors
    /// [`FormError::Syntax`], [`FormError::TooManyFields`].
    pub fn parse(text: &[u8]) -> Result<Self, FormError> {
        if text.split(|b| *b == b'&').count() > limits::FORM_FIELDS {
            return Err(FormError::TooManyFields);
        }
        let fields: Vec<(String, String)> =
            serde_urlencoded::from_bytes(text).map_err(|_| FormError::Syntax)?;
        // Bytes that are no UTF-8 decode to U+FFFD, so that two different inputs would look alike.
        if has_replacements(&fields) { Err(FormError::Syntax) } else { Ok(Self(fields)) }
    }

    /// Reads a form that was written as JSON: one object (RFC 8259) whose members are the fields. A
    /// field is a text; what is checked is `true` and reads as `yes`; what is not, `false` or `null`, is
    /// absent; a field that may be repeated is a list of texts. What [`Form::parse`] could not say is
    /// refused here, too.
    ///
    /// ```
    /// use donjon::http::{Form, FormError};
    ///
    /// let form = Form::parse_json(br#"{"email": "a@b.example", "remember": true}"#)?;
    /// assert_eq!(form.require("email")?, "a@b.example");
    /// assert_eq!(form.get("remember")?, Some("yes"));
    /// let twice = Form::parse_json(br#"{"email": "a@b.example", "email": "c@d.example"}"#);
    /// assert_eq!(twice.unwrap_err(), FormError::Json);
    /// # Ok::<(), FormError>(())
    /// ```
    ///
    /// # Errors
    /// [`FormError::Json`].
    pub fn parse_json(json: &[u8]) -> Result<Self, FormError> {
        let fields = form_json::read(json).map_err(|_| FormError::Json)?;
        if has_replacements(&fields) { Err(FormError::Json) } else { Ok(Self(fields)) }
    }

    /// Reads the query of a request's URI.
    ///
    /// # Errors
    /// As [`Form::parse`].
    pub fn of_query(uri: &http::Uri) -> Result<Self, FormError> {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// Reads the body of a POST, whose content type must be right.
    ///
    /// # Errors
    /// [`FormError::ContentType`], or as [`Form::parse`].
    pub fn of_body(headers: &http::HeaderMap, body: &[u8]) -> Result<Self, FormError> {
        if is_of(headers, "application/x-www-form-urlencoded") {
            Self::parse(body)
        } else {
            Err(FormError::ContentType)
        }
    }

    /// Reads the body of a POST to a form of our own, which may be JSON as well: another site's page
    /// cannot send that type without a preflight (Fetch, section 4.8), which nobody here grants.
    ///
    /// # Errors
    /// [`FormError::ContentType`], or as [`Form::parse`] and [`Form::parse_json`].
    pub fn of_own_body(headers: &http::HeaderMap, body: &[u8]) -> Result<Self, FormError> {
        if is_of(headers, "application/json") {
            Self::parse_json(body)
        } else {
            Self::of_body(headers, body)
        }
    }

    /// The value of a field, if it is there; an empty value counts as absent (RFC 6749,
    /// section 3.1).
    ///
    /// # Errors
    /// [`FormError::Repeated`].
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, FormError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(FormError::Repeated(name)),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The value of a field that must be there.
    ///
    /// # Errors
    /// [`FormError::Missing`], [`FormError::Repeated`].
    pub fn require(&self, name: &'static str) -> Result<&str, FormError> {
        self.get(name)?.ok_or(FormError::Missing(name))
    }

    /// All values of a field that may be repeated, such as `resource` (RFC 8707).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn has_replacements(fields: &[(String, String)]) -> bool {
    fields.iter().any(|(key, value)| key.contains('\u{FFFD}') || value.contains('\u{FFFD}'))
}

/// Whether the content type is this one, whatever its parameters.
fn is_of(headers: &http::HeaderMap, essence: &str) -> bool {
    let given = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split(';').next()).map(str::trim);
    given.is_some_and(|given| given.eq_ignore_ascii_case(essence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_once() {
        let form = Form::parse(b"a=1&b=x+y%21&a=2&c=").unwrap();
        assert_eq!(form.get("a"), Err(FormError::Repeated("a")));
        assert_eq!(form.get("b"), Ok(Some("x y!")));
        assert_eq!(form.get("c"), Ok(None));
        assert_eq!(form.require("d"), Err(FormError::Missing("d")));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        assert_eq!(Form::parse(b"a=%FF").unwrap_err(), FormError::Syntax);
    }

    #[test]
    fn floods_and_other_types_are_refused() {
        let flood = "a=1&".repeat(limits::FORM_FIELDS);
        assert_eq!(Form::parse(flood.as_bytes()).unwrap_err(), FormError::TooManyFields);
        let mut headers = http::HeaderMap::new();
        assert_eq!(Form::of_body(&headers, b"a=1").unwrap_err(), FormError::ContentType);
        headers.insert(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap(),
        );
        assert_eq!(Form::of_body(&headers, b"a=1").unwrap().get("a"), Ok(Some("1")));
    }

    #[test]
    fn json_says_what_a_form_says_and_no_more() {
        let json = br#" {"a": "x y", "b": true, "c": false, "d": null, "e": ["1", "2"], "f": ""} "#;
        let form = Form::parse_json(json).unwrap();
        let fields: Vec<_> = form.iter().collect();
        assert_eq!(fields, [("a", "x y"), ("b", "yes"), ("e", "1"), ("e", "2"), ("f", "")]);
        let flood = |count: usize| {
            let members: Vec<_> = (0..count).map(|n| format!("\"{n}\":\"\"")).collect();
            format!("{{{}}}", members.join(","))
        };
        let list = format!("{{\"a\":[{}]}}", vec!["\"\""; limits::FORM_FIELDS + 1].join(","));
        assert!(Form::parse_json(flood(limits::FORM_FIELDS).as_bytes()).is_ok());
        for bad in [
            "",
            "[]",
            "\"a\"",
            "{\"a\":1}",
            "{\"a\":{}}",
            "{\"a\":[true]}",
            "{\"a\":[[\"b\"]]}",
            "{\"a\":\"1\",\"a\":\"2\"}",
            "{\"a\":false,\"\\u0061\":\"2\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\ufffd\"}",
            "{\"a\":\"1\"}{}",
            "{\"a\":\"1\",}",
            "a=1",
            &list,
            &flood(limits::FORM_FIELDS + 1),
        ] {
            assert_eq!(Form::parse_json(bad.as_bytes()).unwrap_err(), FormError::Json, "{bad}");
        }
    }

    #[test]
    fn json_is_read_only_where_it_is_ours_and_says_so() {
        let json = br#"{"a":"1"}"#;
        let of = |kind: &str| {
            http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind.parse().unwrap())])
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(Form::of_own_body(&of(kind), json).unwrap().get("a"), Ok(Some("1")));
            assert_eq!(Form::of_body(&of(kind), json).unwrap_err(), FormError::ContentType);
        }
        for kind in ["text/plain", "text/plain; application/json", "application/jsonp", "*/*"] {
            let refused = Form::of_own_body(&of(kind), json).unwrap_err();
            assert_eq!(refused, FormError::ContentType, "{kind}");
        }
        let form = of("application/x-www-form-urlencoded");
        assert_eq!(Form::of_own_body(&form, b"a=1").unwrap().get("a"), Ok(Some("1")));
    }
}
