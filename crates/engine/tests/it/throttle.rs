//! How often somebody may ask: what one limit refuses fills no other, and every stretch ends.

use jiff::SignedDuration;
use kizuna_engine::throttle::{NEW_ADDRESSES_AT_ADDRESS, NEW_ADDRESSES_OF_READER, admit};
use kizuna_store::Scope;

use crate::app::{TestApp, on_both};

on_both! {
    fn what_is_refused_counts_nowhere_and_begins_anew_when_its_stretch_is_over(app) {
        let scope = app.town().tenant().scope();
        let ask = |scope: Scope, reader: &str, address: &str| {
            let uses = [
                (NEW_ADDRESSES_OF_READER, reader.as_bytes()),
                (NEW_ADDRESSES_AT_ADDRESS, address.as_bytes()),
            ];
            admit(&app.env, scope, &uses).unwrap()
        };
        let ends = app.env.clock.now() + SignedDuration::from_hours(24);

        assert_eq!([(); 3].map(|()| ask(scope, "hanako", "a@x.example")), [None; 3]);
        assert_eq!([(); 9].map(|()| ask(scope, "hanako", "a@x.example")), [Some(ends); 9]);
        assert_eq!(ask(scope, "hanako", "b@x.example"), None, "two of five are left");
        assert_eq!(ask(scope, "hanako", "b@x.example"), None);
        assert_eq!(ask(scope, "hanako", "b@x.example"), Some(ends));
        assert_eq!(ask(scope, "taro", "b@x.example"), None, "somebody else may go on");
        app.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(ask(scope, "hanako", "a@x.example"), None);
    }
}
