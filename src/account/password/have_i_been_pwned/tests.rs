//! Against a service of the same form on this machine.

use super::*;
use crate::http::test_server::{Server, ok};

/// SHA-1 of `password`: 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
const ENDING: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
const OTHER: &str = "00D4F6E8FA6EECAD2A3AA415EEC418D38EC";

fn client(server: &Server) -> HaveIBeenPwned {
    let egress = Egress::builder()
        .danger_allow(["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()])
        .extra_roots(server.certificate.as_bytes())
        .unwrap()
        .build();
    let ranges = format!("https://localhost:{}/range/", server.port);
    HaveIBeenPwned::mirror(egress, &ranges).unwrap()
}

#[tokio::test]
async fn five_digits_are_told_and_the_rest_is_looked_up_here() {
    let server = Server::start(ok(&format!("{OTHER}:2\r\n{ENDING}:52579\r\n"))).await;
    assert_eq!(client(&server).count("password").await.unwrap(), 52_579);
    let request = server.last_request().to_ascii_lowercase();
    assert!(request.starts_with("get /range/5baa6 http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nadd-padding: true\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: donjon/"), "{request}");
    assert!(!request.contains("1e4c9"), "{request}");

    server.answer(ok(&format!("{OTHER}:2\r\n{}:3", "0".repeat(35))));
    assert_eq!(client(&server).count("password").await.unwrap(), 0);
}

#[tokio::test]
async fn padding_is_no_leak() {
    let padded = format!("{OTHER}:2\r\n{ENDING}:0\r\n{}:0\r\n", "F".repeat(35));
    let server = Server::start(ok(&padded)).await;
    assert_eq!(client(&server).count("password").await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_no_leak() {
    let server = Server::start(ok("")).await;
    let portal = "<!doctype html><title>Welcome to the hotel</title>";
    let answers = [
        ok(""),
        ok("\r\n"),
        ok(portal),
        ok(&format!("{ENDING}\r\n")),
        ok(&format!("{ENDING}:many\r\n")),
        ok(&format!("{ENDING}0:1\r\n")),
        ok(&format!("{OTHER}:1\r\n{portal}")),
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n{}", "x".repeat(300_000)),
    ];
    for answer in answers {
        server.answer(answer.clone());
        assert!(client(&server).count("password").await.is_err(), "{}", &answer[..40]);
    }
}

#[tokio::test]
async fn a_service_that_says_nothing_is_not_waited_for() {
    let server = Server::start("").await;
    let client = client(&server).time_limit(Duration::from_millis(200));
    let error = client.count("password").await.unwrap_err();
    assert!(error.to_string().contains("no answer in time"), "{error}");
}

#[test]
fn a_mirror_has_an_https_url() {
    for bad in ["", "http://mirror.example/range/", "mirror.example", "https://u:p@m.example/"] {
        assert_eq!(HaveIBeenPwned::mirror(Egress::new(), bad).unwrap_err(), InvalidMirror, "{bad}");
    }
}

#[test]
fn errors_keep_the_password_to_themselves() {
    let error = BreachError(Fault::Form.into());
    assert!(!format!("{error} {error:?}").contains("5BAA6"));
    assert_eq!(sha1_hex("password"), format!("5BAA6{ENDING}"));
}
