//! The judges are judged: what is wrong with a page is found, and the vendored one is the one that was vendored.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use kizuna_journeys::{AXE, Browser, Hand, Page};
use sha2::{Digest as _, Sha256};

/// Serves one page at every address until the test ends; gives its host.
fn serve(head: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let page = format!(
                "<!doctype html><html lang=\"ja\"><head><meta name=viewport content=width=device-width><title>見本</title></head><body>{body}</body></html>"
            );
            let length = page.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html;charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n{head}\r\n{page}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    host
}

/// The words with which using the page in a way fails.
fn failure(page: &Page<'_>, what: impl FnOnce(&Page<'_>)) -> String {
    let words = catch_unwind(AssertUnwindSafe(|| what(page))).expect_err("it fails");
    words.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let browser = Browser::start();
    let policy = "content-security-policy: default-src 'none'\r\n";
    for (head, body, words) in [
        (
            "",
            "<img src=\"https://elsewhere.example/x.png\" alt=\"\">",
            "somebody else",
        ),
        ("", "<script>console.error('x')</script>", "the console says"),
        ("", "<script>throw 1</script>", "a script failed"),
        (policy, "<p style=\"color:red\">x", "Content Security Policy"),
    ] {
        let page = browser.page(&serve(head, body));
        let failure = failure(&page, |page| page.open("/"));
        assert!(failure.contains(words), "{body}: {failure}");
    }

    let page = browser.page(&serve(
        "",
        "<div style=\"width:900px\">広い</div><img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=\">
         <button style=\"width:20px;height:20px;padding:0\">小</button>
         <button style=\"position:absolute;top:200px;height:60px;width:60px\">下</button>
         <p style=\"position:absolute;top:190px;width:300px;height:90px;background:#fff\">上</p>
         <a href=\"/\" style=\"outline:none;display:block;margin-top:300px\">見えない</a>",
    ));
    page.open("/");
    assert!(page.width_overflows());
    assert_eq!(page.malformed(), [""; 0], "wrong in other ways");
    let found = page.violations().join("\n");
    for rule in ["image-alt", "page-has-heading-one", "region"] {
        assert!(found.contains(rule), "{rule} in {found}");
    }
    let lacks = page.lacks().join("\n");
    for words in ["one heading: 0", "button 小"] {
        assert!(lacks.contains(words), "{words} in {lacks}");
    }
    let says = |words: &str, failure: String| assert!(failure.contains(words), "{failure}");
    says("小 is 20 pixels", failure(&page, |page| page.touch("小")));
    says("下 lies under", failure(&page, |page| page.touch("下")));
    says("見本 has 0", failure(&page, |page| page.touch("よそ")));
    says("見本 has no", failure(&page, |page| page.sees("どこにもない")));
    says("見本 says", failure(&page, |page| page.does_not_see("広い")));
    page.with(Hand::Keys);
    says(
        "the focus cannot be seen",
        failure(&page, |page| page.press("見えない")),
    );
}

#[test]
fn html_that_is_not_read_as_it_was_written_is_found() {
    let browser = Browser::start();
    for (body, words) in [
        ("<p>一<div>二</div></p>", "<div> after <p> is read as </p>"),
        ("<section><h1>一</h1>", "</body> after </h1> is read as </section>"),
        ("<p class=a class=b>一</p>", "<p class class> after"),
        (
            "<table><tr><td>一</td></tr></table>",
            "<tr> after <table> is read as <tbody>",
        ),
        ("<p id=a>一</p><p id=a>二</p>", "the id a twice"),
        ("<label for=a>一</label>", "for=a leads nowhere"),
        ("<a href=\"#a\">一</a>", "a link to #a leads nowhere"),
        ("<span><div>一</div></span>", "a block <div> inside words"),
        ("<ul><p>一</p></ul>", "<p> is no part of a list"),
    ] {
        let page = browser.page(&serve("", body));
        page.open("/");
        let found = page.malformed().join("\n");
        assert!(found.contains(words), "{body}: {found}");
    }
    let page = browser.page(&serve(
        "",
        "<br><svg viewBox=\"0 0 1 1\"><path d=\"M0 0\"/></svg><p hidden>&lt;p&gt;</p>",
    ));
    page.open("/");
    assert_eq!(page.malformed(), [""; 0]);
}

#[test]
fn words_that_are_lost_and_lines_that_nobody_follows_are_found() {
    let browser = Browser::start();
    let page = browser.page(&serve(
        "",
        "<main><h1>見本</h1><button class=\"button button--main\" style=\"width:9em;height:56px;white-space:nowrap;letter-spacing:0\">
         おしてください</button><div style=\"height:2em;overflow:hidden\"><p style=\"margin:0\">一</p></div><p>とても長い行はだれの目にもつらいものです。\
         とても長い行はだれの目にもつらいものです。とても長い行はだれの目にもつらいものです。</p></main>",
    ));
    page.open("/");
    assert_eq!(page.cut_off(), [""; 0]);
    page.spaced(true);
    assert_eq!(
        page.cut_off().len(),
        1,
        "the paragraph needs more room below it: {:?}",
        page.cut_off()
    );
    page.spaced(false);
    assert_eq!(page.cut_off(), [""; 0], "as it was");
    page.phone(1_280);
    let lacks = page.lacks().join("\n");
    assert!(lacks.contains("lines of at most 40 characters"), "{lacks}");
}

#[test]
fn the_vendored_judge_is_the_one_that_its_paper_names() {
    let digest: Vec<String> = Sha256::digest(AXE).iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = digest.concat();
    let paper = include_str!("../../assets/VENDOR.md");
    assert!(paper.contains(&digest), "{digest} is not in assets/VENDOR.md");
    let version = AXE.split_whitespace().nth(2).unwrap().trim_start_matches('v');
    assert!(paper.contains(&format!("| {version} |")), "version {version}");
}
