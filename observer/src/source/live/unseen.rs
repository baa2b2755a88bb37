//! Who spoke to whom over unix sockets that this kernel does not show, and how much: read from the map in
//! which the kernel programs count it, and named.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aya::maps::{HashMap, MapData, PerCpuArray};
use observer_common::counter::COUNTERS;
use observer_common::unix::{Pair, UNSEEN_SIZE};

use super::counters;
use super::decode::{comm, socket_name};
use crate::identity::Processes;
use crate::redact;
use crate::totals::{Said, UnixTalk, UnixUnseen};

/// The map, and what it said until now.
pub(super) struct Unseen {
    map: HashMap<MapData, PairBytes, [u8; UNSEEN_SIZE]>,
    known: BTreeMap<PairBytes, Known>,
    talks: Talks,
    /// What was said in all, shortly before the last look.
    all: Said,
    processes: Processes,
    /// Whether the agent is in the first pid namespace, whose numbers the kernel gives of peers.
    first_namespace: bool,
    next: Instant,
}

type PairBytes = [u8; size_of::<Pair>()];

/// A pair of the map.
struct Known {
    talk: usize,
    /// What the map said last.
    said: Said,
    /// When it last said more than before.
    since: Instant,
}

/// How long there is no look after one, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// By how much the pause is longer than a look took, at least.
const REST: u32 = 50;
/// What is silent for so long is taken out of the map: its place is for others.
const SILENCE: Duration = Duration::from_secs(60);

impl Unseen {
    pub(super) fn new(map: HashMap<MapData, PairBytes, [u8; UNSEEN_SIZE]>) -> Self {
        Self {
            map,
            known: BTreeMap::new(),
            talks: Talks::default(),
            all: Said::default(),
            processes: Processes::new(None),
            first_namespace: super::pid_namespace().is_none(),
            next: Instant::now(),
        }
    }

    /// Takes over what the kernel counted, now and then.
    pub(super) fn look(&mut self, counts: &PerCpuArray<MapData, [u64; COUNTERS]>) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        // Before the pairs: what is in the sum and not in them is then said by others indeed.
        self.all = counters::unix_unseen(counts);
        // An entry that goes meanwhile is read the next time.
        let entries: Vec<_> = self.map.iter().flatten().collect();
        for (pair, value) in entries {
            let Some(Entry { said, comm, path }) = Entry::read(&value) else {
                continue;
            };
            if !self.known.contains_key(&pair) {
                let talk = self.name(&pair, &comm, &path);
                let known = Known {
                    talk,
                    said: Said::default(),
                    since: now,
                };
                self.known.insert(pair, known);
            }
            let Some(known) = self.known.get_mut(&pair) else {
                continue;
            };
            let more = said.less(known.said);
            if more.bytes > 0 {
                self.talks.add(known.talk, more);
                (known.said, known.since) = (said, now);
            } else if now.saturating_duration_since(known.since) >= SILENCE {
                // What it says between these two lines is in the sum alone.
                if self.map.remove(&pair).is_ok() {
                    self.known.remove(&pair);
                }
            }
        }
        self.next = now + PAUSE.max(now.elapsed() * REST);
    }

    /// What was said until the last look.
    pub(super) fn said(&self) -> UnixUnseen {
        self.talks.with(self.all)
    }

    /// Whose talk this is.
    fn name(&mut self, pair: &PairBytes, comm: &str, path: &str) -> usize {
        let (_, rest) = pair.split_at(8);
        let (pid, peer) = (number(rest), number(rest.get(4..).unwrap_or_default()));
        let mut name = |pid: u32| {
            let (name, _) = (pid != 0).then(|| self.processes.now(pid)).flatten()?;
            Some(label(&name))
        };
        let from = name(pid).unwrap_or_else(|| label(comm));
        let to = self
            .first_namespace
            .then(|| name(peer))
            .flatten()
            .unwrap_or_default();
        self.talks.of(&from, &to, &label(path))
    }
}

fn label(text: &str) -> String {
    redact::label(text, MAX_NAME)
}

/// The longest name of a process or socket that leaves, in bytes. A socket has at most 108.
const MAX_NAME: usize = 128;

fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

/// A value of the map: [`observer_common::unix::Unseen`].
struct Entry {
    said: Said,
    comm: String,
    path: String,
}

impl Entry {
    fn read(value: &[u8; UNSEEN_SIZE]) -> Option<Self> {
        let (bytes, rest) = value.split_first_chunk()?;
        let (calls, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (len, path) = rest.split_first_chunk()?;
        let len = usize::try_from(u64::from_ne_bytes(*len)).ok()?;
        Some(Self {
            said: Said {
                bytes: u64::from_ne_bytes(*bytes),
                calls: u64::from_ne_bytes(*calls),
            },
            comm: comm(name),
            path: socket_name(path, len).unwrap_or_default(),
        })
    }
}

/// What was said, by the names of who said it to whom.
#[derive(Default)]
struct Talks(Vec<UnixTalk>);

/// So many are told apart; what others say is in the sum alone.
const TALKS: usize = 200;

impl Talks {
    /// The place of a talk. Beyond the last: there are too many.
    fn of(&mut self, from: &str, to: &str, path: &str) -> usize {
        let known = self
            .0
            .iter()
            .position(|talk| (&*talk.from, &*talk.to, &*talk.path) == (from, to, path));
        known.unwrap_or_else(|| {
            if self.0.len() < TALKS {
                self.0.push(UnixTalk {
                    from: Arc::from(from),
                    to: Arc::from(to),
                    path: Arc::from(path),
                    said: Said::default(),
                });
                self.0.len() - 1
            } else {
                TALKS
            }
        })
    }

    fn add(&mut self, talk: usize, more: Said) {
        if let Some(talk) = self.0.get_mut(talk) {
            talk.said = talk.said.plus(more);
        }
    }

    fn with(&self, all: Said) -> UnixUnseen {
        let told = self
            .0
            .iter()
            .fold(Said::default(), |sum, talk| sum.plus(talk.said));
        UnixUnseen {
            talks: self.0.clone(),
            other: all.less(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use observer_common::record::UNIX_NAME;

    use super::*;

    #[test]
    fn a_value_of_the_map_is_read_as_the_kernel_writes_it() {
        let mut value = [0u8; UNSEEN_SIZE];
        let mut write =
            |at: usize, bytes: &[u8]| value[at..at + bytes.len()].copy_from_slice(bytes);
        use observer_common::unix::Unseen;
        use std::mem::offset_of;
        write(offset_of!(Unseen, bytes), &700u64.to_ne_bytes());
        write(offset_of!(Unseen, calls), &3u64.to_ne_bytes());
        write(offset_of!(Unseen, comm), b"nginx");
        write(offset_of!(Unseen, path_len), &14u64.to_ne_bytes());
        write(
            offset_of!(Unseen, path),
            b"/run/app.sock\0and what lies behind",
        );
        let entry = Entry::read(&value).unwrap();
        let (bytes, calls) = (700, 3);
        assert_eq!(entry.said, Said { bytes, calls });
        assert_eq!((&*entry.comm, &*entry.path), ("nginx", "/run/app.sock"));
        value[offset_of!(Unseen, path_len)..][..8].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert_eq!(Entry::read(&value).unwrap().path, "");
        assert_eq!(offset_of!(Unseen, path) + UNIX_NAME, UNSEEN_SIZE);
    }

    #[test]
    fn talks_are_bounded_and_the_sum_is_whole() {
        let said = |bytes| Said { bytes, calls: 1 };
        let mut talks = Talks::default();
        for number in 0..2 * TALKS {
            let talk = talks.of("a", "b", &format!("/run/{number}"));
            talks.add(talk, said(10));
        }
        let again = talks.of("a", "b", "/run/7");
        talks.add(again, said(5));
        let unseen = talks.with(said(20 * TALKS as u64 + 5));
        assert_eq!(unseen.talks.len(), TALKS);
        assert_eq!(unseen.talks[7].said.bytes, 15);
        assert_eq!(unseen.other.bytes, 10 * TALKS as u64);
    }
}
