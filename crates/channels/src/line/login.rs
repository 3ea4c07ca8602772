//! LINE Login: sending somebody to LINE and learning, on the server, who came back.
//!
//! Nothing that a browser says about a user is believed: a user is who LINE signed for ([ADR 15](../../../docs/adr/0015-id-tokens.md)).

mod id_token;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub use id_token::Refused;
use id_token::{Expected, Jwks, Key};

use super::{agent, is_callable};
use crate::{Account, Problem, Secret};

/// How long LINE may take to answer while somebody waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// The login channel of a tenant, which belongs to the same provider as its Messaging API channel.
pub struct Login {
    channel: String,
    secret: Secret,
    pages: String,
    api: String,
}

/// Whether LINE's app may sign somebody in by itself.
///
/// It fails in private windows and comes back to another browser on some phones, and then it fails each time (LINE: "How
/// to handle auto login failure").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoLogin {
    /// It may.
    Allowed,
    /// LINE's page asks for address and password, or for a code.
    Off,
}

impl AutoLogin {
    /// The value of LINE's parameter.
    fn code(self) -> &'static str {
        match self {
            AutoLogin::Allowed => "false",
            AutoLogin::Off => "true",
        }
    }
}

/// Why nobody could be identified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// LINE did not answer, or not as it should.
    #[error("LINE Login cannot be reached")]
    Unreachable,
    /// LINE does not take the code: used before, expired, or not for us.
    #[error("LINE Login refused the code ({0})")]
    Code(u16),
    /// The proof is not good.
    #[error(transparent)]
    Token(#[from] Refused),
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

impl Login {
    /// The login channel of an account; `None` where it has none.
    pub fn of(account: &Account) -> Result<Option<Login>, Vec<Problem>> {
        let Some(channel) = account.settings.get("login_channel_id").filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        let mut problems = Vec::new();
        let mut problem = |setting, ja: &str, en: &str| {
            problems.push(Problem {
                setting,
                ja: ja.to_owned(),
                en: en.to_owned(),
            });
        };
        let secret = account.secrets.get("login_channel_secret").cloned().unwrap_or_default();
        if secret.0.is_empty() {
            problem(
                "login_channel_secret",
                "LINEログインのチャネルシークレットがありません。コンソールから写してください。",
                "is missing; copy the login channel's secret from the console.",
            );
        }
        let mut address = |name: &'static str, usual: &str| {
            let url = account.settings.get(name).map_or(usual, String::as_str);
            if !is_callable(url) {
                problem(
                    name,
                    "https:// で始まるアドレスにしてください。",
                    "must begin with https://.",
                );
            }
            url.trim_end_matches('/').to_owned()
        };
        let pages = address("login_url", "https://access.line.me");
        let api = address("api_url", "https://api.line.me");
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Some(Login {
            channel: channel.clone(),
            secret,
            pages,
            api,
        }))
    }

    /// The address that asks somebody to show LINE who they are.
    pub fn door(&self, back: &str, state: &str, nonce: &str, verifier: &str, auto: AutoLogin) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let query = super::query(&[
            ("response_type", "code"),
            ("client_id", &self.channel),
            ("redirect_uri", back),
            ("state", state),
            ("scope", "openid"),
            ("nonce", nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("bot_prompt", "aggressive"),
            ("disable_auto_login", auto.code()),
        ]);
        format!("{}/oauth2/v2.1/authorize?{query}", self.pages)
    }

    /// The user behind a code that came back from [`Login::door`].
    pub fn user_of_code(
        &self,
        code: &str,
        back: &str,
        nonce: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<String, LoginError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("client_id", &self.channel),
            ("client_secret", &self.secret.0),
            ("code_verifier", verifier),
        ];
        let url = format!("{}/oauth2/v2.1/token", self.api);
        let mut answer = agent(PATIENCE)
            .post(url)
            .send_form(form)
            .map_err(|_| LoginError::Unreachable)?;
        let status = answer.status().as_u16();
        if status >= 500 {
            return Err(LoginError::Unreachable);
        }
        if status != 200 {
            return Err(LoginError::Code(status));
        }
        let words = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let words = words.map_err(|_| LoginError::Unreachable)?;
        let token: TokenAnswer = serde_json::from_str(&words).map_err(|_| LoginError::Unreachable)?;
        let expected = Expected {
            audience: &self.channel,
            nonce: Some(nonce),
            now,
        };
        Ok(id_token::user(
            &token.id_token,
            &Key::Shared(&self.secret.0),
            &expected,
        )?)
    }

    /// The user behind an ID token that LINE gave to a page inside LINE (LIFF).
    pub fn user_of_token(&self, token: &str, now: Timestamp) -> Result<String, LoginError> {
        let expected = Expected {
            audience: &self.channel,
            nonce: None,
            now,
        };
        // Nobody makes us ask LINE with a token that cannot be right anyway.
        id_token::is_plausible(token, &expected)?;
        let url = format!("{}/oauth2/v2.1/certs", self.api);
        let mut answer = agent(PATIENCE).get(url).call().map_err(|_| LoginError::Unreachable)?;
        let words = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let words = words.map_err(|_| LoginError::Unreachable)?;
        let keys: Jwks = serde_json::from_str(&words).map_err(|_| LoginError::Unreachable)?;
        Ok(id_token::user(token, &Key::Published(&keys), &expected)?)
    }
}
