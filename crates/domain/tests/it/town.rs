//! An invented town and its families: builders with defaults, so that a test names only what it is about.

use kizuna_domain::age::LeapBirthday;
use kizuna_domain::cadence::Slots;
use kizuna_domain::content::{Item, Owner, Placement};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, RevisionId, SubscriberId, SubscriptionId, TenantId};
use kizuna_domain::people::{Follower, Reach, SubscriptionState};
use kizuna_domain::position::{Anchor, Clock, Customs, DayCount, EndRule};
use kizuna_domain::retention::Retention;
use kizuna_domain::run::plan::{Programme, Series};
use kizuna_domain::tenant::{Adoption, Asks, JoinPolicy, Look, Settings, TenantKind};
use uuid::Uuid;

pub(crate) const THIRD_BIRTHDAY: EndRule = EndRule::OnBirthday(3);

pub(crate) const ALL_CUSTOMS: [Customs; 4] = [
    Customs {
        leap_birthday: LeapBirthday::February28,
        day_count: DayCount::FromZero,
    },
    Customs {
        leap_birthday: LeapBirthday::February28,
        day_count: DayCount::FromOne,
    },
    Customs {
        leap_birthday: LeapBirthday::March1,
        day_count: DayCount::FromZero,
    },
    Customs {
        leap_birthday: LeapBirthday::March1,
        day_count: DayCount::FromOne,
    },
];

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn due(text: &str) -> Anchor {
    Anchor::Due(day(text))
}

pub(crate) fn born(text: &str) -> Anchor {
    Anchor::Birth {
        on: day(text),
        due: None,
    }
}

pub(crate) fn born_early(text: &str, due: &str) -> Anchor {
    Anchor::Birth {
        on: day(text),
        due: Some(day(due)),
    }
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

pub(crate) fn revision_id(number: usize) -> RevisionId {
    RevisionId::new(id(number))
}

pub(crate) fn placement() -> Placement {
    Placement {
        slots: vec![],
        on: vec![],
        from_slot: None,
        until_slot: None,
        order: 0,
        clock: Clock::Calendar,
        preterm_only: false,
        useful_days: 0,
        must_know: false,
        useful_until_slot: None,
        valid_from: None,
        valid_until: None,
        areas: vec![],
    }
}

/// An approved article at some slots, `"12w0d d30"`, and on some days, `"2026-12-05"`.
pub(crate) fn item(places: &str) -> Item {
    let mut placement = placement();
    for place in places.split_whitespace() {
        match place.parse() {
            Ok(slot) => placement.slots.push(slot),
            Err(_) => placement.on.push(day(place)),
        }
    }
    Item {
        article: places.replace(' ', "-"),
        revision: revision_id(0),
        placement,
        approved: true,
    }
}

/// The same with something changed.
pub(crate) fn item_with(places: &str, change: impl FnOnce(&mut Item)) -> Item {
    let mut item = item(places);
    change(&mut item);
    item
}

/// A series under the code `starter` of the desk or `town` of the municipality; revisions are numbered anew.
pub(crate) fn series(owner: Owner, items: Vec<Item>) -> Series {
    let (track, first) = match owner {
        Owner::Desk => ("starter", 1_000),
        Owner::Tenant => ("town", 2_000_000),
    };
    let adoption = Adoption {
        track: track.into(),
        edition: None,
        slots: Slots::All,
        end: THIRD_BIRTHDAY,
        join: JoinPolicy::FromToday,
    };
    series_of(adoption, owner, first, items)
}

pub(crate) fn series_of(adoption: Adoption, owner: Owner, first: usize, items: Vec<Item>) -> Series {
    let sender = match owner {
        Owner::Desk => "きずなだより",
        Owner::Tenant => "ひだまり市から",
    };
    let numbered = items.into_iter().enumerate().map(|(n, item)| Item {
        revision: revision_id(first + n),
        ..item
    });
    Series::new(adoption, owner, "ja".into(), sender.into(), 1, numbered.collect())
}

pub(crate) fn settings() -> Settings {
    Settings {
        kind: TenantKind::Municipality,
        sender_name: "ひだまり市".into(),
        time_zone: "Asia/Tokyo".into(),
        send_from: "08:00".into(),
        send_until: "20:00".into(),
        customs: Customs::default(),
        catch_up_days: 3,
        base_url: String::new(),
        look: Look::default(),
        adopt: vec![],
        choices: kizuna_domain::tenant::Choices::default(),
        listed: false,
        asks: Asks::default(),
        retention: Retention::default(),
    }
}

pub(crate) fn programme(series: Vec<Series>) -> Programme {
    Programme {
        tenant: TenantId::new(id(0)),
        settings: settings(),
        series,
        fenced_through: None,
    }
}

/// The desk's series of one article a day through pregnancy and to the hundredth day, the months and the farewell.
pub(crate) fn daily_items() -> Vec<Item> {
    let pregnancy = (28..=293).map(|g| format!("{}w{}d", g / 7, g % 7));
    let child = (0..=100)
        .map(|d| format!("d{d}"))
        .chain((1..=36).map(|m| format!("m{m}")));
    let others = ["n100", "n1000", "last"].map(str::to_owned);
    pregnancy.chain(child).chain(others).map(|place| item(&place)).collect()
}

/// A family that registered long ago and can be reached.
pub(crate) fn family(anchor: Anchor) -> Follower {
    numbered_family(1, anchor)
}

pub(crate) fn numbered_family(number: usize, anchor: Anchor) -> Follower {
    Follower {
        subscriber: SubscriberId::new(id(number)),
        subscription: SubscriptionId::new(id(number)),
        anchor,
        nickname: None,
        registered_on: day("2000-01-01"),
        resumed_on: None,
        area: None,
        language: "ja".into(),
        state: SubscriptionState::Active,
        reach: Reach::At {
            point: PointId::new(id(number)),
            account: AccountId::new(id(0)),
        },
        has_siblings: false,
        hour: None,
    }
}
