//! The table of what follows from an event, without a database.

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::line::webhook::{Event, What};
use kizuna_domain::menu::Intent;
use kizuna_engine::line::talk::{Answer, Effect, Replies, State, Who, decide};
use kizuna_store::line::Friendship;

fn now() -> Timestamp {
    "2026-12-24T00:00:00Z".parse().unwrap()
}

fn event(what: What) -> Event {
    Event {
        what,
        at: now().as_millisecond(),
        user: Some("U0123456789abcdef0123456789abcdef".to_owned()),
        reply_token: Some("token".to_owned()),
        may_speak: true,
    }
}

fn state(who: Who) -> State {
    State {
        who,
        friendship: None,
        is_blocked: false,
        replies: Replies::Ours,
        arrived_at: now(),
    }
}

fn friend(is_friend: bool, seconds: i64) -> Friendship {
    Friendship {
        is_friend,
        since_at: now() + SignedDuration::from_secs(seconds),
    }
}

fn says(text: &str) -> What {
    What::Text(text.to_owned())
}

#[test]
fn every_button_that_a_menu_may_have_is_answered_whoever_presses_it() {
    for intent in Intent::ALL {
        for who in [Who::Unknown, Who::Former, Who::Resting, Who::Reader] {
            let effects = decide(&event(What::Postback(intent.postback())), &state(who));
            let is_answered = effects.iter().any(|effect| matches!(effect, Effect::Reply(_)));
            assert!(is_answered, "{intent:?} for {who:?}: {effects:?}");
        }
    }
}

#[test]
fn words_that_stand_alone_stop_and_others_do_not() {
    let stops = |text: &str| {
        decide(&event(says(text)), &state(Who::Reader))
            .iter()
            .any(|effect| matches!(effect, Effect::Stop(_)))
    };
    for text in [
        "停止",
        "ていし",
        "中止",
        "止めて",
        "とめて",
        "stop",
        "STOP",
        "ＳＴＯＰ",
        "Stop!",
        "解除",
        "配信停止",
        " 停止 ",
        "停止。",
        "停止！",
        "停止？",
        "配信 停止",
        "「停止」",
        "停止\n",
        "止めて。。",
        "ｽﾄｯﾌﾟ停止".strip_prefix("ｽﾄｯﾌﾟ").unwrap(),
    ] {
        assert!(stops(text), "{text}");
    }
    for text in [
        "",
        "停止しないで",
        "停止って何ですか",
        "止めてもいいですか",
        "stopper",
        "解除方法",
        "バス停止まりますか",
        "流産",
        "死産でした",
        "。",
        "登録",
    ] {
        assert!(!stops(text), "{text}");
    }
}

#[test]
fn a_stop_is_dated_by_its_own_time_with_two_minutes_to_spare() {
    let mut told = event(says("停止"));
    told.at -= 3_600_000;
    let expected = now() - SignedDuration::from_mins(58);
    assert_eq!(decide(&told, &state(Who::Reader))[0], Effect::Stop(expected));
    // A clock that runs ahead cannot reach into the future.
    told.at = i64::MAX;
    assert_eq!(
        decide(&told, &state(Who::Reader))[0],
        Effect::Stop(now() + SignedDuration::from_mins(3))
    );
}

#[test]
fn a_follow_greets_each_in_their_own_way() {
    for (who, answer) in [
        (Who::Unknown, Answer::Greeting),
        (Who::Former, Answer::Quiet),
        (Who::Resting, Answer::Resting),
        (Who::Reader, Answer::WelcomeBack),
    ] {
        assert_eq!(
            decide(&event(What::Follow), &state(who)),
            [Effect::SetFriend(friend(true, 0)), Effect::Reply(answer)],
            "{who:?}"
        );
    }
    let blocked = State {
        is_blocked: true,
        friendship: Some(friend(false, -1)),
        ..state(Who::Reader)
    };
    assert_eq!(
        decide(&event(What::Follow), &blocked),
        [
            Effect::SetFriend(friend(true, 0)),
            Effect::Unblock,
            Effect::Reply(Answer::WelcomeBack)
        ]
    );
}

#[test]
fn the_newest_event_decides_and_of_two_at_one_instant_the_block() {
    let known = |friendship| State {
        friendship: Some(friendship),
        ..state(Who::Reader)
    };
    for (what, before, changes) in [
        (What::Follow, friend(false, 1), false),
        (What::Follow, friend(false, 0), false),
        (What::Follow, friend(true, 0), false),
        (What::Follow, friend(false, -1), true),
        (What::Unfollow, friend(true, 1), false),
        (What::Unfollow, friend(true, 0), true),
        (What::Unfollow, friend(false, 0), false),
        (What::Unfollow, friend(true, -1), true),
    ] {
        assert_eq!(!decide(&event(what), &known(before)).is_empty(), changes, "{before:?}");
    }
    assert_eq!(
        decide(&event(What::Unfollow), &state(Who::Unknown)),
        [Effect::SetFriend(friend(false, 0))],
        "there is nobody to silence"
    );
}

#[test]
fn no_old_button_leads_whoever_follows_nothing_any_more_to_words_a_birth_or_a_registration() {
    let pressed = |name: &str, who: Who| decide(&event(What::Postback(format!("kizuna:{name}"))), &state(who));
    for name in ["today", "past", "birth", "settings", "invite", "restart"] {
        assert_eq!(pressed(name, Who::Former), [Effect::Reply(Answer::Quiet)], "{name}");
    }
    for (name, answer) in [
        ("desks", Answer::Desks),
        ("support", Answer::Support),
        ("register", Answer::Register(None)),
    ] {
        assert_eq!(pressed(name, Who::Former), [Effect::Reply(answer)], "{name}");
    }
    assert_eq!(pressed("today", Who::Resting), [Effect::Reply(Answer::Resting)]);
    assert_eq!(pressed("past", Who::Resting), [Effect::Reply(Answer::Past)]);
    assert_eq!(pressed("restart", Who::Resting).len(), 2);
}

#[test]
fn nothing_is_said_in_standby_without_a_token_or_where_others_read() {
    let standby = Event {
        may_speak: false,
        ..event(says("停止"))
    };
    assert_eq!(decide(&standby, &state(Who::Reader)).len(), 1);
    let mute = Event {
        reply_token: None,
        ..event(says("停止"))
    };
    assert_eq!(decide(&mute, &state(Who::Reader)).len(), 1);
    let group = Event {
        user: None,
        ..event(says("停止"))
    };
    assert_eq!(decide(&group, &state(Who::Unknown)), []);
}

#[test]
fn beside_another_tool_only_our_own_is_answered() {
    let theirs = State {
        replies: Replies::Theirs,
        ..state(Who::Unknown)
    };
    let replies = |what: What| {
        decide(&event(what), &theirs)
            .iter()
            .any(|effect| matches!(effect, Effect::Reply(_)))
    };
    assert!(!replies(What::Follow) && !replies(says("こんにちは")) && !replies(says("登録")) && !replies(What::Other));
    assert!(replies(says("停止")) && replies(What::Postback("kizuna:desks".to_owned())));
    assert!(!replies(What::Postback("desks".to_owned())));
    assert_eq!(Replies::of(Some("theirs")), Replies::Theirs);
    assert_eq!([None, Some("ours"), Some("")].map(Replies::of), [Replies::Ours; 3]);
}

#[test]
fn the_word_of_a_poster_asks_for_a_link_and_names_the_place() {
    let asked = |text: &str| decide(&event(says(text)), &state(Who::Unknown));
    let register = |place: Option<&str>| {
        let place = place.map(|code| code.parse().unwrap());
        [Effect::Reply(Answer::Register(place))]
    };
    for text in ["登録", "「登録」", "とうろく。", "登録！"] {
        assert_eq!(asked(text), register(None), "{text}");
    }
    for text in ["登録 bcdfgh", "登録　ＢＣＤＦＧＨ", "登録bcdfgh。"] {
        assert_eq!(asked(text), register(Some("bcdfgh")), "{text}");
    }
    for text in ["登録 abcdef", "登録しました", "登録 bcdfg", "停止 bcdfgh", "bcdfgh"] {
        assert_eq!(asked(text), [Effect::Reply(Answer::Listening)], "{text}");
    }
}
