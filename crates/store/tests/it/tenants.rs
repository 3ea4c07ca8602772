//! Tenants, their accounts and their desks.

use std::collections::BTreeMap;

use kizuna_domain::content::Desk;
use kizuna_domain::ids::{AccountId, TenantId};
use kizuna_store::tenants::{self, Tenant};

use crate::town::{Fixture, Town, at, id, settings};

fn put(store: &Fixture, code: &str, name: &str) -> Tenant {
    store.write(|tx| tenants::put(tx, TenantId::new(id()), code, name, &settings(name)))
}

store_test!(
    fn a_tenant_keeps_its_identity_and_counts_its_changes(store: &Fixture) {
        let first = put(store, "122262", "富津市");
        let same = put(store, "122262", "富津市");
        let renamed = put(store, "122262", "ひだまり市");

        assert_eq!((first.version, &same), (1, &first), "nothing changed, nothing counted");
        assert_eq!(
            (renamed.id, renamed.version, renamed.name.as_str()),
            (first.id, 2, "ひだまり市")
        );
        assert_eq!(renamed.settings, settings("ひだまり市"));
        assert_eq!(store.read(|tx| tenants::by_code(tx, "122262")), Some(renamed.clone()));
        assert_eq!(store.read(|tx| tenants::by_id(tx, first.scope())), Some(renamed));
        assert_eq!(store.read(|tx| tenants::by_code(tx, "000000")), None);
    }
);

store_test!(
    fn what_could_change_a_plan_is_counted(store: &Fixture) {
        let (a, b) = (put(store, "a", "A"), put(store, "b", "B"));
        let versions = || [&a, &b].map(|tenant| store.read(|tx| tenants::version(tx, tenant.scope())));

        store.write(|tx| tenants::touch(tx, a.scope()));
        assert_eq!(versions(), [2, 1]);
        store.write(tenants::touch_all);
        assert_eq!(versions(), [3, 2]);
        let unknown = kizuna_store::Scope::of(TenantId::new(id()));
        assert!(store.db.write(|tx| tenants::touch(tx, unknown)).is_err());
        assert_eq!(store.read(|tx| tenants::version(tx, unknown)), 0);
        assert_eq!(
            store
                .read(tenants::all)
                .iter()
                .map(|tenant| tenant.code.as_str())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
);

store_test!(
    fn an_account_keeps_its_credentials_to_itself(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let map = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let put = |secret| {
            let (settings, secrets) = (map("host", "mail.example.jp"), map("password", secret));
            store.write(|tx| {
                tenants::put_account(
                    tx,
                    &store.keys,
                    town.scope,
                    AccountId::new(id()),
                    "email",
                    &settings,
                    &secrets,
                )
            })
        };

        assert_eq!(put("first"), town.account, "one account a channel");
        assert_eq!(put("hidden"), town.account);

        let accounts = store.read(|tx| tenants::accounts(tx, &store.keys, town.scope));
        let [account] = accounts.as_slice() else {
            panic!("{accounts:?}")
        };
        assert_eq!(
            (account.id, account.tenant, account.channel.as_str()),
            (town.account, town.scope.tenant(), "email")
        );
        assert_eq!(
            (&account.settings, &account.secrets),
            (&map("host", "mail.example.jp"), &map("password", "hidden"))
        );
        assert!(!format!("{account:?}").contains("hidden"));
        assert_eq!(
            store
                .read(|tx| tenants::account_by_id(tx, &store.keys, town.account))
                .as_ref(),
            Some(account)
        );
        assert_eq!(
            store.read(|tx| tenants::account_by_id(tx, &store.keys, AccountId::new(id()))),
            None
        );
        let others = store.read(|tx| tenants::accounts(tx, &store.keys, other.scope));
        assert_eq!(
            others.iter().map(|account| account.id).collect::<Vec<_>>(),
            [other.account]
        );
    }
);

store_test!(
    fn an_account_is_paused_once_and_says_why(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let pause = |reason| store.write(|tx| tenants::pause_account(tx, town.account, reason, at(0)));
        let why = || {
            store
                .read(|tx| tenants::account_by_id(tx, &store.keys, town.account))
                .unwrap()
                .paused_reason
        };

        assert!(pause("535 refused"));
        assert!(!pause("535 again"), "staff are told once");

        assert_eq!(why().as_deref(), Some("535 refused"));
        assert_eq!(store.write(|tx| tenants::resume_accounts(tx, other.scope)), 0);
        assert_eq!(store.write(|tx| tenants::resume_accounts(tx, town.scope)), 1);
        assert_eq!(why(), None);
        assert!(pause("535 once more"));
    }
);

store_test!(
    fn desks_belong_to_their_tenant(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let desk = |id: &str, name: &str| Desk {
            id: id.to_owned(),
            name: name.to_owned(),
            phone: "0439-00-0000".into(),
            hours: String::new(),
            open: String::new(),
            closed: vec![],
            url: String::new(),
            note: String::new(),
            default: true,
        };
        for new in [desk("b", "二"), desk("a", "一"), desk("b", "変わった")] {
            store.write(|tx| tenants::put_desk(tx, town.scope, &new));
        }

        assert_eq!(
            store.read(|tx| tenants::desks(tx, town.scope)),
            [desk("a", "一"), desk("b", "変わった")]
        );
        assert_eq!(store.read(|tx| tenants::desks(tx, other.scope)), []);
    }
);
