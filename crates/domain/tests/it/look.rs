//! The look of a tenant's pages: what may be chosen, and that who chose nothing has nothing changed.

use kizuna_domain::tenant::{Look, Theme};

use crate::town::settings;

#[test]
fn a_hue_is_written_by_its_code() {
    for theme in Theme::ALL {
        let written = serde_json::to_value(theme).unwrap();
        assert_eq!(written, theme.code());
        assert_eq!(serde_json::from_value::<Theme>(written).unwrap(), theme);
    }
}

#[test]
fn a_colour_of_one_s_own_is_no_hue() {
    for text in [
        r##"{"theme":"#00AA99"}"##,
        r#"{"theme":"Midori"}"#,
        r#"{"colour":"ai"}"#,
    ] {
        assert!(serde_json::from_str::<Look>(text).is_err(), "{text}");
    }
    assert!(
        serde_json::from_str::<Look>(r#"{"logo":"mark.png"}"#).is_err(),
        "a logo is named by its digest"
    );
}

#[test]
fn settings_without_a_look_stay_as_they_were() {
    let mut settings = settings();
    assert!(!serde_json::to_string(&settings).unwrap().contains("look"));
    settings.look.theme = Theme::Matsu;
    let written = serde_json::to_string(&settings).unwrap();
    assert_eq!(
        serde_json::from_str::<kizuna_domain::tenant::Settings>(&written).unwrap(),
        settings
    );
}
