//! One client's socket, as hyper sees it.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use super::{
    framing::{Framing, Stage},
    pulse::Pulse,
};

/// How much is read at once while it passes through [`Framing`], in bytes.
const PIECE_BYTES: usize = 8 * 1024;
/// How much a client may still send that is thrown away, in bytes.
const MAX_LINGER_BYTES: usize = 1024 * 1024;

/// A socket that lets only well-formed HTTP/1 through, reports to the connection's [`Pulse`], and does
/// not end before the client could read the last answer.
pub(super) struct Wire {
    stream: TcpStream,
    framing: Framing,
    pulse: Arc<Pulse>,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Wire {
    pub fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        // Small answers go out at once; what a client does not acknowledge is not kept for ever. Without
        // either the service works, only worse.
        let _ = stream.set_nodelay(true);
        let patience = u32::try_from(pulse.limits().write_window.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, patience);
        Self { stream, framing: Framing::new(), pulse, linger: None }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(count)) => self.pulse.wrote(*count, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pulse.block(Instant::now()),
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.pulse.is_overdue() {
            // Whatever the client has not taken by now, the system is not to keep for it.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let ready = this.framing.ready();
            if !ready.is_empty() {
                let count = ready.len().min(buf.remaining());
                buf.put_slice(&ready[..count]);
                this.framing.pass(count);
                return Poll::Ready(Ok(()));
            }
            match this.framing.stage() {
                // Nothing more is read; the answer to the stand-in ends the connection. An end of the
                // stream would look as if the client had gone and wanted no answer.
                Stage::Refused => return Poll::Pending,
                Stage::Broken => return Poll::Ready(Ok(())),
                Stage::Http2 => return Pin::new(&mut this.stream).poll_read(cx, buf),
                Stage::Head | Stage::Between | Stage::Body => {}
            }
            let mut space = [const { MaybeUninit::uninit() }; PIECE_BYTES];
            let mut piece = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.framing.feed(piece.filled());
            this.pulse.read(&this.framing, Instant::now());
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends our part, and waits a while for the client to end its own.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (sleep, left) = match &mut this.linger {
            Some(linger) => linger,
            linger => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                let until = Instant::now() + this.pulse.limits().linger;
                linger.insert((Box::pin(tokio::time::sleep_until(until)), MAX_LINGER_BYTES))
            }
        };
        loop {
            let mut space = [0; PIECE_BYTES];
            let mut piece = ReadBuf::new(&mut space);
            match Pin::new(&mut this.stream).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() && piece.filled().len() <= *left => {
                    *left -= piece.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return sleep.as_mut().poll(cx).map(Ok),
            }
        }
    }
}
