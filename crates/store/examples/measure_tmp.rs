//! Throw-away measurement.
use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::*;
use kizuna_domain::people::*;
use kizuna_domain::position::*;
use kizuna_store::db::Sql;
use kizuna_store::people::*;
use kizuna_store::runs::*;
use kizuna_store::*;
use std::time::Instant;
use uuid::Uuid;
fn hash(i: u128) -> u128 {
    (i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)) >> 64
}
fn main() {
    let arg = |k: &str, d: &str| {
        std::env::args()
            .find_map(|a| a.strip_prefix(&format!("{k}=")).map(str::to_owned))
            .unwrap_or(d.into())
    };
    let n: u128 = arg("n", "1000000").parse().unwrap();
    let path = std::path::PathBuf::from(arg("db", "/tmp/kbench.db"));
    let page: usize = arg("page", "2000").parse().unwrap();
    let fresh = !path.exists();
    let db = Db::open(&Location::File(path.clone())).unwrap();
    migrate::migrate(&db).unwrap();
    let keys = Keyring::new(&[7; 32]);
    let settings: kizuna_domain::tenant::Settings =
        serde_json::from_value(serde_json::json!({"kind":"municipality","sender_name":"x"})).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    // v7: milliseconds of registration first, random after.
    let mk = |kind: u128, i: u128| {
        Uuid::from_u128(((i / 8) << 80) | (kind << 76) | (hash(i * 4 + kind) & 0xffff_ffff_ffff_ffff))
    };
    let account = AccountId::new(Uuid::from_u128(2));
    let run = RunId::new(Uuid::from_u128(3));
    let day: Day = "2026-12-24".parse().unwrap();
    let t = db
        .write(|tx| tenants::put(tx, TenantId::new(Uuid::from_u128(1)), "t", "t", &settings))
        .unwrap();
    let scope = t.scope();
    if fresh {
        db.write(|tx| {
            tenants::put_account(
                tx,
                &keys,
                scope,
                account,
                "email",
                &Default::default(),
                &Default::default(),
            )?;
            runs::open(tx, scope, run, day, now)
        })
        .unwrap();
        let start = Instant::now();
        for chunk in 0..(n / 10_000) {
            db.write(|tx| {
                for i in chunk * 10_000..(chunk + 1) * 10_000 {
                    let s = SubscriberId::new(mk(1, i));
                    add_subscriber(
                        tx,
                        scope,
                        &NewSubscriber {
                            id: s,
                            reference: None,
                            relation: Relation::Mother,
                            language: "ja".into(),
                            area: None,
                            registered_at: now,
                        },
                    )?;
                    add_point(
                        tx,
                        &keys,
                        scope,
                        &NewPoint {
                            id: PointId::new(mk(2, i)),
                            subscriber: s,
                            account,
                            channel: "email".into(),
                            address: format!("u{i}@example.jp"),
                            state: PointState::Verified,
                        },
                    )?;
                    let d = day + ((i * 1000 / n) as i32) + (hash(i) % 120) as i32;
                    add_subscription(
                        tx,
                        &keys,
                        scope,
                        &NewSubscription {
                            id: SubscriptionId::new(mk(3, i)),
                            subscriber: s,
                            anchor: Anchor::Due(d),
                            nickname: None,
                            registered_on: day,
                            state: SubscriptionState::Active,
                        },
                    )?;
                    refresh_reach(tx, scope, s)?;
                }
                Ok(())
            })
            .unwrap();
        }
        println!(
            "populate {n}: {:?} file {} MB",
            start.elapsed(),
            std::fs::metadata(&path).unwrap().len() / 1_000_000
        );
        return;
    }
    let pragmas: Vec<String> = arg("pragma", "")
        .split(',')
        .filter(|p| !p.is_empty())
        .map(|p| format!("PRAGMA {}", p.replace(':', "=")))
        .collect();
    for p in &pragmas {
        let text: &'static str = p.clone().leak();
        let sql = Sql {
            name: "p",
            pg: "",
            lite: text,
        };
        db.read(|tx| tx.all(&sql, &[], |_| Ok(()))).unwrap();
        db.write(|tx| tx.all(&sql, &[], |_| Ok(()))).unwrap();
    }
    let range = AnchorRange {
        by: AnchorDate::Due,
        from: day,
        until: day + 4000,
    };
    let cohort = CohortId::new(Uuid::from_u128(9));
    let sort = arg("sort", "no") == "yes";
    let (mut t_due, mut t_res, mut t_add, mut t_commit, mut letters) = (0.0, 0.0, 0.0, 0.0, 0usize);
    let whole = Instant::now();
    let mut after = None;
    let mut b = 0u128;
    loop {
        let s = Instant::now();
        let p = db.read(|tx| due(tx, &keys, scope, &range, after, page)).unwrap();
        t_due += s.elapsed().as_secs_f64();
        let k: Vec<(SubscriptionId, String)> = p
            .followers
            .iter()
            .map(|f| (f.subscription, "kizuna/12w3d".to_string()))
            .collect();
        let mut inner = Instant::now();
        db.write(|tx| {
            let s = Instant::now();
            assert!(reserved(tx, scope, &k)?.is_empty());
            t_res += s.elapsed().as_secs_f64();
            let s = Instant::now();
            let mut rows = Vec::new();
            for chunk in p.followers.chunks(500) {
                b += 1;
                let batch = BatchId::new(Uuid::new_v5(&NAMESPACE, &b.to_be_bytes()));
                add_batch(
                    tx,
                    scope,
                    &NewBatch {
                        id: batch,
                        run,
                        account,
                        lane: 1,
                        letters: chunk.len() as i64,
                        attempt: 0,
                        not_before: now,
                        expires: now,
                    },
                )?;
                for (num, f) in chunk.iter().enumerate() {
                    let Reach::At { point, .. } = f.reach else { panic!() };
                    rows.push(NewDelivery {
                        subscription: f.subscription,
                        slot: "kizuna/12w3d".into(),
                        subscriber: f.subscriber,
                        point,
                        cohort,
                        batch,
                        number: num as i64,
                        day,
                    });
                }
            }
            if sort {
                rows.sort_by_key(|r| r.subscription);
            }
            add_deliveries(tx, scope, &rows)?;
            t_add += s.elapsed().as_secs_f64();
            inner = Instant::now();
            letters += rows.len();
            Ok(())
        })
        .unwrap();
        t_commit += inner.elapsed().as_secs_f64();
        match p.after {
            Some(a) => after = Some(a),
            None => break,
        }
    }
    let w = whole.elapsed().as_secs_f64();
    println!(
        "PLAN page={page} sort={sort} {pragmas:?} {letters}: {w:.1}s {:.0}/s | due {t_due:.1} reserved {t_res:.1} add {t_add:.1} commit {t_commit:.1}",
        letters as f64 / w
    );
    drop(db);
    if arg("bare", "no") != "yes" {
        return;
    }
    let c = rusqlite::Connection::open(&path).unwrap();
    for (k, v) in [("journal_mode", "WAL"), ("synchronous", "FULL")] {
        c.pragma_update(None, k, v).unwrap();
    }
    c.pragma_update(None, "cache_size", -64000).unwrap();
    type R = (
        Vec<u8>,
        Vec<u8>,
        String,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        Vec<u8>,
        i64,
        String,
    );
    let rows: Vec<R> = {
        let mut st = c.prepare("SELECT tenant_id, d.subscription_id, slot, subscriber_id, point_id, cohort_id, batch_id, number, day_on FROM deliveries d JOIN (SELECT due_on, id FROM subscriptions) s ON s.id = d.subscription_id ORDER BY s.due_on, s.id").unwrap();
        st.query_map([], |r| {
            Ok((
                r.get(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get(3)?,
                r.get(4)?,
                r.get(5)?,
                r.get(6)?,
                r.get(7)?,
                r.get(8)?,
            ))
        })
        .unwrap()
        .map(|r| r.unwrap())
        .collect()
    };
    let base = arg("base", "");
    for (what, sort, pages, ckpt) in [
        ("walk order", 0, page, 1000),
        ("walk order", 0, 20000usize, 1000),
        ("walk order, autocheckpoint 16000", 0, page, 16000),
        ("all in key order", 2, page, 1000),
    ] {
        let copy = path.with_extension("bare");
        std::fs::copy(&base, &copy).unwrap();
        let c = rusqlite::Connection::open(&copy).unwrap();
        for (k, v) in [("journal_mode", "WAL"), ("synchronous", "FULL")] {
            c.pragma_update(None, k, v).unwrap();
        }
        c.pragma_update(None, "cache_size", -64000).unwrap();
        let _ = c.pragma_update(None, "wal_autocheckpoint", ckpt);
        let mut rows = rows.clone();
        if sort == 2 {
            rows.sort();
        }
        let s = Instant::now();
        for page in rows.chunks(pages) {
            c.execute_batch("BEGIN IMMEDIATE").unwrap();
            let mut st = c.prepare_cached("INSERT INTO deliveries (tenant_id, subscription_id, slot, subscriber_id, point_id, cohort_id, batch_id, number, day_on) VALUES (?,?,?,?,?,?,?,?,?)").unwrap();
            for r in page.iter() {
                st.execute(rusqlite::params![r.0, r.1, r.2, r.3, r.4, r.5, r.6, r.7, r.8])
                    .unwrap();
            }
            c.execute_batch("COMMIT").unwrap();
        }
        println!(
            "bare insert, {what}, {pages}/tx: {:.1}s {:.0}/s",
            s.elapsed().as_secs_f64(),
            rows.len() as f64 / s.elapsed().as_secs_f64()
        );
    }
}
