//! The pages on a socket: a runtime of its own, bounded in connections, time and what may wait.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

use crate::routes::router;
use crate::{Peer, Site};

/// Connections at the same time: above it the kernel's queue waits.
const CONNECTIONS_MAX: usize = 1_024;
/// Threads that wait for the database.
const WAITING_MAX: usize = 32;
/// A client that says nothing and takes nothing for this long is let go.
const SILENCE: Duration = Duration::from_secs(75);
/// Requests that are being answered when the server is stopped get this long.
const FAREWELL: Duration = Duration::from_secs(10);
/// Pause after a connection could not be taken, for instance because files ran out.
const BREATH: Duration = Duration::from_millis(200);

/// Serves the site on `listener` until `stopped` is ready; returns when the last answer has left.
pub fn serve(
    site: Arc<Site>,
    listener: std::net::TcpListener,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(WAITING_MAX)
        .thread_name("kizuna-web")
        .enable_all()
        .build()?;
    // Kept here so that the database is closed on this thread and not inside the runtime.
    let kept = Arc::clone(&site);
    let result = runtime.block_on(until_stopped(site, listener, stopped));
    runtime.shutdown_timeout(FAREWELL);
    drop(kept);
    result
}

async fn until_stopped(
    site: Arc<Site>,
    listener: std::net::TcpListener,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let door = Door {
        listener: TcpListener::from_std(listener)?,
        room: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
    };
    let (told, mut heard) = tokio::sync::watch::channel(false);
    let server = axum::serve(door, router(site).into_make_service_with_connect_info::<Peer>()).with_graceful_shutdown(
        async move {
            stopped.await;
            told.send_replace(true);
        },
    );
    let late = async move {
        // An error means that the server ended by itself.
        if heard.wait_for(|stopped| *stopped).await.is_ok() {
            tokio::time::sleep(FAREWELL).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = server => result,
        () = late => Ok(()),
    }
}

/// Takes connections while there is room.
struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.room).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    // Without it a small answer waits for the client's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let patience = Box::pin(tokio::time::sleep(SILENCE));
                    return (
                        Guest {
                            stream,
                            patience,
                            _place: place,
                        },
                        from,
                    );
                }
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "a connection could not be taken");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Peer {
        Peer(*stream.remote_addr())
    }
}

/// A connection that ends when nothing happens on it for [`SILENCE`].
struct Guest {
    stream: TcpStream,
    patience: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// Passes on what the stream says; where it waits too long, an error.
    fn patiently<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            // The runtime's own clock: it decides nothing but when to hang up.
            self.patience.as_mut().reset(Instant::now() + SILENCE);
            return poll;
        }
        ready!(self.patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.patiently(cx, poll)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.patiently(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
