//! Where packets come from: the kernel of this host, or capture files.

pub mod pcap;
