//! Captures of nginx and wrk on loopback, recorded by tcpdump.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::process::{Process, free_port, requests, said, wait};

/// A capture.
pub(super) struct Recorded {
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
    pub(super) exchanges: usize,
}

/// Requests with tokens of 600 bytes, of which one in ten is refused.
pub(super) fn small(folder: &Path, exchanges: usize) -> Result<Recorded, String> {
    record(folder, "small", "/orders", exchanges, 45)
}

/// Requests for bodies of 1 MiB.
pub(super) fn large(folder: &Path, bodies: usize) -> Result<Recorded, String> {
    let file = folder.join("large");
    fs::write(&file, vec![b'x'; 1 << 20])
        .map_err(|error| format!("{}: {error}", file.display()))?;
    record(folder, "bodies", "/large", bodies, 15)
}

/// How many tokens differ, and how long each is.
const TOKENS: usize = 5000;
const LENGTH: usize = 600;
/// The header of tokens that are refused, and of the others.
const HEADERS: [&str; 2] = [
    r#"{"alg":"RS256","typ":"JWT","kid":"refused"}"#,
    r#"{"alg":"RS256","typ":"JWT","kid":"taken"}"#,
];

/// Records until so many exchanges were made, for so many seconds at most.
fn record(
    folder: &Path,
    name: &str,
    path: &str,
    count: usize,
    seconds: u64,
) -> Result<Recorded, String> {
    let port = free_port()?;
    let prefix = folder.display().to_string();
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok::<_, String>(file)
    };
    let configuration = include_str!("nginx.conf")
        .replace("{PREFIX}", &prefix)
        .replace("{PORT}", &port.to_string())
        .replace("{REFUSED}", &URL_SAFE_NO_PAD.encode(HEADERS[0]));
    let configuration = write("nginx.conf", configuration)?;
    let tokens: Vec<String> = (0..TOKENS).map(token).collect();
    let tokens = write("tokens", tokens.join("\n"))?;
    let script = include_str!("requests.lua")
        .replace("{TOKENS}", &tokens.display().to_string())
        .replace("{PATH}", path)
        .replace("{COUNT}", &count.to_string());
    let script = write("requests.lua", script)?;

    let mut nginx = Command::new("nginx");
    nginx.args(["-p", &prefix, "-c"]).arg(configuration);
    let _nginx = Process::start(&mut nginx, "TERM")?;
    wait("nginx", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    let file = folder.join(format!("{name}.pcap"));
    let mut tcpdump = Command::new("tcpdump");
    tcpdump
        .args(["-Z", "root", "-i", "lo", "-s", "0", "-B", "262144", "-w"])
        .arg(&file)
        .arg(format!("tcp port {port}"));
    let recorder = Process::start(&mut tcpdump, "INT")?;
    wait("tcpdump", || file.is_file())?;
    // The file is there a moment before the first packet is taken.
    thread::sleep(Duration::from_millis(500));
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads=1", "--connections=16", "--script"])
        .arg(script)
        .arg(format!("--duration={seconds}s"))
        .arg(format!("http://127.0.0.1:{port}/"));
    let said = said(&mut wrk)?;
    thread::sleep(Duration::from_secs(1));
    drop(recorder);
    let exchanges =
        requests(&said).ok_or_else(|| format!("wrk said something else than it does: {said}"))?;
    let bytes = fs::metadata(&file)
        .map_err(|error| format!("{}: {error}", file.display()))?
        .len();
    Ok(Recorded {
        file,
        bytes,
        exchanges,
    })
}

/// A token of its own; the first of ten is refused.
fn token(number: usize) -> String {
    let refused = number.is_multiple_of(10);
    let header = URL_SAFE_NO_PAD.encode(HEADERS[usize::from(!refused)]);
    let expires = if refused {
        1_700_000_000
    } else {
        4_000_000_000_u64
    };
    let claims = |filling: usize| {
        URL_SAFE_NO_PAD.encode(format!(
            r#"{{"iss":"https://issuer.bench.test","aud":"bench","sub":"user-{number}","exp":{expires},"groups":"{}"}}"#,
            "g".repeat(filling)
        ))
    };
    // The rest of it, and a signature that no key made.
    let signature = number.to_be_bytes().repeat(32);
    let signature = URL_SAFE_NO_PAD.encode(signature);
    let room = LENGTH.saturating_sub(header.len() + signature.len() + 2);
    let filling =
        (room * 3 / 4).saturating_sub(URL_SAFE_NO_PAD.decode(claims(0)).map_or(0, |it| it.len()));
    format!("{header}.{}.{signature}", claims(filling))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tokens_differ_and_are_about_600_bytes_long() {
        let tokens: BTreeSet<String> = (0..TOKENS).map(token).collect();
        assert_eq!(tokens.len(), TOKENS);
        assert!(
            tokens
                .iter()
                .all(|token| (590..=602).contains(&token.len()))
        );
    }
}
