//! What a tab has done and what went wrong in it, gathered from the browser's events.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::browser::Event;

/// Where requests go that are not for the page's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lead {
    /// To this beginning of an address.
    To(String),
    /// To nobody.
    Nowhere,
}

/// The record of one tab.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The only hosts that may be asked.
    pub(crate) hosts: Vec<String>,
    /// Beginnings of addresses elsewhere that are led to a stand-in, or to nobody.
    pub(crate) led: Vec<(String, Lead)>,
    /// Requests that are led to nobody and may fail.
    refused: BTreeSet<String>,
    /// Documents that were loaded to the end, and jumps within one.
    pub(crate) arrivals: usize,
    /// Loaders whose document is loaded to the end.
    pub(crate) loaded: BTreeSet<String>,
    /// Status of the newest document.
    pub(crate) status: u16,
    /// The document that is shown: its address without a fragment, its status, its loader.
    pub(crate) shown: (String, u16, String),
    /// Loader of the newest document, and the name of the request that brought it.
    pub(crate) loader: String,
    /// Requests under way for the newest document.
    pub(crate) open: BTreeSet<String>,
    /// Bytes that came for the newest document and all it needs, headers and redirects included, as sent.
    pub(crate) weight: u64,
    /// What nobody should see: requests elsewhere, failures, errors of the console, broken policies.
    pub(crate) troubles: Vec<String>,
    /// Requests of which the answer has begun.
    answered: BTreeSet<String>,
    /// True while a request may be cut off because another press followed.
    pub(crate) impatient: bool,
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl Record {
    pub(crate) fn new(host: &str) -> Record {
        Record {
            hosts: vec![host.to_owned()],
            ..Record::default()
        }
    }

    /// Writes one event down.
    pub(crate) fn note(&mut self, event: &Event) {
        let params = &event.params;
        let id = || text(params, "requestId").to_owned();
        match event.method.as_str() {
            "Network.requestWillBeSent" => self.asked(params),
            "Network.responseReceived" => {
                self.answered.insert(id());
                let status = params["response"]["status"].as_u64().unwrap_or_default() as u16;
                if text(params, "type") == "Document" {
                    self.status = status;
                } else if status >= 400 {
                    let url = text(&params["response"], "url");
                    self.troubles.push(format!("{status} for {url}"));
                }
            }
            "Network.loadingFinished" if self.open.remove(&id()) => {
                self.weight += params["encodedDataLength"].as_f64().unwrap_or_default() as u64;
            }
            "Network.loadingFailed" => {
                self.open.remove(&id());
                let is_meant = self.refused.remove(&id());
                // A script that has its answer may lead on to the next page before the end of it.
                let may_end = self.impatient || self.answered.contains(&id());
                let cut_off = params["canceled"].as_bool() == Some(true) && may_end;
                if !cut_off && !is_meant {
                    self.troubles
                        .push(format!("a request failed: {}", text(params, "errorText")));
                }
            }
            "Page.lifecycleEvent" if text(params, "name") == "load" => {
                let is_new = self.loaded.insert(text(params, "loaderId").to_owned());
                self.arrivals += usize::from(is_new);
            }
            "Page.navigatedWithinDocument" => self.arrivals += 1,
            "Page.frameNavigated" if params["frame"]["parentId"].is_null() => {
                let frame = &params["frame"];
                let (url, loader) = (text(frame, "url").to_owned(), text(frame, "loaderId").to_owned());
                self.shown = (url, self.status, loader);
                if text(params, "type") == "BackForwardCacheRestore" {
                    self.arrivals += 1;
                }
            }
            "Runtime.exceptionThrown" => self.troubles.push(format!("a script failed: {params}")),
            "Runtime.consoleAPICalled" if matches!(text(params, "type"), "error" | "assert" | "warning") => {
                self.troubles.push(format!("the console says {}", params["args"]));
            }
            "Log.entryAdded" => {
                let entry = &params["entry"];
                // Answers are judged by their requests above: a page may well come with 422.
                let is_bad = matches!(text(entry, "level"), "error" | "warning") && text(entry, "source") != "network";
                if is_bad {
                    self.troubles
                        .push(format!("{}: {}", text(entry, "source"), text(entry, "text")));
                }
            }
            "Audits.issueAdded" => {
                let code = text(&params["issue"], "code");
                if code == "ContentSecurityPolicyIssue" {
                    self.troubles.push(format!("the policy is broken: {params}"));
                }
            }
            _ => {}
        }
    }

    /// Where a request for an address is led.
    pub(crate) fn lead(&self, url: &str) -> Option<Lead> {
        let found = self.led.iter().find(|(beginning, _)| url.starts_with(beginning))?;
        Some(match &found.1 {
            Lead::To(to) => Lead::To(url.replacen(&found.0, to, 1)),
            Lead::Nowhere => Lead::Nowhere,
        })
    }

    fn asked(&mut self, params: &Value) {
        let id = text(params, "requestId");
        let url = text(&params["request"], "url");
        let redirected = &params["redirectResponse"];
        if id == text(params, "loaderId") && redirected.is_null() {
            id.clone_into(&mut self.loader);
            // What the page before still waited for is given up, and Chromium does not always say so.
            self.open.clear();
            self.weight = 0;
        }
        self.weight += redirected["encodedDataLength"].as_f64().unwrap_or_default() as u64;
        if url.starts_with("data:") {
            return;
        }
        let is_ours = |host: &String| url.starts_with(&format!("http://{host}/"));
        match self.lead(url) {
            Some(Lead::Nowhere) => {
                self.refused.insert(id.to_owned());
            }
            Some(Lead::To(_)) => {}
            None if self.hosts.iter().any(is_ours) => {}
            None => self.troubles.push(format!("a request to somebody else: {url}")),
        }
        // The page before may ask for its icon when it is gone already.
        if text(params, "loaderId") == self.loader {
            self.open.insert(id.to_owned());
        }
    }
}
