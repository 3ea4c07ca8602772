//! One tab, used as a person uses it: what is there is found by its name, pressed with a pointer or by keys, and read.

use std::cell::{Cell, RefCell};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::record::{Lead, Record};
use crate::{axe, keys, markup, strain};

/// Side of the smallest thing that may be pressed, in CSS pixels (WCAG 2.2, 2.5.8).
const TARGET_MIN: f64 = 24.0;
/// Side of the smallest button in CSS pixels: a thumb, at night (WCAG 2.2, 2.5.5).
const BUTTON_MIN: f64 = 44.0;
/// Height of the button that a page is for, in CSS pixels.
const MAIN_BUTTON_MIN: f64 = 56.0;
/// Characters that a line may hold, the full width of one each: more, and the eye loses the next line.
const LINE_MAX: f64 = 40.0;
/// Presses of Tab after which a thing counts as not to be reached by keys.
const TABS_MAX: usize = 80;
/// Width and height of the usual phone in CSS pixels.
const PHONE: (u32, u32) = (390, 844);
/// Height of the smallest phone.
const SMALL_PHONE_HEIGHT: u32 = 568;
/// Width from which on a screen stands on a desk, in CSS pixels, and its height.
const DESK: (u32, u32) = (1_000, 800);
/// Pixels of a picture for each CSS pixel.
const SHARPNESS: u32 = 2;

/// Roles of what can be pressed.
const PRESSED: &[&str] = &["button", "link", "radio", "checkbox", "DisclosureTriangle"];
/// Roles of lists to choose from.
const CHOSEN: &[&str] = &["combobox", "listbox"];
/// Roles of fields to write into.
const WRITTEN: &[&str] = &["textbox", "searchbox", "spinbutton"];

/// What a person uses a page with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// A finger or a mouse.
    Pointer,
    /// Keys only: Tab, arrows, Enter and the space bar.
    Keys,
}

/// A tab with cookies of its own; closed with this value.
#[derive(Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    context: String,
    session: String,
    host: String,
    hand: Cell<Hand>,
    has_script: Cell<bool>,
    width: Cell<u32>,
    record: RefCell<Record>,
}

/// Something on a page that was found by role and name.
struct Thing {
    object: String,
    role: String,
    name: String,
}

impl<'a> Page<'a> {
    pub(crate) fn new(browser: &'a Browser, host: &str) -> Page<'a> {
        let made = browser.call("", "Target.createBrowserContext", &json!({}));
        let context = word(&made["browserContextId"]);
        let tab = json!({ "url": "about:blank", "browserContextId": context });
        let made = browser.call("", "Target.createTarget", &tab);
        let attach = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = browser.call("", "Target.attachToTarget", &attach);
        let page = Page {
            browser,
            context,
            session: word(&attached["sessionId"]),
            host: host.to_owned(),
            hand: Cell::new(Hand::Pointer),
            has_script: Cell::new(true),
            width: Cell::new(0),
            record: RefCell::new(Record::new(host)),
        };
        for domain in ["Page", "Network", "Runtime", "Log", "Audits", "DOM", "Accessibility"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.call("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        // Every page is weighed as on a first visit.
        page.call("Network.setCacheDisabled", &json!({ "cacheDisabled": true }));
        page.phone(PHONE.0);
        page
    }

    /// From now on the page is used with this.
    pub fn with(&self, hand: Hand) {
        self.hand.set(hand);
    }

    /// From now on no page may run scripts.
    pub fn without_script(&self) {
        self.has_script.set(false);
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// From now on the screen is a phone's of this width in CSS pixels, or one on a desk.
    pub fn phone(&self, width: u32) {
        let (height, sharpness, is_phone) = match width {
            _ if width >= DESK.0 => (DESK.1, 1, false),
            _ if width < PHONE.0 => (SMALL_PHONE_HEIGHT, SHARPNESS, true),
            _ => (PHONE.1, SHARPNESS, true),
        };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": sharpness, "mobile": is_phone });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
        self.width.set(width);
    }

    /// Width of the screen in CSS pixels.
    pub fn width(&self) -> u32 {
        self.width.get()
    }

    /// From now on the page may also ask this host, `127.0.0.1:4010`.
    pub fn may_ask(&self, host: &str) {
        self.record.borrow_mut().hosts.push(host.to_owned());
    }

    /// From now on requests for addresses that begin so (`https://static.line-scdn.net/`) go to a stand-in instead, or
    /// to nobody. The page cannot tell: its policy is held against the address that it names.
    pub fn lead(&self, beginning: &str, to: Option<&str>) {
        let mut record = self.record.borrow_mut();
        record.led.retain(|(known, _)| known != beginning);
        let lead = to.map_or(Lead::Nowhere, |to| Lead::To(to.to_owned()));
        record.led.push((beginning.to_owned(), lead));
        let patterns = record.led.iter();
        let patterns: Vec<Value> = patterns
            .map(|(beginning, _)| json!({ "urlPattern": format!("{beginning}*") }))
            .collect();
        drop(record);
        self.call("Fetch.enable", &json!({ "patterns": patterns }));
    }

    /// Forgets all cookies, as if what follows were opened in another browser.
    pub fn forget_cookies(&self) {
        self.call("Network.clearBrowserCookies", &json!({}));
    }

    /// Opens an address below the host that leads on by itself, and waits until a page is there whose address and
    /// status are right.
    #[track_caller]
    pub fn open_until(&self, path: &str, is_there: impl Fn(&str, u16) -> bool) {
        let url = format!("http://{}{path}", self.host);
        self.record.borrow_mut().impatient = true;
        let going = self.call("Page.navigate", &json!({ "url": url }));
        assert!(going["errorText"].is_null(), "{path}: {}", going["errorText"]);
        self.until(path, |record| {
            let (url, status, loader) = &record.shown;
            record.loaded.contains(loader) && is_there(url, *status)
        });
        self.record.borrow_mut().impatient = false;
        self.calm();
    }

    /// Opens an address below the host, `/hidamari/stopped`, and waits until it is there.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let url = format!("http://{}{path}", self.host);
        let going = self.call("Page.navigate", &json!({ "url": url }));
        assert!(going["errorText"].is_null(), "{path}: {}", going["errorText"]);
        let loader = word(&going["loaderId"]);
        self.until(path, |record| record.loaded.contains(&loader));
        self.calm();
    }

    /// Presses the button or link of this name and waits for the page it leads to.
    #[track_caller]
    pub fn press(&self, name: &str) {
        let before = self.arrivals();
        self.touch(name);
        self.until(name, |record| record.arrivals > before);
        self.calm();
    }

    /// Presses a button twice, faster than any answer.
    #[track_caller]
    pub fn press_twice(&self, name: &str) {
        let (before, thing) = (self.arrivals(), self.find(PRESSED, name));
        self.record.borrow_mut().impatient = true;
        let (x, y) = self.place(&thing);
        for count in [1, 2] {
            for stroke in click(x, y, count) {
                self.browser.send(&self.session, "Input.dispatchMouseEvent", &stroke);
            }
        }
        self.until(name, |record| record.arrivals > before && record.open.is_empty());
        self.record.borrow_mut().impatient = false;
        self.calm();
    }

    /// Presses something that leads nowhere else: an answer to choose, a part to unfold.
    #[track_caller]
    pub fn touch(&self, name: &str) {
        let thing = self.find(PRESSED, name);
        match self.hand.get() {
            Hand::Pointer => {
                let (x, y) = self.place(&thing);
                for stroke in click(x, y, 1) {
                    self.call("Input.dispatchMouseEvent", &stroke);
                }
            }
            Hand::Keys => {
                self.walk_to(&thing);
                match thing.role.as_str() {
                    "radio" => self.choose_by_arrows(&thing),
                    "link" => self.key("Enter"),
                    _ => self.key(" "),
                }
            }
        }
    }

    /// Chooses an option from the list of this name, by keys as a list on a computer is used.
    #[track_caller]
    pub fn choose(&self, name: &str, option: &str) {
        let thing = self.find(CHOSEN, name);
        self.reach(&thing);
        let wanted = "function(option) { return [...this.options].findIndex(one => one.text.trim() === option) }";
        let index = self.ask(&thing.object, wanted, &json!([{ "value": option }]));
        let index = index.as_i64().unwrap_or(-1);
        assert!(index >= 0, "{name} has no option {option:?}");
        self.key("Home");
        for _ in 0..index {
            self.key("ArrowDown");
        }
        let chosen = "function() { return this.selectedOptions[0].text.trim() }";
        assert_eq!(self.ask(&thing.object, chosen, &json!([])), option, "chosen in {name}");
    }

    /// Writes into the field of this name, in place of what is there.
    #[track_caller]
    pub fn write(&self, name: &str, text: &str) {
        let thing = self.find(WRITTEN, name);
        self.reach(&thing);
        self.ask(&thing.object, "function() { this.select() }", &json!([]));
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// What stands in the field of this name.
    #[track_caller]
    pub fn reads(&self, name: &str) -> String {
        let thing = self.find(WRITTEN, name);
        word(&self.ask(&thing.object, "function() { return this.value }", &json!([])))
    }

    /// Presses a key of the keyboard: `Tab`, `Enter`, a space, an arrow.
    pub fn key(&self, key: &str) {
        for stroke in keys::strokes(key) {
            self.call("Input.dispatchKeyEvent", &stroke);
        }
    }

    /// Presses the browser's own way back and waits for the page before.
    #[track_caller]
    pub fn back(&self) {
        let history = self.call("Page.getNavigationHistory", &json!({}));
        let index = history["currentIndex"].as_u64().unwrap_or_default() as usize;
        let entry = index.checked_sub(1).map(|before| &history["entries"][before]["id"]);
        let entry = entry.expect("there is a page before this one");
        let before = self.arrivals();
        self.call("Page.navigateToHistoryEntry", &json!({ "entryId": entry }));
        self.until("back", |record| record.arrivals > before);
        self.calm();
    }

    /// Asserts that a person can read these words on the page; readings above words are passed over.
    #[track_caller]
    pub fn sees(&self, words: &str) {
        let text = self.text();
        assert!(text.contains(words), "{} has no {words:?}:\n{text}", self.title());
    }

    /// Asserts that these words cannot be read on the page.
    #[track_caller]
    pub fn does_not_see(&self, words: &str) {
        let text = self.text();
        assert!(!text.contains(words), "{} says {words:?}:\n{text}", self.title());
    }

    /// The words that can be read, with white space made one.
    pub fn text(&self) -> String {
        let text = self.evaluate(
            "(() => {
               const readings = [...document.querySelectorAll('rt, rp')].filter(one => !one.hidden);
               readings.forEach(one => { one.hidden = true });
               const text = document.body.innerText;
               readings.forEach(one => { one.hidden = false });
               return text.replace(/\\s+/g, ' ');
             })()",
        );
        word(&text)
    }

    /// The title of the page.
    pub fn title(&self) -> String {
        word(&self.evaluate("document.title"))
    }

    /// The path of the page's address, with its query.
    pub fn path(&self) -> String {
        word(&self.evaluate("location.pathname + location.search"))
    }

    /// The name of the part that has the focus; empty where none has.
    pub fn focused(&self) -> String {
        let focused = json!({ "expression": "document.activeElement" });
        let object = word(&self.call("Runtime.evaluate", &focused)["result"]["objectId"]);
        let tree = json!({ "objectId": object, "fetchRelatives": false });
        let tree = self.call("Accessibility.getPartialAXTree", &tree);
        match tree["nodes"][0]["role"]["value"].as_str() {
            Some("RootWebArea") | None => String::new(),
            Some(_) => one_line(&word(&tree["nodes"][0]["name"]["value"])),
        }
    }

    /// Status of the answer that brought the page.
    pub fn status(&self) -> u16 {
        self.digest();
        self.record.borrow().status
    }

    /// Bytes that came for the page and all it needs as on a first visit, headers and redirects included.
    pub fn weight(&self) -> u64 {
        self.until("the rest of the page", |record| record.open.is_empty());
        self.record.borrow().weight
    }

    /// True where a person would have to push the page sideways.
    ///
    /// It is held against the screen and not against `innerWidth`, which a phone widens when something sticks out.
    pub fn width_overflows(&self) -> bool {
        let width = self.evaluate("document.scrollingElement.scrollWidth");
        width.as_u64().unwrap_or(u64::MAX) > u64::from(self.width.get())
    }

    /// What axe-core says against the page; empty where it is content.
    pub fn violations(&self) -> Vec<String> {
        if self.has_script.get() {
            return axe::violations(self);
        }
        // The judge waits for timers of its own, which a tab without scripts never rings.
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
        let found = axe::violations(self);
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        found
    }

    /// From now on letters and lines stand as wide apart as a reader may set them, or as the page has them.
    pub fn spaced(&self, wider: bool) {
        strain::space(self, wider);
    }

    /// What is cut off or sticks out of its place; empty where every word can be read.
    pub fn cut_off(&self) -> Vec<String> {
        strain::cut_off(self)
    }

    /// From now on the reader's own few colours take the place of the page's, and nothing may move; or not.
    pub fn own_colours(&self, are_forced: bool) {
        let (colours, motion) = if are_forced {
            ("active", "reduce")
        } else {
            ("none", "no-preference")
        };
        let features = json!([
            { "name": "forced-colors", "value": colours },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// What is wrong with the HTML as the server wrote it; empty where it is read as it was written.
    pub fn malformed(&self) -> Vec<String> {
        self.digest();
        let request = json!({ "requestId": self.record.borrow().loader });
        let source = self.call("Network.getResponseBody", &request);
        markup::problems(self, source["body"].as_str().unwrap_or_default())
    }

    /// What every page of ours must have and this one lacks: a language, one heading, a title, places for a thumb, lines
    /// that can be followed.
    pub fn lacks(&self) -> Vec<String> {
        let shape = self.evaluate(
            "({
               lang: document.documentElement.lang,
               title: document.title,
               headings: document.querySelectorAll('h1').length,
               alerts: [...document.querySelectorAll('[role=alert]')].filter(one => one.checkVisibility()).length,
               small: [[MIN_MAIN, '.button--main'], [MIN_BUTTON, '.button, button, select'], [MIN, 'a, summary, input, label:has(input)']]
                 .flatMap(([least, parts]) => [...document.querySelectorAll(parts)].filter(one => {
                   const box = one.getBoundingClientRect();
                   // A link among words is as high as the words, and a small mark has a label around it.
                   const is_free = getComputedStyle(one).display !== 'inline' && !one.matches('label input, .unseen');
                   return is_free && box.width > 0 && Math.min(box.width, box.height) < least;
                 }))
                 .map(one => `${one.localName} ${one.textContent.trim()}`),
               long: [...document.querySelectorAll('main :is(p, li, dd, h1, h2)')].filter(one => {
                 const size = parseFloat(getComputedStyle(one).fontSize);
                 return one.getBoundingClientRect().width > LINE * size && one.textContent.length > LINE;
               }).map(one => one.textContent.trim())
             })"
            .replace("MIN_MAIN", &MAIN_BUTTON_MIN.to_string())
            .replace("MIN_BUTTON", &BUTTON_MIN.to_string())
            .replace("MIN", &TARGET_MIN.to_string())
            .replace("LINE", &LINE_MAX.to_string())
            .as_str(),
        );
        let title = word(&shape["title"]);
        let mut lacks = Vec::new();
        if !matches!(shape["lang"].as_str(), Some("ja" | "en")) {
            lacks.push(format!("a language: {}", shape["lang"]));
        }
        if title.trim().is_empty() {
            lacks.push("a title".to_owned());
        }
        if shape["headings"] != 1 {
            lacks.push(format!("one heading: {}", shape["headings"]));
        }
        if shape["alerts"] != 0
            && !["エラー：", "まちがい：", "Error: "]
                .iter()
                .any(|sign| title.starts_with(sign))
        {
            lacks.push(format!("a title that begins with the error: {title}"));
        }
        if shape["small"] != json!([]) {
            lacks.push(format!("places that a thumb finds: {}", shape["small"]));
        }
        if shape["long"] != json!([]) {
            lacks.push(format!("lines of at most {LINE_MAX} characters: {}", shape["long"]));
        }
        lacks
    }

    /// The whole page as a PNG.
    pub fn picture(&self) -> Vec<u8> {
        let metrics = self.call("Page.getLayoutMetrics", &json!({}));
        let (width, height) = (
            &metrics["cssContentSize"]["width"],
            &metrics["cssContentSize"]["height"],
        );
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.call("Page.captureScreenshot", &shot);
        STANDARD.decode(word(&shot["data"])).expect("a picture in base 64")
    }

    /// Runs a script in the page's own world and gives its value, however strict the page's policy.
    pub fn evaluate(&self, script: &str) -> Value {
        let run = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        value("Runtime.evaluate", self.call("Runtime.evaluate", &run))
    }

    /// A world beside the page's own in which scripts see the page and leave nothing in it.
    pub(crate) fn world(&self, name: &str) -> Value {
        let tree = self.call("Page.getFrameTree", &json!({}));
        let frame = &tree["frameTree"]["frame"]["id"];
        let world = json!({ "frameId": frame, "worldName": name });
        self.call("Page.createIsolatedWorld", &world)["executionContextId"].take()
    }

    /// Runs a script in such a world.
    pub(crate) fn evaluate_in(&self, world: &Value, script: &str) -> Value {
        value("a script", self.call("Runtime.evaluate", &axe::in_world(world, script)))
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        self.browser.call(&self.session, method, params)
    }

    /// Calls a function on an object of the page and gives its value.
    fn ask(&self, object: &str, function: &str, arguments: &Value) -> Value {
        let call = json!({ "objectId": object, "functionDeclaration": function, "arguments": arguments, "returnByValue": true });
        value("Runtime.callFunctionOn", self.call("Runtime.callFunctionOn", &call))
    }

    /// Finds the one thing with one of these roles and this name, or with a name that has it in it.
    #[track_caller]
    fn find(&self, roles: &[&str], name: &str) -> Thing {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let nodes: Vec<(&Value, String)> = tree["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|node| {
                node["ignored"] != true && roles.contains(&node["role"]["value"].as_str().unwrap_or_default())
            })
            .map(|node| (node, one_line(node["name"]["value"].as_str().unwrap_or_default())))
            .collect();
        let exact: Vec<_> = nodes.iter().filter(|(_, found)| found == name).collect();
        let near: Vec<_> = nodes.iter().filter(|(_, found)| found.contains(name)).collect();
        let candidates = if exact.is_empty() { near } else { exact };
        let [(node, found)] = candidates.as_slice() else {
            let names: Vec<&String> = nodes.iter().map(|(_, name)| name).collect();
            panic!("{} has {} {name:?} among {names:?}", self.title(), candidates.len());
        };
        let resolve = json!({ "backendNodeId": node["backendDOMNodeId"] });
        let object = self.call("DOM.resolveNode", &resolve);
        Thing {
            object: word(&object["object"]["objectId"]),
            role: word(&node["role"]["value"]),
            name: found.clone(),
        }
    }

    /// Brings a thing to the middle of the screen and gives the point to press; panics where a finger would miss it.
    #[track_caller]
    fn place(&self, thing: &Thing) -> (f64, f64) {
        let found = self.ask(
            &thing.object,
            "function() {
               const target = this.matches('[type=radio], [type=checkbox]') && this.labels.length ? this.labels[0] : this;
               target.scrollIntoView({ block: 'center', behavior: 'instant' });
               const box = target.getClientRects()[0];
               const x = box.left + box.width / 2, y = box.top + box.height / 2;
               const hit = document.elementFromPoint(x, y);
               return { x, y, side: Math.min(box.width, box.height), button: this.matches('.button, button'),
                        hit: hit !== null && target.contains(hit) };
             }",
            &json!([]),
        );
        let side = found["side"].as_f64().unwrap_or_default();
        let least = if found["button"] == true {
            BUTTON_MIN
        } else {
            TARGET_MIN
        };
        assert!(side >= least, "{} is {side} pixels, not {least}", thing.name);
        assert_eq!(found["hit"], true, "{} lies under something else", thing.name);
        (
            found["x"].as_f64().unwrap_or_default(),
            found["y"].as_f64().unwrap_or_default(),
        )
    }

    /// Brings the focus to a thing.
    #[track_caller]
    fn reach(&self, thing: &Thing) {
        match self.hand.get() {
            Hand::Pointer => {
                self.call("DOM.focus", &json!({ "objectId": thing.object }));
            }
            Hand::Keys => self.walk_to(thing),
        }
    }

    /// Presses Tab until the focus is on a thing, or on the group of answers it belongs to; every stop must be visible.
    #[track_caller]
    fn walk_to(&self, thing: &Thing) {
        for tabs in 0..=TABS_MAX {
            let stop = self.ask(
                &thing.object,
                "function() {
                   const focus = document.activeElement;
                   if (focus === null || focus === document.body) return { there: false, seen: true, name: '' };
                   const style = getComputedStyle(focus), box = focus.getBoundingClientRect();
                   const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                   const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
                   const group = this.type === 'radio' && focus.type === 'radio' && focus.name === this.name && focus.form === this.form;
                   return { there: focus === this || group, seen: ring && inside, name: focus.textContent || focus.id };
                 }",
                &json!([]),
            );
            // Where the focus was left before, for instance by the way back, nobody has come by keys.
            let seen = tabs == 0 || stop["seen"] == true;
            assert!(seen, "the focus cannot be seen on {}", stop["name"]);
            if stop["there"] == true {
                return;
            }
            self.key("Tab");
        }
        panic!("{} is not reached by keys", thing.name);
    }

    /// Chooses one of a group of answers that has the focus.
    #[track_caller]
    fn choose_by_arrows(&self, thing: &Thing) {
        let is_there = "function() { return document.activeElement === this }";
        for _ in 0..TABS_MAX {
            if self.ask(&thing.object, is_there, &json!([])) == true {
                break;
            }
            self.key("ArrowDown");
        }
        self.key(" ");
        let is_chosen = "function() { return this.checked }";
        assert_eq!(
            self.ask(&thing.object, is_chosen, &json!([])),
            true,
            "{} is chosen",
            thing.name
        );
    }

    fn arrivals(&self) -> usize {
        self.digest();
        self.record.borrow().arrivals
    }

    /// Waits until the record says so.
    fn until(&self, why: &str, done: impl Fn(&Record) -> bool) {
        loop {
            self.digest();
            if done(&self.record.borrow()) {
                return;
            }
            self.browser.listen(why);
        }
    }

    /// Writes down what has happened.
    fn digest(&self) {
        let mut record = self.record.borrow_mut();
        for event in self.browser.events(&self.session) {
            if event.method == "Fetch.requestPaused" {
                self.lead_on(&record, &event.params);
            } else {
                record.note(&event);
            }
        }
    }

    /// Lets a request go on to where it is led.
    fn lead_on(&self, record: &Record, paused: &Value) {
        let id = &paused["requestId"];
        let url = paused["request"]["url"].as_str().unwrap_or_default();
        let (method, params) = match record.lead(url) {
            Some(Lead::To(to)) => ("Fetch.continueRequest", json!({ "requestId": id, "url": to })),
            Some(Lead::Nowhere) | None => (
                "Fetch.failRequest",
                json!({ "requestId": id, "errorReason": "ConnectionFailed" }),
            ),
        };
        self.browser.send(&self.session, method, &params);
    }

    /// Asserts that nothing went wrong that nobody should see.
    #[track_caller]
    fn calm(&self) {
        self.digest();
        assert_eq!(self.record.borrow().troubles, [""; 0], "on {}", self.title());
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let context = json!({ "browserContextId": self.context });
            self.browser.call("", "Target.disposeBrowserContext", &context);
        }
    }
}

/// One press of a pointer: there, down and up.
fn click(x: f64, y: f64, count: u32) -> [Value; 3] {
    let stroke = |kind: &str, buttons: u32| {
        json!({ "type": kind, "x": x, "y": y, "button": if kind == "mouseMoved" { "none" } else { "left" },
                "buttons": buttons, "clickCount": count })
    };
    [
        stroke("mouseMoved", 0),
        stroke("mousePressed", 1),
        stroke("mouseReleased", 0),
    ]
}

/// The value that a script gave; panics with its error.
fn value(what: &str, mut answer: Value) -> Value {
    let error = &answer["exceptionDetails"];
    assert!(error.is_null(), "{what}: {error}");
    answer["result"]["value"].take()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
