//! The connection below HTTP, so that faults of the network can be played: resets, endings within a body, single bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// Pause after the system had no connection to give, for example because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What is done to the bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Effect {
    None = 0,
    Reset,
    Close,
    ResetMidBody,
    Drip,
}

/// A handle with which the maker of an answer disturbs its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Disturbance>);

#[derive(Debug, Default)]
struct Disturbance {
    effect: AtomicU8,
    pause_ms: AtomicU64,
}

impl Wire {
    /// The connection carries bytes as they are.
    pub(crate) fn leave_alone(&self) {
        self.set(Effect::None);
    }

    /// The next byte resets the connection.
    pub(crate) fn reset(&self) {
        self.set(Effect::Reset);
    }

    /// The next byte closes the connection.
    pub(crate) fn close(&self) {
        self.set(Effect::Close);
    }

    /// The connection is reset when half of the body has gone.
    pub(crate) fn reset_mid_body(&self) {
        self.set(Effect::ResetMidBody);
    }

    /// Bytes go one at a time with a pause in between.
    pub(crate) fn drip(&self, pause_ms: u64) {
        self.0.pause_ms.store(pause_ms, Ordering::Relaxed);
        self.set(Effect::Drip);
    }

    fn set(&self, effect: Effect) {
        self.0.effect.store(effect as u8, Ordering::Relaxed);
    }

    fn effect(&self) -> Effect {
        let effect = self.0.effect.load(Ordering::Relaxed);
        [Effect::Reset, Effect::Close, Effect::ResetMidBody, Effect::Drip]
            .into_iter()
            .find(|known| *known as u8 == effect)
            .unwrap_or(Effect::None)
    }
}

impl Connected<IncomingStream<'_, Port>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Wire {
        stream.io().wire.clone()
    }
}

/// The listening port.
#[derive(Debug)]
pub(crate) struct Port(pub(crate) TcpListener);

impl Listener for Port {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    // Without it a small answer may wait for the client's acknowledgement; nothing else depends on it.
                    let _ = stream.set_nodelay(true);
                    return (Socket::new(stream), address);
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection with its disturbance.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Wire,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    fn new(stream: TcpStream) -> Socket {
        Socket {
            stream,
            wire: Wire::default(),
            pause: None,
        }
    }

    fn broken(&self, effect: Effect) -> Poll<io::Result<usize>> {
        if effect == Effect::Reset {
            // Dropping the stream then sends RST instead of FIN.
            let _ = self.stream.set_zero_linger();
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn write_disturbed(&mut self, cx: &mut Context<'_>, effect: Effect, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match effect {
            Effect::None => Pin::new(&mut self.stream).poll_write(cx, bytes),
            Effect::Reset | Effect::Close => self.broken(effect),
            Effect::ResetMidBody => {
                let head = bytes
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .map_or(0, |at| at + 4);
                let rest = bytes.len().saturating_sub(head);
                let part = bytes.get(..head + rest / 2).unwrap_or_default();
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
                if rest > 0 {
                    self.wire.reset();
                }
                Poll::Ready(Ok(written))
            }
            Effect::Drip => {
                if let Some(pause) = self.pause.as_mut() {
                    ready!(pause.as_mut().poll(cx));
                    self.pause = None;
                }
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes.get(..1).unwrap_or_default()))?;
                let pause = self.wire.0.pause_ms.load(Ordering::Relaxed);
                self.pause = Some(Box::pin(sleep(Duration::from_millis(pause))));
                Poll::Ready(Ok(written))
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let effect = self.wire.effect();
        self.write_disturbed(cx, effect, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let effect = self.wire.effect();
        if effect == Effect::None {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.write_disturbed(cx, effect, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
