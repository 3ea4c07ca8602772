//! A running double, as a Rust program holds it.

use std::fmt::{self, Display};
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use axum::Router;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::api::{Flaw, liff, liff_id_token};
use crate::call::App;

use crate::messages::Rules;
use crate::model::{Chances, Delivery, Fault, Menu, NewChannel, Options, Receipt, Request, Traffic};
use crate::server;
use crate::state::{Friendship, Kept, State, UserId, Violation};
use crate::webhook::{self, Act, Job, Manner};
use crate::wire::{Port, Wire};

/// Threads that answer: as many as calls can be worked on at once on a small machine.
const WORKERS: usize = 2;

/// A running stand-in for LINE's servers on 127.0.0.1; it stops when it is dropped.
///
/// Methods that name a channel or a user which is not there panic: the test that asked is wrong.
pub struct Double {
    app: Arc<App>,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    runtime: Handle,
}

impl Double {
    /// Starts a double; fails where the port is taken.
    pub fn start(options: Options) -> io::Result<Double> {
        let state = State::new(&options).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let app = Arc::new(App {
            state: Mutex::new(state),
            rules: Rules {
                loopback_urls: options.loopback_urls,
            },
            keeps_requests: options.requests_max > 0,
            agent: webhook::agent(),
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            Port(tokio::net::TcpListener::from_std(listener)?)
        };
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&app);
        let thread = thread::Builder::new()
            .name("line-double".to_owned())
            .spawn(move || serve(runtime, listener, shared, stopped))?;
        Ok(Double {
            app,
            port,
            stop: Some(stop),
            thread: Some(thread),
            runtime: handle,
        })
    }

    /// `http://127.0.0.1:PORT`, which stands for api.line.me, api-data.line.me and access.line.me at once.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds a channel, or gives a known one new settings.
    pub fn add_channel(&self, channel: NewChannel) {
        must(self.app.state().add_channel(channel));
    }

    /// Adds a user whom a provider knows; a stranger to every channel still.
    pub fn add_user(&self, provider: &str, user_id: &str, name: &str) {
        must(self.app.state().add_user(provider, must(user_id.parse()), name));
    }

    /// The user adds the account as a friend; gives what its webhook answered, as all that people do.
    pub fn befriend(&self, channel: &str, user: &str) -> Vec<Delivery> {
        self.act(channel, user, Act::Befriend, Manner::default())
    }

    /// The user blocks the account.
    pub fn block(&self, channel: &str, user: &str) -> Vec<Delivery> {
        self.act(channel, user, Act::Block, Manner::default())
    }

    /// The user unblocks the account.
    pub fn unblock(&self, channel: &str, user: &str) -> Vec<Delivery> {
        self.act(channel, user, Act::Unblock, Manner::default())
    }

    /// The user writes a text.
    pub fn say(&self, channel: &str, user: &str, text: &str) -> Vec<Delivery> {
        self.act(channel, user, Act::Say(text.to_owned()), Manner::default())
    }

    /// The user taps something with a postback action.
    pub fn tap(&self, channel: &str, user: &str, data: &str) -> Vec<Delivery> {
        let act = Act::Tap {
            data: data.to_owned(),
            params: Value::Null,
        };
        self.act(channel, user, act, Manner::default())
    }

    /// The user does something, and the event is carried in a manner.
    pub fn act(&self, channel: &str, user: &str, act: Act, manner: Manner) -> Vec<Delivery> {
        let user = must(user.parse());
        let jobs = must(webhook::act(&mut self.app.state(), channel, Some(user), act, manner));
        self.carry(jobs)
    }

    /// Lets the channel's held events go: each for itself or all in one call, in their order or the reverse.
    pub fn release(&self, channel: &str, together: bool, reverse: bool) -> Vec<Delivery> {
        let jobs = must(webhook::release(&mut self.app.state(), channel, together, reverse));
        self.carry(jobs)
    }

    /// Sends events again whose endpoint failed, where redelivery is switched on.
    pub fn redeliver(&self, channel: &str) -> Vec<Delivery> {
        let jobs = must(webhook::redeliver(&mut self.app.state(), channel));
        self.carry(jobs)
    }

    /// Switches redelivery of webhooks on or off, as the owner does in LINE's console.
    pub fn redelivery(&self, channel: &str, on: bool) {
        must(self.app.state().channel(channel)).webhook.redelivery = on;
    }

    /// Calls of webhooks with what was answered, the oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.app.state().mailbag.deliveries.iter().cloned().collect()
    }

    /// Waits for the calls without entering the runtime, so that a test with a runtime of its own may wait too.
    fn carry(&self, jobs: Vec<Job>) -> Vec<Delivery> {
        let (tell, told) = mpsc::channel();
        let app = Arc::clone(&self.app);
        self.runtime.spawn(async move {
            // Nobody listens any more where the test has ended.
            let _ = tell.send(webhook::carry(&app, jobs).await);
        });
        told.recv().unwrap_or_default()
    }

    /// The user adds the account as a friend, without a webhook.
    pub fn befriend_quietly(&self, channel: &str, user: &str) {
        self.set_friendship(channel, user, Friendship::Friend);
    }

    /// The user blocks the account, without a webhook.
    pub fn block_quietly(&self, channel: &str, user: &str) {
        self.set_friendship(channel, user, Friendship::Blocked);
    }

    /// The user unblocks the account, without a webhook.
    pub fn unblock_quietly(&self, channel: &str, user: &str) {
        self.set_friendship(channel, user, Friendship::Friend);
    }

    fn set_friendship(&self, channel: &str, user: &str, friendship: Friendship) {
        must(self.app.state().befriend(channel, must(user.parse()), friendship));
    }

    /// Lets a fault strike calls to come.
    pub fn script(&self, fault: Fault) {
        must(self.app.state().script(fault));
    }

    /// Lets random faults strike the sending endpoints; `Chances::default()` ends them.
    pub fn chances(&self, chances: Chances) {
        self.app.state().chances = Some(chances);
    }

    /// Moves the clock ahead.
    pub fn advance(&self, by: SignedDuration) {
        self.app.state().clock.advance(by);
    }

    /// Switches LINE's rate limits on or off.
    pub fn rate_limits(&self, on: bool) {
        self.app.state().rate_limits = on;
    }

    /// Holds back recipients from a channel's monthly quota, as sends of the account's owner do.
    pub fn reserve(&self, channel: &str, recipients: u64) {
        must(self.app.state().channel(channel)).reserved = recipients;
    }

    /// What came to phones, the oldest first.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.app.state().receipts.iter().map(Kept::to_receipt).collect()
    }

    /// What came to one user's phone, the oldest first.
    pub fn receipts_of(&self, user: &str) -> Vec<Receipt> {
        let user: UserId = must(user.parse());
        let state = self.app.state();
        let of_user = state.receipts.iter().filter(|kept| kept.user == user);
        of_user.map(Kept::to_receipt).collect()
    }

    /// All receipts that ever came, counted even where they are not kept.
    pub fn receipts_counted(&self) -> u64 {
        self.app.state().receipts.count
    }

    /// Requests to LINE's own paths, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.app.state().requests.all()
    }

    /// Breaches of the rules that LINE would not report.
    pub fn violations(&self) -> Vec<Violation> {
        self.app.state().violations.iter().cloned().collect()
    }

    /// How busy each endpoint was, with its busiest second.
    pub fn traffic(&self) -> Vec<Traffic> {
        self.app.state().traffic()
    }

    /// The rich menu that a user sees: their own, or else the channel's default.
    pub fn menu_of(&self, channel: &str, user: &str) -> Option<String> {
        let mut state = self.app.state();
        let now = state.clock.now();
        must(state.channel(channel)).menus.seen(must(user.parse()), now)
    }

    /// The channel's rich menus, in the order of their ids.
    pub fn menus(&self, channel: &str) -> Vec<Menu> {
        let mut state = self.app.state();
        let now = state.clock.now();
        must(state.channel(channel)).menus.list(now)
    }

    /// Registers the callback URLs of a LINE Login channel; while there is none, all are taken.
    pub fn callbacks(&self, channel: &str, urls: &[&str]) {
        must(self.app.state().channel(channel)).callbacks = urls.iter().map(|url| (*url).to_owned()).collect();
    }

    /// Adds a LIFF app to a login channel: a page that LINE opens inside itself.
    pub fn add_liff(&self, channel: &str, id: &str, endpoint: &str) {
        must(liff::add_app(&mut self.app.state(), channel, id, endpoint));
    }

    /// The address that LINE opens inside itself for a user who pressed `https://liff.line.me/{id}{behind}`, with what
    /// it hands over to the page: an ID token, or a wrong one.
    pub fn open_liff(&self, id: &str, user: &str, behind: &str, flaw: Option<Flaw>) -> String {
        must(liff::open(&mut self.app.state(), id, must(user.parse()), behind, flaw))
    }

    /// Names who signs in at LINE Login without being asked.
    pub fn current_user(&self, provider: &str, user: &str) {
        must(self.app.state().set_current(provider, Some(must(user.parse()))));
    }

    /// An ID token as LIFF gives one to a page of a LINE Login channel, or a wrong one.
    pub fn id_token(&self, channel: &str, user: &str, nonce: Option<&str>, flaw: Option<Flaw>) -> String {
        must(liff_id_token(
            &mut self.app.state(),
            channel,
            must(user.parse()),
            nonce,
            flaw,
        ))
    }

    /// Replaces the key of ID tokens; tokens of the one before are still good.
    pub fn rotate_keys(&self) {
        must(self.app.state().rotate_keys());
    }

    /// How long changes of many users' menus take to show after they were accepted.
    pub fn menu_delay(&self, channel: &str, delay: SignedDuration) {
        must(self.app.state().channel(channel)).menus.delay = delay;
    }

    /// Recipients counted for a channel in this month: replies are free, whoever is not reached is not counted.
    pub fn billed(&self, channel: &str) -> u64 {
        let mut state = self.app.state();
        let now = state.clock.now();
        must(state.channel(channel)).billed(now)
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Double")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the server has already failed the calls that it answered.
            let _ = thread.join();
        }
    }
}

/// Answers until the other end of `stopped` is dropped; calls that are still open are broken off.
fn serve(runtime: Runtime, listener: Port, app: Arc<App>, stopped: oneshot::Receiver<()>) {
    let router = Router::new().fallback(server::serve).with_state(app);
    let service = router.into_make_service_with_connect_info::<Wire>();
    runtime.block_on(async {
        tokio::select! {
            _ = axum::serve(listener, service).into_future() => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}

fn must<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("the double cannot do this: {error}"))
}
