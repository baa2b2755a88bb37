use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::event::Event;
use crate::filter::{KernelFilter, Lists, Places, Rules};
use crate::packet::{ConnectionKey, Direction, Flags, Item, ItemKind, Role, Segment, Tail};
use crate::service::Naming;
use crate::time::{Step, Timestamp};
use crate::verdict::Words;

/// Gives `left` empty batches, and then fails or ends.
struct Empty {
    left: usize,
    fails: bool,
}

impl Source for Empty {
    type Error = &'static str;

    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error> {
        batch.clear();
        if self.left == 0 {
            return if self.fails { Err("broken") } else { Ok(false) };
        }
        self.left -= 1;
        batch.advance(Timestamp::from_seconds(1));
        Ok(true)
    }

    fn count(&self, totals: &mut Totals) {
        totals.seen = self.left as u64;
    }
}

/// Writes down what it is told.
struct Diary {
    told: Arc<Mutex<Vec<&'static str>>>,
    gone: bool,
}

impl Sink for Diary {
    fn take(&mut self, _: &Arc<Event>) {}

    fn pass(&mut self, _: Timestamp, _: &Totals) {
        self.told.lock().unwrap().push("pass");
    }

    fn finish(&mut self, _: &Totals) {
        self.told.lock().unwrap().push("finish");
    }

    fn reader_gone(&self) -> bool {
        self.gone
    }
}

fn run(mut source: Empty, gone: bool) -> (Result<Totals, &'static str>, Vec<&'static str>) {
    let told = Arc::default();
    let diary = Diary {
        told: Arc::clone(&told),
        gone,
    };
    let pipeline = Pipeline::new(settings(), vec![Box::new(diary)]);
    let done = pipeline.run(&mut source, &Stop::default());
    let told = told.lock().unwrap().clone();
    (done, told)
}

#[test]
fn sinks_hear_of_every_batch_and_of_the_end() {
    let source = Empty {
        left: 2,
        fails: false,
    };
    let (done, told) = run(source, false);
    assert!(done.is_ok());
    assert_eq!(told, ["pass", "pass", "pass", "finish"]);
}

#[test]
fn a_source_that_fails_ends_in_order() {
    let source = Empty {
        left: 1,
        fails: true,
    };
    let (done, told) = run(source, false);
    assert_eq!(done, Err("broken"));
    assert_eq!(told, ["pass", "pass", "finish"]);
}

#[test]
fn a_reader_that_is_gone_ends_an_endless_source() {
    let source = Empty {
        left: usize::MAX,
        fails: false,
    };
    let (done, told) = run(source, true);
    assert!(done.is_ok());
    assert_eq!(told.last(), Some(&"finish"));
}

fn settings() -> Settings {
    Settings {
        limits: Limits::default(),
        policy: Arc::new(Policy::random().unwrap()),
        threads: NonZeroUsize::MIN,
        services: Services::new([]),
        expectations: Vec::new(),
        words: Words::default(),
        filter: Filter::default(),
        paths: Paths::AsSent,
        keys: Default::default(),
    }
}

/// Exchanges on a socket of a server: for each the second at which the request came, how far the time
/// of day had been set by then, and by the answer, which came half a second later.
struct Stepped(Vec<(i64, i64, i64)>);

const ADDRESSES: [&str; 2] = ["10.0.0.1:80", "10.0.0.9:40000"];

impl Stepped {
    fn say(batch: &mut Batch, direction: Direction, seq: u32, time: Timestamp, text: &str) {
        let [local, remote] = ADDRESSES.map(|address| address.parse().unwrap());
        let (source, target) = match direction {
            Direction::Forward => (local, remote),
            Direction::Reverse => (remote, local),
        };
        let segment = Segment {
            direction,
            source,
            target,
            seq,
            flags: Flags::default(),
            payload: batch.store(text.as_bytes()),
            wire_len: u32::try_from(text.len()).unwrap(),
            tail: Tail::Whole,
            skipped: 0,
            lost: 0,
            moved: None,
            listener: false,
        };
        let connection = ConnectionKey::Socket(u64::from(seq));
        if direction == Direction::Reverse {
            let kind = ItemKind::Opened {
                role: Role::Server,
                local,
                remote,
            };
            batch.push(Item {
                connection,
                time,
                kind,
            });
        }
        batch.push(Item {
            connection,
            time,
            kind: ItemKind::Segment(segment),
        });
    }
}

impl Source for Stepped {
    type Error = &'static str;

    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error> {
        batch.clear();
        let Some((second, asked, answered)) = self.0.first_mut() else {
            return Ok(false);
        };
        let (second, at) = (*second, Timestamp::from_seconds(*second));
        let seq = u32::try_from(second).unwrap();
        if *asked != i64::MAX {
            batch.set_step(Step::from_nanos(*asked * 1_000_000_000));
            let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            Self::say(batch, Direction::Reverse, seq, at, text);
            *asked = i64::MAX;
        } else {
            batch.set_step(Step::from_nanos(*answered * 1_000_000_000));
            let text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            let at = at.plus(Duration::from_millis(500));
            Self::say(batch, Direction::Forward, seq, at, text);
            self.0.remove(0);
        }
        Ok(true)
    }

    fn count(&self, _: &mut Totals) {}
}

/// Keeps the events.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Arc<Event>>>>);

impl Sink for Kept {
    fn take(&mut self, event: &Arc<Event>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }

    fn pass(&mut self, _: Timestamp, _: &Totals) {}

    fn finish(&mut self, _: &Totals) {}
}

#[test]
fn a_clock_that_is_set_bends_no_duration_and_times_are_those_of_the_day() {
    let kept = Kept::default();
    // An hour forward while the second is answered, back by two before the third.
    let mut source = Stepped(vec![(10, 0, 0), (20, 0, 3600), (30, -3600, -3600)]);
    Pipeline::new(settings(), vec![Box::new(kept.clone())])
        .run(&mut source, &Stop::default())
        .unwrap();
    let events = kept.0.lock().unwrap();
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let duration = event.response.as_ref().and_then(|it| it.duration_us);
            (event.time.seconds(), duration)
        })
        .collect();
    let half = Some(500_000);
    assert_eq!(seen, [(10, half), (20, half), (30 - 3600, half)]);
}

/// Keeps what it is told at the end.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Totals>>);

impl Sink for Last {
    fn take(&mut self, _: &Arc<Event>) {}

    fn pass(&mut self, _: Timestamp, _: &Totals) {}

    fn finish(&mut self, totals: &Totals) {
        *self.0.lock().unwrap() = totals.clone();
    }
}

#[test]
fn what_the_end_leaves_no_time_to_judge_is_counted() {
    for (asked, unjudged) in [(0, 0), (10, 2)] {
        let (kept, last) = (Kept::default(), Last::default());
        let mut source = Stepped(vec![(10, 0, 0), (20, 0, 0)]);
        let stop = Stop::pressing_for(Duration::from_secs(asked));
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(kept.clone()), Box::new(last.clone())];
        Pipeline::new(settings(), sinks)
            .run(&mut source, &stop)
            .unwrap();
        assert_eq!(kept.0.lock().unwrap().len() as u64, 2 - unjudged);
        let totals = last.0.lock().unwrap();
        assert_eq!(totals.given_up.get("unjudged"), Some(&unjudged));
        assert_eq!(totals.is_whole(), unjudged == 0);
    }
}

/// Gives exchanges, and remembers the filters that it was given.
struct Filtered {
    left: Stepped,
    taken: Vec<KernelFilter>,
    refuses: bool,
}

impl Source for Filtered {
    type Error = &'static str;

    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error> {
        self.left.read(batch)
    }

    fn set_filter(&mut self, filter: &KernelFilter) -> Result<(), Self::Error> {
        self.taken.push(filter.clone());
        if self.refuses { Err("no") } else { Ok(()) }
    }

    fn count(&self, _: &mut Totals) {}
}

#[test]
fn a_new_configuration_reaches_the_source_the_names_and_the_filter() {
    for (refuses, ports, name, events) in [
        (false, vec![80], "orders", 1),
        (false, vec![81], "orders", 0),
        // What the source does not take counts nowhere.
        (true, vec![81], "10.0.0.1:80", 1),
    ] {
        let places = Places {
            ports,
            ..Places::default()
        };
        let include = Lists {
            places: places.clone(),
            ..Lists::default()
        };
        let rules = Rules {
            include,
            exclude: Lists::default(),
        };
        let services = vec![Naming::by_address("10.0.0.1:80".parse().unwrap(), "orders")];
        let (send, changes) = sync_channel(1);
        let changed = Config {
            services,
            rules,
            ..Config::default()
        };
        send.send(changed).unwrap();
        let kept = Kept::default();
        let mut source = Filtered {
            left: Stepped(vec![(10, 0, 0)]),
            taken: Vec::new(),
            refuses,
        };
        Pipeline::new(settings(), vec![Box::new(kept.clone())])
            .following(changes)
            .run(&mut source, &Stop::default())
            .unwrap();
        assert_eq!(source.taken.len(), 1);
        assert_eq!(source.taken[0].include, places);
        let seen = kept.0.lock().unwrap();
        assert_eq!(seen.len(), events);
        assert!(seen.iter().all(|event| *event.service == *name), "{name}");
    }
}
