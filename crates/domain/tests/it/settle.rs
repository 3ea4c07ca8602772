//! The table of outcomes, urgency and repeat safety, cell by cell.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::run::outcome::{Fault, Outcome, Refusal, Step};
use kizuna_domain::run::settle::{Attempt, Failure, Next, RETRY_SECONDS, Urgency, retry_at, settle};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn attempt() -> Attempt {
    Attempt {
        number: 0,
        urgency: Urgency::Daily,
        retry_is_safe: false,
        now: NOW,
        expires_at: after(12 * 3600),
        spread: 0,
    }
}

fn every_way() -> impl Iterator<Item = Attempt> {
    let ways = [Urgency::Daily, Urgency::Emergency]
        .into_iter()
        .flat_map(|u| [(u, false), (u, true)]);
    ways.map(|(urgency, retry_is_safe)| Attempt {
        urgency,
        retry_is_safe,
        ..attempt()
    })
}

fn deferred(after_seconds: Option<u32>) -> Outcome {
    Outcome::Deferred {
        step: Step::Recipient,
        reply: "450 4.2.0 greylisted".into(),
        after_seconds,
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused {
        refusal,
        step: Step::Recipient,
        reply: "550 5.1.1 no such user".into(),
    }
}

fn lost() -> Outcome {
    Outcome::Unknown {
        reply: "connection closed".into(),
    }
}

fn held(fault: Fault) -> Outcome {
    Outcome::Held {
        fault,
        reply: "401 token revoked".into(),
    }
}

#[test]
fn what_the_provider_took_is_sent_however_urgent() {
    for attempt in every_way() {
        let settlement = settle(&attempt, &Outcome::Accepted { reference: "id".into() });
        assert_eq!((settlement.next, settlement.suppress), (Next::Sent, false));
    }
}

#[test]
fn what_the_provider_deferred_is_tried_again_however_urgent() {
    for attempt in every_way() {
        let settlement = settle(&attempt, &deferred(None));
        assert_eq!(
            (settlement.next, settlement.suppress),
            (Next::RetryAt(after(60)), false)
        );
    }
}

#[test]
fn an_address_that_is_gone_or_blocks_us_is_never_written_to_again() {
    for attempt in every_way() {
        for refusal in [Refusal::AddressGone, Refusal::Blocked] {
            let settlement = settle(&attempt, &refused(refusal));
            assert_eq!(settlement.next, Next::Failed(Failure::Refused(refusal)));
            assert!(settlement.suppress, "{refusal:?}");
        }
    }
}

#[test]
fn a_refused_message_is_not_the_fault_of_the_address() {
    for attempt in every_way() {
        let settlement = settle(&attempt, &refused(Refusal::Policy));
        assert_eq!(settlement.next, Next::Failed(Failure::Refused(Refusal::Policy)));
        assert!(!settlement.suppress);
    }
}

#[test]
fn our_own_fault_holds_the_message_until_somebody_mends_it() {
    for attempt in every_way() {
        for fault in [Fault::Account, Fault::Payload] {
            let settlement = settle(&attempt, &held(fault));
            assert_eq!((settlement.next, settlement.suppress), (Next::Held(fault), false));
        }
    }
}

#[test]
fn an_unknown_outcome_is_tried_again_only_where_a_repeat_is_safe_or_a_loss_is_worse() {
    let table = [
        (Urgency::Daily, false, Next::Unknown),
        (Urgency::Daily, true, Next::RetryAt(after(60))),
        (Urgency::Emergency, false, Next::RetryAt(after(60))),
        (Urgency::Emergency, true, Next::RetryAt(after(60))),
    ];
    for (urgency, retry_is_safe, expected) in table {
        let settlement = settle(
            &Attempt {
                urgency,
                retry_is_safe,
                ..attempt()
            },
            &lost(),
        );
        assert_eq!(
            (settlement.next, settlement.suppress),
            (expected, false),
            "{urgency:?} {retry_is_safe}"
        );
    }
}

#[test]
fn an_unknown_outcome_without_time_for_another_try_stays_unknown() {
    for attempt in every_way() {
        let settlement = settle(
            &Attempt {
                expires_at: after(60),
                ..attempt
            },
            &lost(),
        );
        assert_eq!(settlement.next, Next::Unknown, "it may have arrived: {attempt:?}");
    }
}

#[test]
fn a_deferred_message_whose_time_ends_has_failed() {
    for attempt in every_way() {
        let settlement = settle(
            &Attempt {
                expires_at: after(60),
                ..attempt
            },
            &deferred(None),
        );
        assert_eq!(
            (settlement.next, settlement.suppress),
            (Next::Failed(Failure::Expired), false)
        );
    }
}

#[test]
fn waits_grow_and_the_last_one_repeats() {
    let waits: Vec<i64> = (0..9)
        .map(|number| {
            let attempt = Attempt {
                number,
                expires_at: after(1_000_000),
                ..attempt()
            };
            retry_at(&attempt, None).unwrap().duration_since(NOW).as_secs()
        })
        .collect();
    assert_eq!(waits, [60, 300, 900, 1800, 3600, 7200, 7200, 7200, 7200]);
}

#[test]
fn a_longer_wait_that_the_provider_asks_for_is_kept_and_a_shorter_one_changes_nothing() {
    assert_eq!(settle(&attempt(), &deferred(Some(600))).next, Next::RetryAt(after(600)));
    assert_eq!(settle(&attempt(), &deferred(Some(1))).next, Next::RetryAt(after(60)));
    assert_eq!(
        settle(&attempt(), &deferred(Some(u32::MAX))).next,
        Next::Failed(Failure::Expired)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_retry_lies_between_the_asked_wait_and_a_tenth_more_and_before_the_expiry(
        number: u32, spread: u32, asked: Option<u32>, life in 1_i64..100_000,
    ) {
        let attempt = Attempt { number, spread, expires_at: after(life), ..attempt() };
        let schedule = RETRY_SECONDS[usize::try_from(number).unwrap().min(RETRY_SECONDS.len() - 1)];
        let wait = schedule.max(asked.map_or(0, i64::from));
        match retry_at(&attempt, asked) {
            Some(at) => {
                prop_assert!(at < attempt.expires_at);
                prop_assert!(after(wait) <= at && at <= after(wait + wait / 10));
            }
            None => prop_assert!(wait + wait / 10 >= life),
        }
    }
}

#[test]
fn messages_of_one_batch_come_back_spread_over_the_tenth() {
    let mut at: Vec<_> = (0..100)
        .map(|spread| {
            retry_at(
                &Attempt {
                    number: 3,
                    spread,
                    ..attempt()
                },
                None,
            )
        })
        .collect();
    at.dedup();
    assert_eq!(at.len(), 100);
}
