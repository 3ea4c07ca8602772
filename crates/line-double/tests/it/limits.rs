//! Rates: buckets for each channel, method and path, and the busiest second.

use jiff::SignedDuration;
use kizuna_line_double::Options;
use serde_json::json;

use crate::support::{AOI, OTHER_TOKEN, TOWN, double, double_with, get, multicast, post, push, text};

const SLOW_DOWN: (u16, &str) = (429, "The API rate limit has been exceeded. Try again later.");

#[test]
fn the_call_above_the_rate_is_refused_and_passes_a_moment_later() {
    let double = double();
    let send = |token| multicast(&double, &[AOI], "一").token(token).send();
    for number in 0..20 {
        assert_eq!(send(crate::support::TOKEN).status, 200, "{number}");
    }

    assert_eq!(send(crate::support::TOKEN).brief(), SLOW_DOWN);
    assert_eq!(send(OTHER_TOKEN).status, 400, "another channel has a bucket of its own");
    assert_eq!(push(&double, AOI, "一").send().status, 200, "another endpoint too");
    double.advance(SignedDuration::from_millis(5));
    assert_eq!(send(crate::support::TOKEN).status, 200);
    assert_eq!(send(crate::support::TOKEN).brief(), SLOW_DOWN);
}

#[test]
fn sixty_broadcasts_an_hour() {
    let double = double();
    let send = || {
        post(&double, "/v2/bot/message/broadcast", &json!({ "messages": text("一") }))
            .send()
            .status
    };

    let statuses: Vec<u16> = (0..61).map(|_| send()).collect();

    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 60);
    assert_eq!(statuses[60], 429);
    double.advance(SignedDuration::from_mins(1));
    assert_eq!((send(), send()), (200, 429));
}

#[test]
fn a_refused_call_does_not_use_up_its_retry_key() {
    let double = double();
    let key = crate::support::key(1);
    for _ in 0..20 {
        assert_eq!(multicast(&double, &[AOI], "一").send().status, 200);
    }
    assert_eq!(multicast(&double, &[AOI], "一").key(&key).send().status, 429);
    double.advance(SignedDuration::from_secs(1));

    assert_eq!(multicast(&double, &[AOI], "一").key(&key).send().status, 200);
}

#[test]
fn without_limits_all_pass_and_the_busiest_second_is_still_known() {
    let double = double_with(Options {
        rate_limits: false,
        ..Options::default()
    });
    for _ in 0..30 {
        assert_eq!(multicast(&double, &[AOI], "一").send().status, 200);
    }
    double.advance(SignedDuration::from_secs(1));
    assert_eq!(multicast(&double, &[AOI], "一").send().status, 200);

    assert_eq!(double.traffic()[0].peak, 30);
    let peaks = get(&double, "/_double/peaks").send().body;

    assert_eq!(
        peaks,
        json!([{
            "channel": TOWN, "method": "POST", "path": "/v2/bot/message/multicast",
            "peak": 30, "passed": 31, "refused": 0,
        }])
    );
}
