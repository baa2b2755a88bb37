//! Sends a request, and reads the answer as it came.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use observer_tests::limits::limit;

use crate::requests::Field;

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What of it may say why: the challenges, a line each, and the body.
    pub words: String,
}

/// Sends one request on a connection of its own.
///
/// # Errors
/// When there is no whole answer to it.
pub fn send(port: u16, path: &str, field: &Field) -> Result<Answer, String> {
    let failed = |error: std::io::Error| format!("127.0.0.1:{port}{path}: {error}");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    if let Field::Value(value) = field {
        request.push_str(&format!("Authorization: {value}\r\n"));
    }
    request.push_str("Connection: close\r\n\r\n");
    read(&exchange(stream, &request).map_err(failed)?)
        .ok_or_else(|| format!("127.0.0.1:{port}{path}: no answer of HTTP/1.1"))
}

/// Writes a request that is the last of its connection, and reads what comes until that ends.
///
/// # Errors
/// When the connection fails before.
pub fn exchange(mut stream: TcpStream, request: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(limit(Duration::from_secs(20))))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut words = String::new();
    let mut body = body.to_owned();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("www-authenticate") {
            words.push_str(value.trim());
            words.push('\n');
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.contains("chunked") {
            body = unchunked(&body)?;
        }
    }
    words.push_str(body.trim());
    Some(Answer {
        status,
        words: words.trim().replace('\r', ""),
    })
}

/// RFC 9112 section 7.1.
fn unchunked(text: &str) -> Option<String> {
    let (mut body, mut rest) = (String::new(), text);
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let text = "HTTP/1.1 401 Unauthorized\r\nDate: x\r\nwww-authenticate: Bearer\r\n\r\nno\n";
        let answer = read(text);
        let answer = answer.map(|answer| (answer.status, answer.words));
        assert_eq!(answer, Some((401, "Bearer\nno".to_owned())));
        assert!(read("HTTP/1.1 401").is_none());
        assert_eq!(unchunked("3\r\nno\n\r\n0\r\n\r\n"), Some("no\n".to_owned()));
    }
}
