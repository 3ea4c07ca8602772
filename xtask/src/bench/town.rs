//! An invented town of any size, written straight into SQLite, with content for every slot of the base cadence.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kizuna_domain::cadence::Slots;
use kizuna_domain::content::pack::{Manifest, Pack, PackArticle};
use kizuna_domain::content::{Owner, Placement, Revision};
use kizuna_domain::day::Day;
use kizuna_domain::ids::Ids;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::actions::{content, tenants as actions};
use kizuna_engine::{Clock, Env, Net, Pace, Stop};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Db, Keyring, Location, fence, migrate, tenants};
use rusqlite::Connection;
use uuid::Uuid;

use super::meter::MachineClock;
use crate::sh::{Fault, fault};

/// The day everything is planned for.
pub(super) const DAY: &str = "2026-12-01";

/// Identifiers that count upwards.
struct Counter(AtomicU64);

impl Ids for Counter {
    fn next(&self) -> Uuid {
        Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> Fault {
    fault(error.to_string())
}

pub(super) fn day() -> Day {
    DAY.parse().unwrap_or(Day::from_epoch_days(0))
}

/// A LINE user id of the invented town.
pub(super) fn line_user(number: usize) -> String {
    format!("U{number:032x}")
}

/// How the families are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// Over pregnancy and three years, as in a real town: about four in ten have something today.
    Real,
    /// Only over stages with a daily message: everybody has something today.
    AllDue,
}

/// The words of an article of usual length: about 3 KB as a message of two parts.
fn body(number: usize) -> String {
    format!(
        "{number}番目の見本です。ゆっくりした日もあれば、あわただしい日もあります。どちらも、あなたの一日です。\n\n\
         体のこと、気持ちのこと、暮らしのこと。気になることは、小さなうちに話してみてください。健診の先生も、市の保健師も、\
         あなたの話を待っています。夜や休みの日に困ったときの電話も、下にあります。"
    )
}

fn pack() -> Pack {
    let Slots::Only(slots) = Slots::base() else {
        unreachable!("the base cadence is written out")
    };
    let articles = slots.into_iter().enumerate().map(|(number, slot)| PackArticle {
        id: format!("bench-{number}"),
        revision: Revision {
            title: format!("見本 {number}"),
            body: body(number),
            sources: vec![],
            desks: vec![],
            contact: None,
            owner_section: None,
        },
        placement: Placement {
            slots: vec![slot],
            on: vec![],
            from_slot: None,
            until_slot: None,
            order: 0,
            clock: kizuna_domain::position::Clock::Calendar,
            preterm_only: false,
            useful_days: 0,
            must_know: false,
            useful_until_slot: None,
            valid_from: None,
            valid_until: None,
            areas: vec![],
        },
        reviews: vec![],
    });
    Pack {
        manifest: Manifest {
            format: 1,
            track: "bench".into(),
            title: "bench".into(),
            owner: Owner::Desk,
            language: "ja".into(),
            sender_label: "きずなだより".into(),
            approvals_required: None,
            covers: None,
        },
        desks: vec![],
        articles: articles.collect(),
        pictures: Vec::new(),
        support: None,
    }
}

/// A town with `size` families in a fresh SQLite file.
pub(super) fn build(folder: &Path, size: usize, spread: Spread, account: NewAccount) -> Result<(Env, Tenant), Fault> {
    let path = folder.join("town.db");
    let db = Db::open(&Location::File(path.clone())).map_err(failed)?;
    migrate::migrate(&db).map_err(failed)?;
    db.write(|tx| fence::create(tx, "bench")).map_err(failed)?;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let env = Env {
        db,
        keys: Keyring::new(&[7; 32]),
        net: Net::new(Arc::clone(&clock)),
        clock,
        ids: Box::new(Counter(AtomicU64::new(1))),
        random: Box::new(|| Ok([7; 32])),
        pace: Pace::default(),
        stop: Stop::default(),
        witness: folder.join("witness"),
        machine: "bench".into(),
    };
    let settings = toml::from_str(
        "kind = \"practice\"\nsender_name = \"見本市\"\nbase_url = \"https://kosodate.example.jp\"\n[[adopt]]\ntrack = \"bench\"\n",
    );
    let settings = settings.map_err(failed)?;
    let tenant = actions::put(&env, "bench", "見本市", &settings, &[account]).map_err(failed)?;
    content::import(&env, None, &pack()).map_err(failed)?;
    let account = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))
        .map_err(failed)?;
    let account = account.first().ok_or_else(|| fault("the town has no account"))?;
    fill(&path, &env, &tenant, account, size, spread)?;
    let tenant = env
        .db
        .read(|tx| tenants::by_code(tx, "bench"))
        .map_err(failed)?
        .unwrap_or(tenant);
    Ok((env, tenant))
}

/// Families straight into the tables: through the actions a million would take longer than what is measured.
fn fill(
    path: &Path,
    env: &Env,
    tenant: &Tenant,
    account: &kizuna_store::tenants::Account,
    size: usize,
    spread: Spread,
) -> Result<(), Fault> {
    let connection = Connection::open(path).map_err(failed)?;
    connection.execute_batch("BEGIN").map_err(failed)?;
    {
        let mut reader = connection.prepare("INSERT INTO subscribers (id, tenant_id, relation, language, registered_at, several, point_id, account_id) VALUES (?1, ?2, 'unsaid', 'ja', 0, 0, ?3, ?4)").map_err(failed)?;
        let mut point = connection.prepare("INSERT INTO contact_points (id, tenant_id, subscriber_id, account_id, channel, address, address_index, state, preference) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'verified', 0)").map_err(failed)?;
        let mut follow = connection.prepare("INSERT INTO subscriptions (id, tenant_id, subscriber_id, due_on, birth_on, preterm, registered_on, state, version) VALUES (?1, ?2, ?3, ?4, ?5, 0, '2020-01-01', 'active', 1)").map_err(failed)?;
        let (tenant_id, account_id) = (tenant.id.bytes(), account.id.bytes());
        for number in 0..size as u64 {
            let id = |kind: u64| Uuid::from_u64_pair(0x0198_0000_0000_7000 + kind, 0x8000_0000_0000_0000 + number);
            let (reader_id, point_id, follow_id) = (id(1), id(2), id(3));
            let address = match account.channel.as_str() {
                "line" => line_user(number as usize),
                _ => format!("kazoku{number}@reader.example"),
            };
            let sealed = env.keys.seal("contact_points.address", point_id.as_bytes(), &address);
            let index = env.keys.index(tenant.id, &account.channel, &address);
            reader
                .execute((reader_id.as_bytes(), tenant_id, point_id.as_bytes(), account_id))
                .map_err(failed)?;
            point
                .execute((
                    point_id.as_bytes(),
                    tenant_id,
                    reader_id.as_bytes(),
                    account_id,
                    &account.channel,
                    sealed,
                    index,
                ))
                .map_err(failed)?;
            let (due, birth) = dates(number, spread);
            follow
                .execute((follow_id.as_bytes(), tenant_id, reader_id.as_bytes(), due, birth))
                .map_err(failed)?;
        }
    }
    connection.execute_batch("COMMIT").map_err(failed)
}

fn dates(number: u64, spread: Spread) -> (Option<String>, Option<String>) {
    // A stride that shares no factor with the ranges visits every stage evenly and in no order.
    let place = (number.wrapping_mul(7_919)) as i32;
    let (stages, born) = match spread {
        Spread::Real => (266 + 1096, 266),
        Spread::AllDue => (266 + 101, 266),
    };
    let stage = place.rem_euclid(stages);
    if stage < born {
        (Some((day() + (280 - 28 - stage)).to_string()), None)
    } else {
        (None, Some((day() - (stage - born)).to_string()))
    }
}
