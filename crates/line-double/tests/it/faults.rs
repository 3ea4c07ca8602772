//! Scripted and random faults: what was carried out, and what the client hears.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use kizuna_line_double::{Chances, Fault, FaultKind};

use crate::support::{AOI, OTHER_TOKEN, TOWN, double, get, key, push, texts};

const PUSH: &str = "/v2/bot/message/push";

/// What the client heard (status, or 0 for no whole answer) and what came to the phone.
fn strike(kind: FaultKind) -> (u16, usize) {
    let double = double();
    double.script(Fault::next("POST", PUSH, kind));
    let heard = push(&double, AOI, "一").key(&key(1)).patience_ms(700).attempt();
    (heard.map_or(0, |answer| answer.status), texts(&double, AOI).len())
}

#[test]
fn each_fault_does_what_its_name_says() {
    let close_after_ms = Some(50);
    let never = None;
    for (kind, heard, received) in [
        (FaultKind::Status(503), 503, 0),
        (FaultKind::Unauthorized, 401, 0),
        (FaultKind::AcceptThenStatus(500), 500, 1),
        (FaultKind::AcceptThenSilence { close_after_ms }, 0, 1),
        (FaultKind::AcceptThenSilence { close_after_ms: never }, 0, 1),
        (FaultKind::SilenceBefore { close_after_ms }, 0, 0),
        (FaultKind::SilenceBefore { close_after_ms: never }, 0, 0),
        (FaultKind::ResetBefore, 0, 0),
        (FaultKind::ResetAfterAccept, 0, 1),
        (FaultKind::ResetMidBody, 0, 1),
        (FaultKind::Slow(20), 200, 1),
        (FaultKind::Slow(5_000), 0, 1),
        (FaultKind::Drip(0), 200, 1),
        (FaultKind::Drip(200), 0, 1),
    ] {
        assert_eq!(strike(kind), (heard, received), "{kind:?}");
    }
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_a_close() {
    for (kind, heard, end) in [
        (FaultKind::ResetBefore, false, Err(ErrorKind::ConnectionReset)),
        (FaultKind::ResetAfterAccept, false, Err(ErrorKind::ConnectionReset)),
        (FaultKind::ResetMidBody, true, Err(ErrorKind::ConnectionReset)),
        (
            FaultKind::SilenceBefore {
                close_after_ms: Some(1),
            },
            false,
            Ok(()),
        ),
    ] {
        let double = double();
        double.script(Fault::next("GET", "/v2/bot/info", kind));
        let mut stream = TcpStream::connect(double.url().strip_prefix("http://").unwrap()).unwrap();
        let head = "GET /v2/bot/info HTTP/1.1\r\nhost: x\r\nauthorization: Bearer token-of-the-town\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();

        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes).map(|_| ()).map_err(|error| error.kind());

        let answer = String::from_utf8(bytes).unwrap();
        assert_eq!(
            (answer.contains("{\"basicId\""), ended),
            (heard, end),
            "{kind:?} {answer}"
        );
        assert!(!answer.ends_with('}'), "{kind:?}");
    }
}

#[test]
fn an_accepted_request_whose_answer_was_lost_is_answered_409_on_retry() {
    let double = double();
    for (number, kind) in (1..).zip([
        FaultKind::AcceptThenStatus(500),
        FaultKind::AcceptThenSilence { close_after_ms: None },
        FaultKind::ResetAfterAccept,
        FaultKind::ResetMidBody,
    ]) {
        double.script(Fault::next("POST", PUSH, kind));
        let _lost = push(&double, AOI, "一").key(&key(number)).patience_ms(200).attempt();

        assert_eq!(
            push(&double, AOI, "一").key(&key(number)).send().status,
            409,
            "{kind:?}"
        );
    }
    assert_eq!(texts(&double, AOI).len(), 4);
}

#[test]
fn a_fault_strikes_the_nth_call_of_its_endpoint_and_channel_only() {
    let double = double();
    double.script(Fault::nth(3, "POST", PUSH, FaultKind::Status(500)).of_channel(TOWN));
    double.script(Fault::times(
        2,
        "GET",
        "/v2/bot/profile/{userId}",
        FaultKind::Status(500),
    ));
    let send = |token| push(&double, AOI, "一").token(token).send().status;
    let profile = || get(&double, &format!("/v2/bot/profile/{AOI}")).send().status;

    assert_eq!(send(OTHER_TOKEN), 400);
    assert_eq!(send(OTHER_TOKEN), 400);
    let statuses: Vec<u16> = (0..4).map(|_| send(crate::support::TOKEN)).collect();
    assert_eq!(statuses, [200, 200, 500, 200]);
    assert_eq!((profile(), profile(), profile()), (500, 500, 200));
}

#[test]
fn the_connection_is_whole_again_for_the_next_call() {
    let double = double();
    let agent = ureq::Agent::new_with_defaults();
    let url = format!("{}/v2/bot/info", double.url());
    let info = || {
        agent
            .get(&url)
            .header("authorization", "Bearer token-of-the-town")
            .call()
            .unwrap()
    };
    double.script(Fault::next("GET", "/v2/bot/info", FaultKind::Drip(1)));

    assert_eq!(info().status(), 200);
    assert_eq!(info().status(), 200);
}

#[test]
fn random_faults_are_the_same_for_the_same_seed_and_about_as_many_as_asked() {
    let run = |seed| {
        let double = double();
        double.rate_limits(false);
        double.chances(Chances {
            seed,
            false_500: 0.3,
            timeout: 0.0,
            reset: 0.2,
        });
        let heard: Vec<u16> = (0..200)
            .map(|number| {
                push(&double, AOI, "一")
                    .key(&key(number))
                    .attempt()
                    .map_or(0, |answer| answer.status)
            })
            .collect();
        let received: BTreeSet<String> = double
            .receipts()
            .into_iter()
            .filter_map(|receipt| receipt.retry_key)
            .collect();
        (heard, received)
    };

    let (heard, received) = run(1);
    assert_eq!((heard.clone(), received.clone()), run(1));
    assert_ne!((heard.clone(), received.clone()), run(2));
    let count = |status| heard.iter().filter(|heard| **heard == status).count();
    assert!((40..80).contains(&count(500)), "{}", count(500));
    assert!((25..55).contains(&count(0)), "{}", count(0));
    let half_of_the_faulty = received.len() - count(200);
    assert!((35..65).contains(&half_of_the_faulty), "{half_of_the_faulty}");
}

#[test]
fn retrying_until_it_is_answered_brings_each_message_once_whatever_the_chances() {
    let double = double();
    double.rate_limits(false);
    double.chances(Chances {
        seed: 7,
        false_500: 0.2,
        timeout: 0.05,
        reset: 0.2,
    });

    for number in 0..60 {
        let settled = (0..50).any(|_| {
            let heard = push(&double, AOI, &number.to_string())
                .key(&key(number))
                .patience_ms(100)
                .attempt();
            heard.is_ok_and(|answer| matches!(answer.status, 200 | 409))
        });
        assert!(settled);
    }

    let expected: Vec<String> = (0..60).map(|number: u32| number.to_string()).collect();
    assert_eq!(texts(&double, AOI), expected);
    assert!(double.violations().is_empty());
}
