//! Files that something still writes.

use std::io::Write;

use super::*;
use crate::stop::Stop;

#[test]
fn a_file_that_grows_is_read_as_it_grows() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let whole = Classic::ethernet()
        .packet(1, 0, &ethernet(7, b"hello"), 59)
        .packet(2, 0, &ethernet(12, b"world"), 59)
        .bytes;
    // Nothing yet but a part of the header.
    file.write_all(&whole[..10]).unwrap();
    let stop = Stop::default();
    let follow = Follow::open(file.path(), stop.clone()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut captures = Captures::over(Box::new(follow), Path::new("growing")).unwrap();
        let mut batch = Batch::new();
        loop {
            let more = captures.read(&mut batch).unwrap();
            for item in batch.items() {
                tell.send(batch.bytes_of(item).to_vec()).unwrap();
            }
            if !more {
                return captures.report();
            }
        }
    });
    // The rest of the first packet and a part of the second: the first is told at once.
    let second = whole.len() - 20;
    file.write_all(&whole[10..second]).unwrap();
    assert_eq!(told.recv().unwrap(), b"hello");
    file.write_all(&whole[second..]).unwrap();
    assert_eq!(told.recv().unwrap(), b"world");
    stop.request();
    let report = reader.join().unwrap();
    assert_eq!(report.packets, 2);
    assert!(report.endings.is_empty());
}
