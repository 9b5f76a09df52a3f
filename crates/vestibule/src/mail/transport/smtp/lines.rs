//! A connection that is read one line at a time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// Gives out no more than the rest of a line at a time.
///
/// Whoever reads answers from it has nothing in hand behind the end of the one to STARTTLS:
/// what somebody in between put there comes next, is taken for the other side's part of the
/// handshake, and ends it. It is never an answer to what is asked inside of the encryption,
/// however much of it there is and whenever it comes.
#[derive(Debug)]
pub(super) struct Lines(BufReader<TcpStream>);

impl Lines {
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        Ok(Self(BufReader::new(stream)))
    }
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let there = ready!(Pin::new(&mut self.0).poll_fill_buf(cx))?;
        let line = match there.iter().position(|byte| *byte == b'\n') {
            Some(end) => &there[..=end],
            None => there,
        };
        let length = line.len().min(into.remaining());
        into.put_slice(&line[..length]);
        Pin::new(&mut self.0).consume(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Lines {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }
}
