//! `observer explain`: what a token is, and what is wrong with it.

mod report;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use httparse::Header;
use zeroize::Zeroizing;

use super::{Error, options};
use crate::credential::Inspector;
use crate::time::Timestamp;
use crate::verdict::{Expectation, examine, lints};
use report::Report;

/// The longest input that is read, in bytes.
const MAX_INPUT: usize = 256 * 1024;

/// Say what a token is and what is wrong with it.
///
/// The token is read from standard input, never from an argument, which other users could see. A whole
/// line is fine, too: `Authorization: Bearer eyJ...`.
///
/// What it should not be though nobody may mind is told, too, and is not wrong: see docs/lints.md.
///
/// The exit code is 0 when nothing is wrong with it, 1 when something is (or when it cannot be read),
/// and 2 when the arguments are wrong.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Check the signatures of an issuer's tokens against a key set, the document of its jwks_uri: a file, or
    /// a URL, which is fetched; an issuer alone: as its discovery document says. Repeatable
    #[arg(long = "jwks", value_name = "ISSUER=FILE|URL")]
    key_sets: Vec<String>,
    /// Fetch keys without encryption from other hosts, too
    #[arg(long)]
    keys_in_clear: bool,
    /// Check the HMAC of an issuer's tokens with a secret: the bytes of a file. Repeatable
    #[arg(long = "hmac-secret", value_name = "ISSUER=FILE")]
    secrets: Vec<String>,
    /// Show this claim too, not only its name. Repeatable
    #[arg(long = "show-claim", value_name = "NAME", value_delimiter = ',')]
    claims: Vec<String>,
    /// The key of the fingerprints: 32 bytes or more. With that of your events, the fingerprint finds
    /// the token in them
    #[arg(long, value_name = "FILE")]
    fingerprint_key: Option<PathBuf>,
    /// Judge the token at this time: RFC 3339 (2026-03-01T15:17:04Z) or seconds since 1970
    /// [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// An audience that the service takes. Repeatable
    #[arg(long, value_name = "AUDIENCE")]
    aud: Vec<String>,
    /// An issuer that the service trusts. Repeatable
    #[arg(long, value_name = "ISSUER")]
    iss: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<(), Error> {
    let has_keys = !args.key_sets.is_empty();
    let has_fingerprint_key = args.fingerprint_key.is_some();
    let (remotes, key_sets) = options::remotes(args.key_sets, &[]);
    let policy = options::policy(&key_sets, &args.secrets, args.fingerprint_key, args.claims)?;
    options::fetch(options::fetcher(
        remotes,
        args.keys_in_clear,
        policy.fetched(),
    ))?;
    let input = read()?;
    let value = field_value(&input).ok_or_else(|| {
        Error::Failed(
            "there is no token on standard input: give it a token or an Authorization field, for \
             example `observer explain < token.txt`"
                .to_owned(),
        )
    })?;
    let fields = [Header {
        name: "authorization",
        value: &value,
    }];
    let credential = Inspector::new(Arc::new(policy))
        .inspect(&fields, false)
        .ok_or_else(|| Error::Failed("the token could not be looked at".to_owned()))?;
    let (time, moment) = match args.at {
        Some(time) => (time, "that time"),
        None => (now(), "now"),
    };
    let expected = Expectation {
        issuer: args.iss,
        audience: args.aud,
    };
    let problems = examine(&credential, time, moment, Some(&expected));
    let report = Report {
        credential: &credential,
        problems: &problems,
        lints: &lints(&credential),
        time,
        moment,
        has_keys,
        has_fingerprint_key,
    };
    let text = if args.json {
        report.json()
    } else {
        report.text()
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::Failed(format!("cannot write to standard output: {error}")))?;
    match problems.len() {
        0 => Ok(()),
        1 => Err(Error::Failed("one thing is wrong with it".to_owned())),
        count => Err(Error::Failed(format!("{count} things are wrong with it"))),
    }
}

fn read() -> Result<Zeroizing<Vec<u8>>, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        eprintln!("Paste a token or an Authorization field, then press Enter and Ctrl-D:");
    }
    // As large as it will get, so that no copy of the token is left where it grew from; and the
    // descriptor itself, because the buffer of `Stdin` would keep one.
    let mut input = Zeroizing::new(vec![0; MAX_INPUT + 1]);
    let mut length = 0;
    while let Some(room) = input.get_mut(length..).filter(|room| !room.is_empty()) {
        match rustix::io::read(&stdin, room) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(Error::Failed(format!(
                    "cannot read standard input: {error}"
                )));
            }
        }
    }
    if length > MAX_INPUT {
        return Err(Error::Failed(
            "standard input has more than 256 KiB, which is no token: give it one token".to_owned(),
        ));
    }
    input.truncate(length);
    Ok(input)
}

/// The value of the Authorization field that the input stands for. `None` when there is none.
fn field_value(input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = input.trim_ascii();
    // As `curl -v` prints it.
    let text = text.strip_prefix(b"> ").unwrap_or(text);
    let name = b"authorization:";
    let (start, rest) = text.split_at_checked(name.len()).unwrap_or((&[], text));
    if start.eq_ignore_ascii_case(name) {
        return Some(Zeroizing::new(rest.trim_ascii().to_vec()));
    }
    let is_bare = !text.iter().any(u8::is_ascii_whitespace);
    let is_scheme = [&b"bearer"[..], b"basic"]
        .iter()
        .any(|scheme| text.eq_ignore_ascii_case(scheme));
    match text {
        [] => None,
        token if is_bare && !is_scheme => Some(Zeroizing::new([b"Bearer ", token].concat())),
        value => Some(Zeroizing::new(value.to_vec())),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(Timestamp::from_seconds(seconds));
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        "want RFC 3339 with a zone, for example 2026-03-01T15:17:04Z, or seconds since 1970"
            .to_owned()
    })?;
    i64::try_from(time.as_nanosecond())
        .map(Timestamp::from_nanos)
        .map_err(|_| "want a time between the years 1678 and 2262".to_owned())
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_token_a_value_or_a_whole_line() {
        for (input, want) in [
            ("abc\n", Some("Bearer abc")),
            ("Bearer abc", Some("Bearer abc")),
            ("Authorization: Bearer abc\r\n", Some("Bearer abc")),
            ("> authorization:Basic dTpw", Some("Basic dTpw")),
            ("Bearer", Some("Bearer")),
            ("Authorization:", Some("")),
            (" \n", None),
            ("", None),
        ] {
            let got = field_value(input.as_bytes());
            assert_eq!(
                got.as_ref().map(|value| value.as_slice()),
                want.map(str::as_bytes),
                "{input}"
            );
        }
    }

    #[test]
    fn a_time_is_a_date_or_seconds() {
        let want = Timestamp::from_seconds(1_772_378_224);
        assert_eq!(time("1772378224"), Ok(want));
        assert_eq!(time("2026-03-01T15:17:04Z"), Ok(want));
        assert!(time("yesterday").is_err());
        assert!(time("9999-01-01T00:00:00Z").is_err());
    }
}
