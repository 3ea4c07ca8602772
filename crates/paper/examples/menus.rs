//! Draws the ready menus into a folder, to look at them: `cargo run -p kizuna-paper --example menus -- FOLDER`.

use std::error::Error;
use std::path::PathBuf;

use kizuna_domain::menu::{Menu, MenuStage};
use kizuna_paper::menu::draw;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    for stage in MenuStage::ALL {
        let file = folder.join(format!("menu-{}.png", stage.code()));
        std::fs::write(file, draw(&Menu::ready(*stage))?.png)?;
    }
    Ok(())
}
