//! Which connections the operator wants: by port, address and cgroup, to be included or excluded.
//!
//! A connection is decided once, at its first packet, and again after the filter changed. The agent
//! changes it without a gap: the places of a map say for two filters apart what they want, of even and
//! of odd generations. The next filter's are written beside the present one's, and then the
//! generation moves on.

/// What holds for all connections.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// The number of the filter; 0: there never was one, and everything is wanted.
    pub generation: u32,
    /// The kinds of which there are places to include: a connection must be in one of each.
    pub includes: u8,
    /// The kinds of which there are places at all. Others need not be looked up.
    pub kinds: u8,
}

impl Filter {
    /// As one word, for the map that has it.
    #[inline(always)]
    pub const fn word(self) -> u64 {
        self.generation as u64 | (self.includes as u64) << 32 | (self.kinds as u64) << 40
    }

    /// From a word.
    #[inline(always)]
    pub const fn from_word(word: u64) -> Self {
        Self {
            generation: word as u32,
            includes: (word >> 32) as u8,
            kinds: (word >> 40) as u8,
        }
    }
}

/// The server's port.
pub const PORTS: u8 = 1;
/// The address of either end.
pub const NETWORKS: u8 = 1 << 1;
/// The cgroup of the socket's creator, or one above it.
pub const CGROUPS: u8 = 1 << 2;

/// In a place of a map: it is to be included.
pub const INCLUDE: u8 = 1;
/// In a place of a map: it is to be excluded.
pub const EXCLUDE: u8 = 1 << 1;

/// How many places each map has.
pub const PLACES: u32 = 4096;
/// How many cgroups above a socket's own are looked at.
pub const DEPTH: i32 = 8;

/// What a place says to the filters of a generation, moved to where the map has it.
#[inline(always)]
pub const fn place(generation: u32, says: u8) -> u8 {
    says << ((generation & 1) * 2)
}

/// What a place of a map says to the filter of this generation.
#[inline(always)]
pub const fn says(place: u8, generation: u32) -> u8 {
    place >> ((generation & 1) * 2) & (INCLUDE | EXCLUDE)
}

/// Sums up what the places of a connection say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    included: u8,
    excluded: bool,
}

impl Heard {
    /// Hears what the places of a kind say, taken together.
    #[inline(always)]
    pub const fn hear(&mut self, kind: u8, says: u8) {
        if says & INCLUDE != 0 {
            self.included |= kind;
        }
        if says & EXCLUDE != 0 {
            self.excluded = true;
        }
    }

    /// Whether the connection is left out.
    #[inline(always)]
    pub const fn is_left_out(&self, filter: Filter) -> bool {
        self.excluded || filter.includes & !self.included != 0
    }
}

/// A key of the map of networks: an address of 16 bytes, IPv4 as `::ffff:a.b.c.d`.
pub type NetworkAddress = [u8; 16];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_follow_each_other_do_not_hear_each_other() {
        let both = place(4, INCLUDE) | place(5, EXCLUDE);
        assert_eq!(says(both, 4), INCLUDE);
        assert_eq!(says(both, 5), EXCLUDE);
    }

    #[test]
    fn a_filter_is_one_word() {
        let filter = Filter {
            generation: u32::MAX,
            includes: PORTS | CGROUPS,
            kinds: PORTS | NETWORKS | CGROUPS,
        };
        assert_eq!(Filter::from_word(filter.word()), filter);
    }

    #[test]
    fn a_connection_is_in_one_place_of_each_kind_that_includes() {
        let filter = Filter {
            includes: PORTS | NETWORKS,
            ..Filter::default()
        };
        let mut heard = Heard::default();
        heard.hear(PORTS, INCLUDE);
        assert!(heard.is_left_out(filter));
        heard.hear(NETWORKS, INCLUDE);
        assert!(!heard.is_left_out(filter));
        heard.hear(CGROUPS, EXCLUDE);
        assert!(heard.is_left_out(filter));
    }

    #[test]
    fn without_a_filter_nothing_is_left_out() {
        assert!(!Heard::default().is_left_out(Filter::default()));
    }
}
