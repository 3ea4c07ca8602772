//! Pages on nobody's way: the front, and addresses that do not exist.

use crate::paths::english;
use crate::walk::once;

#[test]
fn an_address_that_does_not_exist_has_a_page_that_says_so() {
    once("11-astray", |_, walk| {
        let page = &walk.page;
        for (step, path) in [("town", "/hidamari/nothing/here"), ("nothing", "/nowhere/stop/x")] {
            page.open(path);
            assert_eq!(page.status(), 404);
            walk.look(step);
            page.open(&english(path));
            walk.look(&format!("{step}-en"));
        }
        page.open("/");
        assert_eq!(page.status(), 200);
        walk.look("front");
        page.press("English");
        walk.look("front-en");
    });
}
