use observer_common::record::{Handled, Header, INGRESS, Kind};

use super::*;

fn record(cookie: u64, direction: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    const PUSH_ACK: u8 = 0x18;
    record_of(
        KernelRole::Server as u8,
        PUSH_ACK,
        (cookie, direction, flags),
        payload,
    )
}

fn record_of(
    role: u8,
    tcp_flags: u8,
    (cookie, direction, flags): (u64, u8, u8),
    payload: &[u8],
) -> Vec<u8> {
    let mut local = [0; 16];
    local[10..].copy_from_slice(&[255, 255, 10, 0, 0, 1]);
    let mut remote = local;
    remote[15] = 2;
    bytes(&record::Segment {
        header: Header {
            cookie,
            time: 1_000,
            payload: payload.len() as u32,
            kind: Kind::Segment as u8,
            direction,
            role,
            flags,
        },
        skipped: 3,
        lost: 4,
        local,
        remote,
        seq: 77,
        wire_len: 100,
        local_port: 80,
        remote_port: 4000,
        tcp_flags,
        ..record::Segment::default()
    })
    .into_iter()
    .chain(payload.iter().copied())
    .collect()
}

#[expect(unsafe_code, reason = "records are written as the kernel writes them")]
fn bytes<T: Copy>(record: &T) -> Vec<u8> {
    let start = std::ptr::from_ref(record).cast::<u8>();
    // SAFETY: the records have no padding.
    unsafe { std::slice::from_raw_parts(start, size_of::<T>()) }.to_vec()
}

fn decode(records: &[Vec<u8>]) -> (Batch, Decoder) {
    let mut decoder = Decoder::new(Context::Tracepoint, None);
    let mut batch = Batch::new();
    for record in records {
        decoder.take(record, &mut batch);
    }
    (batch, decoder)
}

#[test]
fn the_first_segment_opens_the_connection() {
    let (batch, decoder) = decode(&[record(5, INGRESS, FIRST, b"GET / HTTP/1.1")]);
    let [opened, segment] = batch.items() else {
        panic!("{:?}", batch.items());
    };
    let ItemKind::Opened {
        role,
        local,
        remote,
    } = &opened.kind
    else {
        panic!("{opened:?}");
    };
    assert_eq!(*role, Role::Server);
    assert_eq!(local.to_string(), "10.0.0.1:80");
    assert_eq!(remote.to_string(), "10.0.0.2:4000");
    assert_eq!(segment.connection, ConnectionKey::Socket(5));
    let ItemKind::Segment(segment) = &segment.kind else {
        panic!("{segment:?}");
    };
    assert_eq!(segment.direction, Direction::Reverse);
    assert_eq!(segment.source.to_string(), "10.0.0.2:4000");
    assert_eq!((segment.seq, segment.wire_len), (77, 100));
    assert_eq!((segment.skipped, segment.lost), (3, 4));
    assert_eq!(segment.tail, Tail::Unwanted);
    assert!(segment.flags.ack && !segment.flags.syn);
    assert_eq!(batch.bytes(&segment.payload), b"GET / HTTP/1.1");
    assert_eq!(decoder.counts.delivered, 1);
}

#[test]
fn a_request_inside_the_syn_opens_the_connection_of_its_client() {
    const SYN: u8 = 0x02;
    let syn = record_of(0, SYN, (5, EGRESS, FIRST), b"GET / HTTP/1.1\r\n\r\n");
    let (batch, _) = decode(&[syn]);
    let kinds: Vec<_> = batch.items().iter().map(|item| &item.kind).collect();
    assert!(
        matches!(
            kinds.as_slice(),
            [
                ItemKind::Opened {
                    role: Role::Client,
                    ..
                },
                ItemKind::Segment(_)
            ]
        ),
        "{kinds:?}"
    );
}

#[test]
fn a_request_under_the_listener_goes_to_the_child() {
    let (batch, _) = decode(&[
        record(9, INGRESS, LISTENER, b"GET / HTTP/1.1\r\n\r\n"),
        record(5, EGRESS, FIRST, b"HTTP/1.1 401 Unauthorized\r\n\r\n"),
    ]);
    let kinds: Vec<_> = batch
        .items()
        .iter()
        .map(|item| (item.connection, &item.kind))
        .collect();
    let key = ConnectionKey::Socket(5);
    let [
        (a, ItemKind::Opened { .. }),
        (b, ItemKind::Segment(request)),
        (c, ItemKind::Segment(_)),
    ] = kinds.as_slice()
    else {
        panic!("{kinds:?}");
    };
    assert_eq!([*a, *b, *c], [key; 3]);
    assert_eq!(request.direction, Direction::Reverse);
    assert!(!request.listener);
    assert_eq!(batch.bytes(&request.payload), b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn an_answer_before_the_end_of_the_handshake_is_of_a_server_that_began_under_our_eyes() {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    let (batch, _) = decode(&[
        record_of(0, SYN, (9, INGRESS, LISTENER), b"GET / HTTP/1.1\r\n\r\n"),
        record_of(0, ACK, (5, EGRESS, FIRST), b"HTTP/1.1 200 OK\r\n\r\n"),
    ]);
    let kinds: Vec<_> = batch.items().iter().map(|item| &item.kind).collect();
    assert!(
        matches!(
            kinds.as_slice(),
            [
                ItemKind::Opened {
                    role: Role::Server,
                    ..
                },
                ItemKind::Segment(_),
                ItemKind::Segment(_)
            ]
        ),
        "{kinds:?}"
    );
}

#[test]
fn who_handled_it_is_told_with_a_name() {
    let pid = 1 << 30;
    let mut name = [0; 16];
    name[..5].copy_from_slice(b"nginx");
    let (batch, _) = decode(&[bytes(&Handled {
        header: Header {
            cookie: 5,
            kind: Kind::Handled as u8,
            direction: EGRESS,
            ..Header::default()
        },
        cgroup: 1,
        pid,
        tid: pid,
        comm: name,
        ..Handled::default()
    })]);
    let [item] = batch.items() else {
        panic!("{:?}", batch.items());
    };
    let ItemKind::Handled(Direction::Forward, handling) = &item.kind else {
        panic!("{item:?}");
    };
    assert_eq!((handling.pid, handling.name.as_str()), (pid, "nginx"));
    assert_eq!(handling.known_by, KnownBy::Tracepoint);
}

#[test]
fn a_record_that_is_none_is_counted() {
    let (batch, decoder) = decode(&[vec![1, 2, 3], vec![0; 200]]);
    assert!(batch.is_empty());
    assert_eq!(decoder.counts.undecodable, 2);
}

#[test]
fn addresses_of_ipv6_stay_what_they_are() {
    let mut bytes = [0; 16];
    bytes[15] = 1;
    assert_eq!(address(bytes, 80).to_string(), "[::1]:80");
}
