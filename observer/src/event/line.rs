//! An event as a line of JSON, with what repeats written once.
//!
//! Requests, credentials and verdicts are shared by all events that have the same, and take nearly all of
//! a line. What was written of them is kept with them, so that no other comes to lie at their address.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use serde::Serialize;

use crate::credential::{Credential, MAX_REMEMBERED};
use crate::recent::Recent;
use crate::time::Timestamp;
use crate::verdict::Verdict;

use super::{ConnectionPart, Event, GrantPart, RequestPart, credential, verdict};

/// Writes events as serde would.
pub struct Lines {
    connections: LruCache<ConnectionPart, Box<[u8]>>,
    requests: Known<RequestPart>,
    credentials: Known<Credential>,
    verdicts: Known<Verdict>,
    moment: Moment,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            connections: LruCache::sparse(CONNECTIONS),
            requests: Known::new(REQUESTS),
            credentials: Known::new(CREDENTIALS),
            verdicts: Known::new(VERDICTS),
            moment: Moment::default(),
        }
    }
}

impl Lines {
    /// Adds an event to `line`.
    ///
    /// # Errors
    /// None that a vector or a field of an event could give.
    pub fn write(&mut self, event: &Event, line: &mut Vec<u8>) -> serde_json::Result<()> {
        line.extend_from_slice(br#"{"schema":""#);
        line.extend_from_slice(event.schema.as_bytes());
        line.extend_from_slice(br#"","time":""#);
        self.moment.write(event.time, line);
        line.extend_from_slice(br#"","side":""#);
        line.extend_from_slice(event.side.id().as_bytes());
        line.extend_from_slice(br#"","service":"#);
        serde_json::to_writer(&mut *line, &*event.service)?;
        line.extend_from_slice(br#","connection":"#);
        self.connection(&event.connection, line)?;
        member("process", event.process.as_ref(), line)?;
        member("container", event.container.as_ref(), line)?;
        member("unit", event.unit.as_ref(), line)?;
        if let Some(request) = &event.request {
            line.extend_from_slice(br#","request":"#);
            self.requests.write(request, line, |request, to| {
                request.serialize(&mut serde_json::Serializer::new(to))
            })?;
        }
        member("response", event.response.as_ref(), line)?;
        if let Some(shown) = &event.credential {
            line.extend_from_slice(br#","credential":"#);
            self.credential(shown, line)?;
        }
        if !event.other_credentials.is_empty() {
            line.extend_from_slice(br#","other_credentials":["#);
            for (at, shown) in event.other_credentials.iter().enumerate() {
                line.extend((at > 0).then_some(b','));
                self.credential(shown, line)?;
            }
            line.push(b']');
        }
        let grant = event.grant.as_deref().map(GrantPart::from);
        member("grant", grant.as_ref(), line)?;
        member("capture", Some(&event.capture), line)?;
        line.extend_from_slice(br#","verdict":"#);
        self.verdicts.write(&event.verdict, line, |concluded, to| {
            verdict::written(concluded, &mut serde_json::Serializer::new(to))
        })?;
        line.push(b'}');
        Ok(())
    }

    fn credential(
        &mut self,
        shown: &Arc<Credential>,
        line: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        self.credentials.write(shown, line, |shown, to| {
            credential::written(shown, &mut serde_json::Serializer::new(to))
        })
    }

    fn connection(
        &mut self,
        connection: &ConnectionPart,
        line: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        if let Some(known) = self.connections.get(connection) {
            line.extend_from_slice(known);
            return Ok(());
        }
        let written = serde_json::to_vec(connection)?;
        line.extend_from_slice(&written);
        self.connections.put(connection.clone(), written.into());
        Ok(())
    }
}

/// How many connections are remembered: about 300 bytes each.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(2048).expect("it is not zero");
/// How many requests at least, and half of how many at most: about 200 bytes each, and at most 3 KiB.
const REQUESTS: usize = 1024;
/// How many credentials likewise, at least most of those that are remembered taken apart: about 700
/// bytes each.
const CREDENTIALS: usize = MAX_REMEMBERED / 4 * 3;
/// How many verdicts likewise: about 700 bytes each, and none more than 16 KiB.
const VERDICTS: usize = 512;

/// A member that may be absent.
fn member(
    name: &str,
    value: Option<&impl Serialize>,
    line: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let Some(value) = value else {
        return Ok(());
    };
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
    serde_json::to_writer(line, value)
}

/// What was written of what is shared, by where that lies.
struct Known<T>(Recent<usize, (Arc<T>, Box<[u8]>)>);

impl<T> Known<T> {
    fn new(generation: usize) -> Self {
        Self(Recent::new(generation))
    }

    fn write(
        &mut self,
        shared: &Arc<T>,
        line: &mut Vec<u8>,
        write: impl FnOnce(&Arc<T>, &mut Vec<u8>) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        let place = Arc::as_ptr(shared).addr();
        if let Some((_, known)) = self.0.get(&place) {
            line.extend_from_slice(known);
            return Ok(());
        }
        let start = line.len();
        write(shared, line)?;
        let written = line.get(start..).unwrap_or_default();
        self.0.put(place, (Arc::clone(shared), written.into()));
        Ok(())
    }
}

/// The latest second as text: few events begin a new one.
#[derive(Default)]
struct Moment {
    second: Option<i64>,
    text: String,
}

impl Moment {
    fn write(&mut self, time: Timestamp, line: &mut Vec<u8>) {
        const FRACTION: usize = ".000000Z".len();
        if self.second != Some(time.seconds()) {
            self.text = time.to_string();
            // A time that no calendar has is written otherwise.
            self.second = self.text.ends_with('Z').then_some(time.seconds());
        }
        if self.second.is_none() {
            line.extend_from_slice(self.text.as_bytes());
            return;
        }
        let whole = self.text.len().saturating_sub(FRACTION);
        line.extend_from_slice(self.text.as_bytes().get(..whole).unwrap_or_default());
        let mut micros = time.nanos().rem_euclid(1_000_000_000) / 1000;
        let mut fraction = *b".000000Z";
        for digit in fraction.iter_mut().skip(1).take(6).rev() {
            *digit += (micros % 10) as u8;
            micros /= 10;
        }
        line.extend_from_slice(&fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Address, sample};

    #[test]
    fn a_line_is_what_serde_writes() {
        let mut lines = Lines::default();
        let whole = sample::event();
        let mut bare = whole.clone();
        (bare.process, bare.container, bare.unit) = (None, None, None);
        (bare.request, bare.response, bare.credential) = (None, None, None);
        bare.connection.server = Address::Unix("unix:/run/\"a\"".to_owned());
        bare.connection.peer_pid = Some(7);
        bare.capture.cut = vec!["request"];
        bare.service = "a\"b".into();
        let mut other = whole.clone();
        Arc::make_mut(other.credential.as_mut().unwrap()).length = 1;
        other.grant = Some(sample::grant().into());
        other.other_credentials = whole.credential.iter().cloned().cycle().take(2).collect();
        Arc::make_mut(&mut other.verdict).explanation = "\u{e9}\n".to_owned();
        for event in [&whole, &whole, &bare, &other, &whole, &bare, &other] {
            let mut line = Vec::new();
            lines.write(event, &mut line).unwrap();
            let line = String::from_utf8(line).unwrap();
            assert_eq!(line, serde_json::to_string(event).unwrap());
        }
    }

    #[test]
    fn every_time_is_written_as_it_is_displayed() {
        let mut moment = Moment::default();
        for nanos in [
            1_700_000_000_123_456_789,
            1_700_000_000_999_999_999,
            1_700_000_001_000_000_000,
            0,
            -1,
            -1_000_000_001,
            i64::MAX,
            i64::MIN,
        ] {
            let time = Timestamp::from_nanos(nanos);
            let mut line = Vec::new();
            moment.write(time, &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), time.to_string());
        }
    }
}
