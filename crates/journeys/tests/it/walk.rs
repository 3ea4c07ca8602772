//! How a journey is walked: with a finger, by keys only, and without scripts on a small phone.

use std::path::{Path, PathBuf};

use kizuna_journeys::{Album, Browser, Hand, Page};

use crate::town::Town;

/// Bytes that a page may weigh on a first visit with all it needs: two seconds on a slow phone at the end of a month.
const WEIGHT_MAX: u64 = 40 << 10;
/// The screens on which every state is looked at, in CSS pixels: the smallest phone, the usual one, and a desk.
const WIDTHS: [u32; 3] = [SMALL, 390, 1_280];
const SMALL: u32 = 320;
/// The usual phone at twice the size: half of its width is left.
const TWICE: u32 = 195;

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
    /// Looks at a state as a whole: shape, width, weight, and in the first way the judges and pictures, on all screens.
    ///
    /// axe-core looks at the phones only: on a desk stands the same column.
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
            if screen < 1_000 {
                assert_eq!(page.violations(), [""; 0], "{step} at {screen}");
            }
        }
        assert_eq!(page.malformed(), [""; 0], "{step}");
        self.bears(step);
        page.phone(width);
    }

    /// Holds a state against a reader who sets letters wider or everything larger.
    #[track_caller]
    fn bears(&self, step: &str) {
        let page = &self.page;
        page.phone(SMALL);
        page.spaced(true);
        assert_eq!(page.cut_off(), [""; 0], "{step}, set wider");
        assert!(!page.width_overflows(), "{step}, set wider, is wider than {SMALL}");
        page.spaced(false);
        page.phone(TWICE);
        assert_eq!(page.cut_off(), [""; 0], "{step} at twice the size");
        assert!(
            !page.width_overflows(),
            "{step} at twice the size is wider than {TWICE}"
        );
    }

    /// Looks at a state in the reader's own colours, in which nothing moves.
    #[track_caller]
    pub(crate) fn look_in_own_colours(&self, step: &str) {
        let page = &self.page;
        page.own_colours(true);
        let still = "document.getAnimations().length === 0
            && [...document.querySelectorAll('*')].every(one => parseFloat(getComputedStyle(one).transitionDuration) === 0)";
        assert_eq!(page.evaluate(still), true, "{step} moves");
        let flat = "[...document.querySelectorAll('.button, button, .card:not(.small), select, input:not([type=radio], [type=checkbox], [type=hidden]), :is(.pick, .chips) label:has(input:checked)')].filter(one => {
               const style = getComputedStyle(one);
               const [border, ring] = [parseFloat(style.borderTopWidth), parseFloat(style.outlineWidth)];
               return one.checkVisibility() && border === 0 && (ring === 0 || style.outlineStyle === 'none');
             }).map(one => `${one.localName}.${one.className}`)";
        assert_eq!(
            page.evaluate(flat),
            serde_json::json!([]),
            "{step} has parts without an edge"
        );
        if let Some(album) = &self.album {
            album.shoot(page, &album.step(), step);
        }
        page.own_colours(false);
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
