//! The demo: one command in an empty folder, as often as somebody likes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use serde_json::json;

use crate::place::{KIZUNA, Place, files};

#[test]
fn the_demo_sends_each_message_once_however_often_it_runs() {
    let place = Place::empty();
    let arguments = ["demo", "--once", "--families", "120", "--dir", "town"];

    let first = place.kizuna(&[&arguments[..], &["--json"]].concat()).expect(0).json();

    let sent = first["sent"].as_u64().unwrap();
    assert!(sent > 40, "{first}");
    assert_eq!((&first["failed"], &first["unknown"]), (&json!(0), &json!(0)));
    let letters = files(&place.path("town/outbox"));
    assert!(
        letters.len() as u64 * 5 > sent && letters.len() as u64 * 2 < sent,
        "most families read by LINE"
    );

    let again = place.kizuna(&arguments).expect(0);
    assert!(again.out.contains("二度は送りませんでした"), "{}", again.out);
    let english = place.kizuna(&[&["--lang", "en"], &arguments[..]].concat()).expect(0);
    assert!(english.out.contains("Nothing was sent twice."), "{}", english.out);
    assert_eq!(files(&place.path("town/outbox")), letters);
}

#[test]
fn the_demo_reaches_every_kind_of_family_on_any_day() {
    let place = Place::empty();
    for day in ["2028-02-29", "2027-04-01"] {
        let run = [
            "demo",
            "--once",
            "--families",
            "60",
            "--dir",
            day,
            "--day",
            day,
            "--json",
        ];
        let run = place.kizuna(&run).expect(0).json();
        assert_eq!(run["tenants"][0]["day"], json!(day));
        let said = place.kizuna(&[
            "demo",
            "--once",
            "--families",
            "60",
            "--dir",
            &format!("{day}-2"),
            "--day",
            day,
        ]);
        let words = said.expect(0).out;
        let by_line = words
            .split("見本の電話に ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let by_line: u64 = by_line.unwrap().parse().unwrap();
        let by_mail = files(&place.path(&format!("{day}-2/outbox"))).len() as u64;
        assert_eq!(by_line + by_mail, run["sent"].as_u64().unwrap());
    }
}

/// A running demo; it ends with this value.
struct Running {
    child: Child,
    host: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is over either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts the demo and waits until it has told where to register.
    fn start(place: &Place) -> Running {
        // Two ports in a row that are free now: pages and phones.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = place.command(KIZUNA);
        command.args([
            "demo",
            "--families",
            "5",
            "--dir",
            "town",
            "--port",
            &port.to_string(),
            "--lang",
            "ja",
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let host = format!("127.0.0.1:{port}");
        let printed = format!("http://{host}/hidamari/register");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains(&printed)),
            "the demo prints {printed}"
        );
        Running { child, host }
    }

    fn ask(&self, method: &str, path: &str, form: &str) -> String {
        ask(&self.host, method, path, form)
    }

    /// Looks at an entry, registers it and gives where that leads.
    fn register(&self, fields: &str) -> String {
        let look = self.ask("POST", "/hidamari/register", &format!("{fields}&step=look"));
        let once = after(&look, "name=\"once\" value=\"")
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let done = self.ask(
            "POST",
            "/hidamari/register",
            &format!("{fields}&step=register&once={once}"),
        );
        after(&done, "location: ").lines().next().unwrap().to_owned()
    }
}

fn ask(host: &str, method: &str, path: &str, form: &str) -> String {
    // The address is told before the pages are served.
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {text}")).1
}

/// The page of the first letter to an address that holds a mark; waits a minute for it.
#[expect(clippy::disallowed_methods, reason = "a living process is looked at now and then")]
fn letter(place: &Place, demo: &Running, to: &str, mark: &str) -> String {
    for _ in 0..240 {
        for name in files(&place.path("town/outbox")) {
            if place.read(&format!("town/outbox/{name}")).contains(to) {
                let page = demo.ask("GET", &format!("/hidamari/mailbox/{name}"), "");
                if page.contains(mark) {
                    return page;
                }
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    panic!("nothing with {mark} came to {to}")
}

#[test]
fn a_newcomer_is_asked_on_lines_page_who_they_are() {
    let place = Place::empty();
    let demo = Running::start(&place);
    let sent = demo.ask("GET", "/hidamari/line/enter", "");
    let door = after(&sent, "location: http://").lines().next().unwrap();
    let (line, path) = door.split_at(door.find('/').unwrap());
    let page = ask(line, "GET", path, "");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(
        after(&page, "だれのLINEですか").contains("required checked> あなた"),
        "{page}"
    );
}

#[test]
fn a_newcomer_registers_at_the_printed_address_and_reads_the_first_words_within_a_minute() {
    let place = Place::empty();
    let demo = Running::start(&place);
    let today = crate::place::today();
    let fields = format!(
        "kind=raising&birth_y={}&birth_m={}&birth_d={}&way=",
        today.year(),
        today.month(),
        today.day_of_month()
    );

    let sent = demo.register(&format!("{fields}mail&mail=newcomer%40reader.example"));
    assert_eq!(sent, "/hidamari/register/sent");
    let mail = letter(&place, &demo, "newcomer@reader.example", "/confirm/");
    let link = after(&mail, &format!("href=\"http://{}", demo.host));
    assert!(link.starts_with("/hidamari/confirm/"), "{mail}");
    let done = demo.ask("POST", link.split('"').next().unwrap(), "");
    assert!(done.starts_with("HTTP/1.1 303"), "{done}");
    letter(&place, &demo, "newcomer@reader.example", "/stop/");

    let own = demo.register(&format!("{fields}web"));
    assert!(demo.ask("GET", &own, "").contains("登録できました"));
}

#[test]
fn every_journey_of_a_family_can_be_tried_in_the_demo() {
    let place = Place::empty();
    let demo = Running::start(&place);
    let front = demo.ask("GET", "/", "");
    assert!(front.contains("location: /hidamari/demo\r\n"), "{front}");
    let first = demo.ask("GET", "/hidamari/demo", "");
    let places = after(&first, "href=\"/r/").split('"').next().unwrap();
    for path in ["/hidamari/mailbox", "/komorebi/move-in", "/hidamari/register"] {
        assert!(first.contains(&format!("href=\"{path}")), "{path}: {first}");
    }
    let by_place = demo.ask("GET", &format!("/r/{places}"), "");
    assert!(
        by_place.starts_with("HTTP/1.1 200") || by_place.starts_with("HTTP/1.1 30"),
        "{by_place}"
    );

    // An empty mail is answered with a link that registers.
    let sent = demo.ask("POST", "/hidamari/mailbox", "from=sora%40reader.example");
    assert!(sent.contains("location: /hidamari/mailbox?sent=1"), "{sent}");
    let mail = letter(&place, &demo, "sora@reader.example", "/register/mail/");
    let link = after(&mail, &format!("href=\"http://{}", demo.host));
    let form = demo.ask("GET", link.split('"').next().unwrap(), "");
    assert!(form.contains("name=\"kind\""), "{form}");

    // LINE says who holds the phone.
    let login = demo.ask("GET", "/hidamari/line/enter", "");
    assert!(
        after(&login, "location: ").contains("/oauth2/v2.1/authorize?"),
        "{login}"
    );

    let today = crate::place::today();
    let (year, month, day) = (today.year(), today.month(), today.day_of_month());
    let own = demo.register(&format!(
        "kind=raising&birth_y={year}&birth_m={month}&birth_d={day}&way=web"
    ));
    let welcome = demo.ask("GET", &own, "");
    let own = format!(
        "/hidamari/my/{}",
        after(&welcome, "/hidamari/my/").split(['"', '?', '<']).next().unwrap()
    );
    for (page, words) in [("delivery", "19時"), ("move", "こもれび町"), ("invite", "<form")] {
        let shown = demo.ask("GET", &format!("{own}/{page}"), "");
        assert!(shown.contains(words), "{page}: {shown}");
    }
}
