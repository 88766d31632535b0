use std::path::Path;

use super::*;

const MINIMAL: &str = r#"
    listen = "127.0.0.1:9443"
    issuer = "https://op.test:9443"
    database_url = "sqlite::memory:"
"#;

fn parse(more: &str) -> Result<Config, String> {
    let text = format!("{MINIMAL}\n{more}");
    Config::parse(&text, Path::new("/etc/op/op.toml")).map_err(|error| error.to_string())
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        danger_mailbox = false
        [tls]
        certificate = "cert.pem"
        private_key = "/keys/key.pem"
        request_client_certificate = true
        [[users]]
        email = "alice@example.test"
        password = "correct horse battery staple"
        claims = { name = "Alice", email_verified = true }
        [[clients]]
        client_id = "spa"
        redirect_uris = ["http://127.0.0.1:3001/callback"]
        token_endpoint_auth_method = "none"
        scope = "openid profile email offline_access api:read"
        [provider]
        danger_test_hooks = true
        [egress]
        danger_allow = ["127.0.0.0/8", "::1/128"]
        extra_roots = "ca.pem"
        [[saml.connections]]
        id = "acme"
        idp_metadata = "idp.xml"
        name_id_format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        "#,
    );
    let config = config.unwrap();
    let tls = config.tls.as_ref().unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/op/cert.pem"));
    assert_eq!(tls.private_key, Path::new("/keys/key.pem"));
    assert!(tls.request_client_certificate && config.provider.danger_test_hooks);
    assert_eq!(config.users[0].claims["name"], "Alice");
    assert_eq!(config.clients[0].client_id, "spa");
    assert_eq!(config.egress.danger_allow.len(), 2);
    assert_eq!(config.egress.extra_roots.as_deref(), Some(Path::new("/etc/op/ca.pem")));
    assert_eq!(config.saml.connections[0].idp_metadata, Path::new("/etc/op/idp.xml"));
    assert!(config.is_ephemeral() && config.has_mailbox());
}

#[test]
fn the_demo_is_a_valid_configuration() {
    let demo = Config::parse(include_str!("../demo.toml"), Path::new("demo.toml")).unwrap();
    assert_eq!(demo.clients[0].redirect_uris, [crate::neighbours::client_app::REDIRECT_URI]);
}

#[test]
fn an_unknown_key_is_named_wherever_it_is() {
    for (text, key) in [
        ("colour = 1", "colour"),
        ("[tls]\ncertificate = \"a\"\nprivate_key = \"b\"\nciphers = 1", "ciphers"),
        ("[[users]]\nemail = \"a\"\npassword = \"b\"\nadmin = true", "admin"),
        ("[[clients]]\nclient_id = \"a\"\nredirect_url = \"b\"", "redirect_url"),
        ("[provider]\ntest_hooks = true", "test_hooks"),
        ("[egress]\nallow = []", "allow"),
        ("[saml]\nentity = 1", "entity"),
        ("[[saml.connections]]\nid = \"a\"\nidp_metadata = \"b\"\nacs = 1", "acs"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(&format!("unknown field `{key}`, expected ")), "{key}: {error}");
        assert!(error.starts_with("/etc/op/op.toml: line "), "{error}");
        assert!(error.contains("README.md"), "{error}");
    }
}

fn user(line: &str) -> String {
    format!("[[users]]\nemail = \"a@example.test\"\npassword = \"b\"\n{line}\n")
}

fn connection(domain: &str) -> String {
    format!(
        "[[saml.connections]]\nid = \"a\"\nidp_metadata = \"b\"\nemail_domains = [\"{domain}\"]\n"
    )
}

#[test]
fn a_bad_value_is_named_with_what_would_do() {
    for (text, told) in [
        (
            "[egress]\ndanger_allow = [\"10.0.0.1\"]",
            "egress.danger_allow: \"10.0.0.1\" is not a network",
        ),
        ("[provider]\ndanger_test_hooks = 1", "provider.danger_test_hooks: invalid type: integer"),
        (
            "[[users]]\nemail = \"a\"\npassword = \"b\"",
            "users[0].email: \"a\": this is not an email address; write one",
        ),
        (
            "[[users]]\nemail = \"a@b.test\"\npassword = \"\"",
            "users[0].password: must not be empty",
        ),
        (&user("claims = { sub = \"x\" }"), "users[0].claims: sub and email"),
        (
            &user("claims = { \"saml:acme\" = \"x\" }"),
            "users[0].claims: names that begin with saml:",
        ),
        (
            &user("claims = { email_verified = \"yes\" }"),
            "users[0].claims.email_verified: must be true or false",
        ),
        (&(user("") + &user("")), "users[1].email: is that of users[0] too"),
        (
            &connection("@acme.example"),
            "saml.connections[0].email_domains: \"@acme.example\" is no domain; write",
        ),
        (&connection("*.acme.example"), "saml.connections[0].email_domains: "),
        (&connection(""), "saml.connections[0].email_domains: "),
        (
            &(connection("acme.example") + &connection("Acme.Example.")),
            "saml.connections[1].email_domains: \"Acme.Example.\" is saml.connections[0]'s too",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
        assert!(error.starts_with("/etc/op/op.toml: "), "{error}");
    }
}

#[test]
fn a_bad_beginning_is_named_with_what_would_do() {
    for (key, value, told) in [
        (
            "listen",
            "localhost:3000",
            "line 2: listen: \"localhost:3000\" is no address to listen on; write IP:PORT",
        ),
        ("listen", "9443", "line 2: listen: \"9443\" is no address"),
        ("issuer", "op.test:9443", "issuer: is not an absolute http(s) URL"),
        ("issuer", "", "issuer: is not an absolute http(s) URL"),
        ("issuer", "https://me:secret@op.test", "issuer: is not an absolute http(s) URL"),
        (
            "issuer",
            "http://op.test:9443",
            "issuer: is plain http, which only a loopback address may be",
        ),
        ("issuer", "https://op.test:9443/", "slash at the end; write \"https://op.test:9443\""),
        ("issuer", "https://op.test:443", "write \"https://op.test\""),
        ("issuer", "https://OP.test/auth", "write \"https://op.test\""),
        (
            "database_url",
            "mysql://me:secret@op.test",
            "database_url: names no database; write \"sqlite://FILE\"",
        ),
        ("database_url", "sqlite://", "database_url: names no database"),
        ("database_url", "app.db", "database_url: names no database"),
    ] {
        let line = |line: &str| {
            let is_it = line.trim_start().starts_with(key);
            if is_it { format!("{key} = \"{value}\"") } else { line.to_owned() }
        };
        let text: Vec<_> = MINIMAL.lines().map(line).collect();
        let error = Config::parse(&text.join("\n"), Path::new("/etc/op/op.toml")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(told), "{told}: {error}");
        assert!(error.starts_with("/etc/op/op.toml: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for key in ["listen", "issuer", "database_url"] {
        let kept: Vec<_> = MINIMAL.lines().filter(|line| !line.contains(key)).collect();
        let error = Config::parse(&kept.join("\n"), Path::new("op.toml")).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{key}`")), "{error}");
    }
}

#[test]
fn a_mistake_beside_a_secret_does_not_tell_it() {
    for text in [
        "[[users]]\nemail = \"a@example.test\"\npassword = \"hunter2",
        "[[users]]\nemail = \"a@example.test\"\npassword = \"hunter2\" trailing",
        "[[users]]\nemail = \"a@example.test\"\nclaims = { x = 1 } password = \"hunter2\"",
        "[[clients]]\nclient_id = \"a\"\nclient_secret = [\"hunter2\"]",
        "[[users]]\nemail = \"a@example.test\"\npassword = [\"hunter2\"]",
        "users = [{ email = \"a@example.test\", password = \"hunter2\", admin = 1 }]",
    ] {
        let error = parse(text).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("op.toml: line "), "{error}");
    }
}

#[test]
fn tls_needs_an_https_issuer() {
    let text = "listen = \"127.0.0.1:1\"\nissuer = \"http://127.0.0.1:1\"\n\
                database_url = \"sqlite::memory:\"\n\
                [tls]\ncertificate = \"a\"\nprivate_key = \"b\"";
    let error = Config::parse(text, Path::new("x.toml")).unwrap_err();
    assert!(error.to_string().contains("issuer: must start with https://"), "{error}");
}

#[test]
fn a_database_file_is_beside_the_configuration() {
    let text = MINIMAL.replace("sqlite::memory:", "sqlite://app.db");
    let config = Config::parse(&text, Path::new("/etc/op/op.toml")).unwrap();
    assert_eq!(config.database_url, "sqlite:///etc/op/app.db");
    assert!(!config.is_ephemeral());
}

#[test]
fn the_mailbox_is_for_loopback_or_at_ones_own_risk() {
    let open = MINIMAL.replace("127.0.0.1:9443", "0.0.0.0:9443");
    let mailbox = |text: &str| Config::parse(text, Path::new("x")).unwrap().has_mailbox();
    assert!(!mailbox(&open));
    assert!(mailbox(&format!("{open}\ndanger_mailbox = true")));
}
