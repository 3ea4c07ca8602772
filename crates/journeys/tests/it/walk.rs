//! How a journey is walked: with a finger, by keys only, and without scripts on a small phone.

use std::path::{Path, PathBuf};

use kizuna_journeys::{Album, Browser, Hand, Page};

use crate::town::Town;

/// Bytes that a page may weigh on a first visit with all it needs: two seconds on a slow phone at the end of a month.
const WEIGHT_MAX: u64 = 40 << 10;
/// The screens on which every state is looked at, in CSS pixels: the smallest phone, and the usual one.
const WIDTHS: [u32; 2] = [320, 390];

/// One journey of one family.
pub(crate) struct Walk<'a> {
    pub(crate) page: Page<'a>,
    /// Where pictures go; only the first way takes them and asks the judge, the others walk the same states.
    album: Option<Album>,
}

/// Walks a journey in every way, each with a tab and a number of its own.
pub(crate) fn in_every_way(journey: &str, walk: impl Fn(&Town, &Walk<'_>, usize)) {
    let (browser, town) = (Browser::start(), Town::new());
    for way in 1..=3 {
        let page = browser.page(&town.host);
        let album = (way == 1).then(|| Album::new(&folder(), journey));
        match way {
            1 => {}
            2 => page.with(Hand::Keys),
            _ => {
                page.without_script();
                page.phone(320);
            }
        }
        walk(&town, &Walk { page, album }, way);
    }
}

/// Walks states that nobody does anything in: once, with a finger.
pub(crate) fn once(journey: &str, walk: impl Fn(&Town, &Walk<'_>)) {
    let (browser, town) = (Browser::start(), Town::new());
    let page = browser.page(&town.host);
    let album = Some(Album::new(&folder(), journey));
    walk(&town, &Walk { page, album });
}

/// Where the pictures are: beside what cargo builds.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("journeys")
}

impl Walk<'_> {
    /// Looks at a state as a whole: shape, width, weight, and in the first way the judge and pictures, on both phones.
    #[track_caller]
    pub(crate) fn look(&self, step: &str) {
        let page = &self.page;
        let weight = page.weight();
        assert!(weight > 0 && weight <= WEIGHT_MAX, "{step} weighs {weight} bytes");
        let Some(album) = &self.album else {
            self.stands(step);
            return;
        };
        let (number, width) = (album.step(), page.width());
        for screen in WIDTHS {
            page.phone(screen);
            self.stands(step);
            album.shoot(page, &number, step);
            assert_eq!(page.violations(), [""; 0], "{step} at {screen}");
        }
        page.phone(width);
    }

    #[track_caller]
    fn stands(&self, step: &str) {
        let page = &self.page;
        assert_eq!(page.lacks(), [""; 0], "{step}");
        assert!(!page.width_overflows(), "{step} is wider than {}", page.width());
    }

    /// Chooses a date from the three lists of a page.
    #[track_caller]
    pub(crate) fn date(&self, year: &str, month: &str, day: &str) {
        for (list, option) in [("年", year), ("月", month), ("日", day)] {
            self.page.choose(list, option);
        }
    }
}
