use super::sign_up::{OURS, typed};
use crate::http::Form;
use crate::page::SignUpEntry;

/// One more field of the forms to sign up. What is typed there goes to
/// [`AccountHook::permits_sign_up`](super::AccountHook::permits_sign_up), and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpField {
    name: String,
    label: String,
    max_length: usize,
    required: bool,
}

impl SignUpField {
    /// The field of this name, called `label` on the page. It must be filled in, with 200 characters at
    /// most.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { name: name.into(), label: label.into(), max_length: 200, required: true }
    }

    /// How many characters it takes.
    #[must_use]
    pub fn max_length(mut self, characters: usize) -> Self {
        self.max_length = characters;
        self
    }

    /// It may be left empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    fn takes(&self, text: &str) -> bool {
        text.chars().count() <= self.max_length && !(self.required && text.trim().is_empty())
    }
}

/// The name of a field that cannot be one: empty, one of ours, or there twice.
pub(in crate::account) fn fault(fields: &[SignUpField]) -> Option<&str> {
    let names = || fields.iter().map(|field| field.name.as_str());
    let twice = |name: &str| names().filter(|other| *other == name).count() > 1;
    names().find(|name| name.is_empty() || OURS.contains(name) || twice(name))
}

/// The fields as a page shows them, with what was typed.
pub(in crate::account) fn entries<'a>(
    fields: &'a [SignUpField],
    form: Option<&'a Form>,
) -> Vec<SignUpEntry<'a>> {
    let entry = |field: &'a SignUpField| SignUpEntry {
        name: &field.name,
        label: &field.label,
        value: form.and_then(|form| typed(form, &field.name)).unwrap_or_default(),
        max_length: field.max_length,
        required: field.required,
        wrong: form.is_some_and(|form| !field.takes(typed(form, &field.name).unwrap_or_default())),
    };
    fields.iter().map(entry).collect()
}

/// Whether something is wrong with what was typed.
pub(in crate::account) fn problem(fields: &[SignUpField], form: &Form) -> bool {
    fields.iter().any(|field| !field.takes(typed(form, &field.name).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_filled_in_and_not_too_long() {
        let fields = [
            SignUpField::new("name", "Name").max_length(3),
            SignUpField::new("note", "Note").optional(),
        ];
        for (form, wrong) in [
            ("name=J%C3%B6e&note=", false),
            ("name=J%C3%B6el", true),
            ("name=+", true),
            ("note=x", true),
            ("name=a&name=b", true),
        ] {
            let form = Form::parse(form.as_bytes()).unwrap();
            assert_eq!(problem(&fields, &form), wrong, "{form:?}");
            assert_eq!(entries(&fields, Some(&form)).iter().any(|entry| entry.wrong), wrong);
        }
        assert!(entries(&fields, None).iter().all(|entry| !entry.wrong && entry.value.is_empty()));
    }

    #[test]
    fn names_of_fields_are_the_hosts_own() {
        let field = |name: &str| SignUpField::new(name, "x");
        assert_eq!(fault(&[field("a"), field("b")]), None);
        for (fields, wrong) in [
            (vec![field("")], ""),
            (vec![field("a"), field("password")], "password"),
            (vec![field("a"), field("a")], "a"),
        ] {
            assert_eq!(fault(&fields), Some(wrong));
        }
    }
}
