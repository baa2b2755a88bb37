//! Recognises TLS and reads the server name that a client asks for (RFC 6066 section 3).

use tls_parser::{
    SNIType, TlsExtension, TlsMessage, TlsMessageHandshake, TlsRecordType,
    parse_tls_client_hello_extensions, parse_tls_plaintext,
};

/// What the first bytes of a direction are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Start {
    /// More bytes are needed.
    Undecided,
    /// No TLS.
    Nothing,
    /// A record that is no ClientHello: the server's direction, or a connection that was open before.
    Record,
    /// A ClientHello of which more must come.
    PartOfHello,
    /// A ClientHello and the name it asks for, at most 255 bytes of host name.
    Hello(Option<String>),
}

/// The longest record (RFC 8446 section 5.1) with its header. A ClientHello that is split over
/// records is recognised, but its name is not read.
pub const MAX_RECORD: usize = 5 + 16_384;

/// Looks at the first bytes of a direction, or of a segment.
pub fn recognise(bytes: &[u8]) -> Start {
    let may_be = |at: usize, fits: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| fits(*byte));
    let header = may_be(0, |kind| (0x14..=0x17).contains(&kind))
        && may_be(1, |major| major == 3)
        && may_be(2, |minor| minor <= 4);
    if !header {
        return Start::Nothing;
    }
    let &[kind, _, _, high, low, first, ..] = bytes else {
        return Start::Undecided;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len == 0 || len > MAX_RECORD + 2048 {
        return Start::Nothing;
    }
    if kind != TlsRecordType::Handshake.0 || first != 1 {
        return Start::Record;
    }
    match bytes.len() < 5 + len && len <= MAX_RECORD {
        true => Start::PartOfHello,
        false => Start::Hello(server_name(bytes)),
    }
}

/// The server name in a ClientHello of which the end is missing, if it is in what there is.
pub fn server_name_of_part(bytes: &[u8]) -> Option<String> {
    let &[_, _, _, high, low, ..] = bytes else {
        return None;
    };
    let mut padded = bytes.to_vec();
    // Filled up with what is no extension, the record parses and the extensions before it count.
    padded.resize(5 + usize::from(u16::from_be_bytes([high, low])), 0xff);
    server_name(&padded)
}

fn server_name(record: &[u8]) -> Option<String> {
    let (_, plain) = parse_tls_plaintext(record).ok()?;
    let hello = plain.msg.iter().find_map(|message| match message {
        TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)) => Some(hello),
        _ => None,
    })?;
    let (_, extensions) = parse_tls_client_hello_extensions(hello.ext?).ok()?;
    extensions.iter().find_map(|extension| match extension {
        TlsExtension::SNI(names) => names.iter().find_map(|(kind, name)| {
            let name = (*kind == SNIType::HostName).then(|| str::from_utf8(name).ok())??;
            (!name.is_empty() && name.len() <= 255).then(|| name.to_owned())
        }),
        _ => None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A ClientHello with a server name and `padding` more bytes.
    pub(crate) fn hello(name: &str, padding: usize) -> Vec<u8> {
        let be = |len: usize| u16::try_from(len).expect("short").to_be_bytes();
        let mut names = vec![0];
        names.extend(be(name.len()));
        names.extend(name.as_bytes());
        let mut extensions = vec![0, 0];
        extensions.extend(be(names.len() + 2));
        extensions.extend(be(names.len()));
        extensions.extend(&names);
        extensions.extend([0, 21]);
        extensions.extend(be(padding));
        extensions.extend(vec![0; padding]);
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(be(extensions.len()));
        body.extend(&extensions);
        let mut record = vec![0x16, 3, 1];
        record.extend(be(body.len() + 4));
        record.extend([1, 0]);
        record.extend(be(body.len()));
        record.extend(&body);
        record
    }

    #[test]
    fn a_hello_names_its_server_however_it_is_cut() {
        let hello = hello("api.example.org", 600);
        let name = Some("api.example.org".to_owned());
        assert_eq!(recognise(&hello), Start::Hello(name.clone()));
        for len in 0..6 {
            assert_eq!(recognise(&hello[..len]), Start::Undecided);
        }
        assert_eq!(recognise(&hello[..200]), Start::PartOfHello);
        assert_eq!(server_name_of_part(&hello[..200]), name);
        assert_eq!(server_name_of_part(&hello[..60]), None);
    }

    #[test]
    fn other_bytes_are_no_hello() {
        assert_eq!(recognise(b"GET / HTTP/1.1\r\n"), Start::Nothing);
        assert_eq!(recognise(&[0x17, 3, 3, 0, 30, 1, 2, 3]), Start::Record);
        assert_eq!(recognise(&[0x16, 3, 3, 0, 0, 1]), Start::Nothing);
    }
}
