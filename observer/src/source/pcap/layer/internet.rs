//! IP of both versions.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv6ExtensionSlice, LaxIpSlice, err};

use super::{Carried, Packet, Place, Skip};

/// What an IP packet is.
pub(super) enum Internet<'a> {
    /// A whole one.
    Whole(Carried),
    /// A part of one.
    Fragment(Fragment<'a>),
}

/// A part of an IP packet.
#[derive(Debug)]
pub(in crate::source::pcap) struct Fragment<'a> {
    pub(in crate::source::pcap) key: FragmentKey,
    /// Where it belongs, in units of eight bytes.
    pub(in crate::source::pcap) offset: etherparse::IpFragOffset,
    /// Others follow.
    pub(in crate::source::pcap) more: bool,
    pub(in crate::source::pcap) bytes: &'a [u8],
}

/// Which fragments belong together (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::source::pcap) struct FragmentKey {
    pub(in crate::source::pcap) source: IpAddr,
    pub(in crate::source::pcap) target: IpAddr,
    pub(in crate::source::pcap) number: IpNumber,
    pub(in crate::source::pcap) identification: u32,
    pub(in crate::source::pcap) place: Place,
}

/// Takes the headers of an IP packet off. Its own length field wins over the length on the wire,
/// because Ethernet pads short packets, unless that is 0 (segmentation offload).
#[inline]
pub(super) fn open<'a>(packet: &mut Packet<'a>) -> Result<Internet<'a>, Skip> {
    let (bytes, on_wire) = (packet.bytes, packet.wire_len);
    let (ip, _) = LaxIpSlice::from_slice(bytes).map_err(|error| match error {
        err::ip::LaxHeaderSliceError::Len(_) if bytes.len() < on_wire => Skip::HeadersCut,
        _ => Skip::Malformed,
    })?;
    let (declared, least) = match &ip {
        LaxIpSlice::Ipv4(ip) => (
            usize::from(ip.header().total_len()),
            ip.header().slice().len(),
        ),
        LaxIpSlice::Ipv6(ip) => match ip.header().payload_length() {
            0 => (0, 0),
            len => (usize::from(len) + ip.header().slice().len(), 0),
        },
    };
    if declared != 0 && declared < least {
        return Err(Skip::Malformed);
    }
    let payload = ip.payload();
    let carried = Carried {
        number: payload.ip_number,
        source: ip.source_addr().to_canonical(),
        target: ip.destination_addr().to_canonical(),
    };
    if payload.fragmented {
        return fragment(&ip, &carried, packet.place).map(Internet::Fragment);
    }
    let whole = if declared == 0 { on_wire } else { declared };
    // All headers of the packet lie between its start and its payload. A payload that is shorter than
    // the packet because of padding is as long as declared.
    let wire_len = if payload.incomplete || declared == 0 {
        let headers = bytes.len() - payload.payload.len();
        whole.saturating_sub(headers)
    } else {
        payload.payload.len()
    };
    packet.bytes = payload.payload;
    packet.wire_len = wire_len.max(payload.payload.len());
    Ok(Internet::Whole(carried))
}

fn fragment<'a>(
    ip: &LaxIpSlice<'a>,
    carried: &Carried,
    place: Place,
) -> Result<Fragment<'a>, Skip> {
    let payload = ip.payload();
    if payload.incomplete {
        return Err(Skip::Fragment);
    }
    let (offset, more, identification) = match ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            (
                header.fragments_offset(),
                header.more_fragments(),
                u32::from(header.identification()),
            )
        }
        LaxIpSlice::Ipv6(ip) => ip
            .extensions()
            .clone()
            .into_iter()
            .find_map(|extension| match extension {
                Ipv6ExtensionSlice::Fragment(header) => Some((
                    header.fragment_offset(),
                    header.more_fragments(),
                    header.identification(),
                )),
                _ => None,
            })
            .ok_or(Skip::Fragment)?,
    };
    Ok(Fragment {
        key: FragmentKey {
            source: carried.source,
            target: carried.target,
            number: carried.number,
            identification,
            place,
        },
        offset,
        more,
        bytes: payload.payload,
    })
}
