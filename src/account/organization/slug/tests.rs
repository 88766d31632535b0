use proptest::prelude::*;

use super::*;

fn suggested(name: &str) -> Option<String> {
    SlugRules::default().suggest(name).next().map(|slug| slug.to_string())
}

#[test]
fn slugs_have_rules() {
    let longest = "a".repeat(63);
    for good in ["abc", "a-b", "a1b2", "acme-inc-2", "a-1-b", &longest] {
        assert_eq!(Slug::parse(good).unwrap().as_str(), good);
    }
    for (bad, why) in [
        ("", InvalidSlug::Length),
        ("ab", InvalidSlug::Length),
        (&*"a".repeat(64), InvalidSlug::Length),
        ("1ab", InvalidSlug::Characters),
        ("-ab", InvalidSlug::Characters),
        ("ab-", InvalidSlug::Characters),
        ("a--b", InvalidSlug::Characters),
        ("xn--bcher-kva", InvalidSlug::Characters),
        ("Abc", InvalidSlug::Characters),
        ("a b", InvalidSlug::Characters),
        ("a_b", InvalidSlug::Characters),
        ("a.b", InvalidSlug::Characters),
        ("a/b", InvalidSlug::Characters),
        ("abc\n", InvalidSlug::Characters),
        ("äbc", InvalidSlug::Characters),
        ("аbc", InvalidSlug::Characters),
    ] {
        assert_eq!(Slug::parse(bad), Err(why), "{bad:?}");
    }
}

#[test]
fn reserved_names_cannot_be_chosen_but_are_read() {
    let rules = SlugRules::default().reserve(["pizza"]);
    for reserved in ["admin", "login", "www", "pizza"] {
        assert_eq!(rules.choose(reserved), Err(InvalidSlug::Reserved), "{reserved}");
        assert!(Slug::parse(reserved).is_ok());
    }
    assert!(SlugRules::default().choose("pizza").is_ok());
    assert!(rules.choose("admins").is_ok());
}

#[test]
fn the_reserved_list_is_in_order_and_each_entry_means_something() {
    assert!(RESERVED.split(' ').is_sorted());
    for reserved in RESERVED.split(' ') {
        assert!(Slug::parse(reserved).is_ok(), "{reserved}");
    }
}

#[test]
fn a_name_suggests_a_slug() {
    for (name, slug) in [
        ("Acme", "acme"),
        ("Acme, Inc.", "acme-inc"),
        ("  Bob's  Burgers!! ", "bobs-burgers"),
        ("Müller & Söhne", "muller-sohne"),
        ("Mu\u{308}ller", "muller"),
        ("Weiß Œuvre Ærø Łódź", "weiss-oeuvre-aero-lodz"),
        ("İstanbul Çay", "istanbul-cay"),
        ("Đặng Nguyễn", "dang-nguyen"),
        ("A.C.M.E.", "acme"),
        ("3M", "org-3m"),
        ("42", "org-42"),
        ("X", "org-x"),
        ("HP", "org-hp"),
        ("Admin", "org-admin"),
        ("me", "org-me"),
        ("東京 Tower", "tower"),
        ("a -- b", "a-b"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
    ] {
        assert_eq!(suggested(name).as_deref(), Some(slug), "{name:?}");
    }
    for nothing in ["", " ", "東京", "!!!", "-", "Москва"] {
        assert_eq!(suggested(nothing), None, "{nothing:?}");
        assert_eq!(SlugRules::default().suggest(nothing).count(), 0);
    }
}

#[test]
fn suggestions_go_on_without_end_and_skip_what_is_reserved() {
    let rules = SlugRules::default().reserve(["acme-2"]);
    let suggested: Vec<_> = rules.suggest("Acme").take(3).map(|slug| slug.to_string()).collect();
    assert_eq!(suggested, ["acme", "acme-3", "acme-4"]);
    let long = format!("{} b", "a".repeat(61));
    let suggested: Vec<_> = rules.suggest(&long).take(3).map(|slug| slug.to_string()).collect();
    let start = "a".repeat(61);
    assert_eq!(suggested, [format!("{start}-b"), format!("{start}-2"), format!("{start}-3")]);
}

proptest! {
    #[test]
    fn suggestions_are_slugs_that_may_be_chosen(name in ".{0,300}|[a-zäöß0-9 '&.-]{0,300}") {
        let rules = SlugRules::default();
        for slug in rules.suggest(&name).take(12) {
            prop_assert_eq!(rules.choose(slug.as_str()), Ok(slug));
        }
    }

    #[test]
    fn slugs_are_those_of_the_rule(text in "[a-z0-9-]{0,66}|.{0,10}") {
        let parts: Vec<&str> = text.split('-').collect();
        let word = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9'))
        };
        let expected = (3..=63).contains(&text.len())
            && parts.iter().all(word)
            && !text.starts_with(|c: char| c.is_ascii_digit());
        prop_assert_eq!(Slug::parse(&text).is_ok(), expected);
    }
}

#[test]
fn a_long_name_that_ends_in_a_number_is_suggested_once() {
    let name = format!("{} 2 and more", "a".repeat(61));
    let suggested: Vec<Slug> = SlugRules::default().suggest(&name).take(3).collect();
    let ends: Vec<&str> = suggested.iter().map(|slug| &slug.as_str()[61..]).collect();
    assert_eq!(ends, ["-2", "-3", "-4"]);
}
