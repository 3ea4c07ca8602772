//! The two cookies of staff: the session, and the mark of a browser in which somebody signed in. Readers get none.
//!
//! Everywhere but on this machine's own names they are bound to the host and to TLS by the prefix `__Host-`.

use axum::http::HeaderValue;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kizuna_engine::actions::sign_in::Welcome;
use kizuna_store::sessions::Token;

use crate::client::Client;

const SESSION: &str = "kizuna";
const BROWSER: &str = "kizuna-browser";
/// How long a browser stays known: half a year.
const BROWSER_SECONDS: u32 = 180 * 24 * 60 * 60;

/// What a browser holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookies {
    is_local: bool,
    /// The session, over or not.
    pub(crate) session: Option<Token>,
    /// The mark of the browser.
    pub(crate) browser: Option<String>,
}

impl Cookies {
    /// Reads the cookies of a request.
    pub(crate) fn of(parts: &Parts, client: &Client) -> Cookies {
        let mut cookies = Cookies {
            is_local: client.is_local,
            session: None,
            browser: None,
        };
        let value = |name: &str| {
            let wanted = cookies.name(name);
            let lists = parts.headers.get_all(COOKIE).iter();
            let mut pairs = lists
                .filter_map(|list| list.to_str().ok())
                .flat_map(|list| list.split(';'));
            pairs.find_map(|pair| match pair.trim().split_once('=') {
                Some((name, value)) if name == wanted => Some(value.to_owned()),
                _ => None,
            })
        };
        let token = |text: String| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Token);
        let (session, browser) = (value(SESSION).and_then(token), value(BROWSER));
        cookies.session = session;
        cookies.browser = browser;
        cookies
    }

    fn name(&self, name: &str) -> String {
        let prefix = if self.is_local { "" } else { "__Host-" };
        format!("{prefix}{name}")
    }

    fn set(&self, response: &mut Response, name: &str, value: &str, seconds: Option<u32>) {
        let name = self.name(name);
        let mut cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
        if !self.is_local {
            cookie.push_str("; Secure");
        }
        if let Some(seconds) = seconds {
            cookie.push_str("; Max-Age=");
            cookie.push_str(&seconds.to_string());
        }
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// Gives the browser a session; it forgets it when it is closed.
    pub(crate) fn hand_over(&self, response: &mut Response, token: &Token) {
        self.set(response, SESSION, &URL_SAFE_NO_PAD.encode(token.0), None);
    }

    /// Gives the browser a session and the mark by which it is known later.
    pub(crate) fn welcome(&self, response: &mut Response, welcome: &Welcome) {
        self.hand_over(response, &welcome.token);
        self.set(response, BROWSER, &welcome.browser, Some(BROWSER_SECONDS));
    }

    /// Takes the session away from the browser.
    pub(crate) fn take_away(&self, response: &mut Response) {
        self.set(response, SESSION, "", Some(0));
    }
}
