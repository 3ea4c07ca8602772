//! The menus that Kizuna brings along, one for each stage.

use super::{Button, Colour, Intent, Menu, MenuDocument, MenuStage, Template};

/// The bar says that help is inside.
const BAR: &str = "メニュー・相談先";

impl Menu {
    /// The menu that a tenant has until it makes its own.
    pub fn ready(stage: MenuStage) -> Menu {
        let (template, buttons) = match stage {
            MenuStage::Start => (Template::two(), start()),
            MenuStage::Pregnancy => (Template::six(), pregnancy()),
            MenuStage::Child => (Template::six(), child()),
            MenuStage::Stopped => (Template::three(), stopped()),
        };
        Menu(MenuDocument {
            stage,
            bar: BAR.to_owned(),
            colour: Colour::default(),
            template,
            buttons,
        })
    }
}

fn start() -> Vec<Button> {
    [Intent::Register, Intent::Desks].map(Button::from).into()
}

fn pregnancy() -> Vec<Button> {
    let settings = Button {
        label: "設定・止める".to_owned(),
        ..Intent::Settings.into()
    };
    [
        Intent::Today,
        Intent::Past,
        Intent::Desks,
        Intent::Birth,
        Intent::DueDate,
    ]
    .map(Button::from)
    .into_iter()
    .chain([settings])
    .collect()
}

fn child() -> Vec<Button> {
    [
        Intent::Today,
        Intent::Past,
        Intent::Desks,
        Intent::Invite,
        Intent::Settings,
        Intent::Stop,
    ]
    .map(Button::from)
    .into()
}

fn stopped() -> Vec<Button> {
    [Intent::Desks, Intent::Past, Intent::Restart].map(Button::from).into()
}
