//! What the kernel keeps of a connection, in the storage of its socket: it goes when the socket goes,
//! and nothing evicts it before.

use crate::record::INGRESS;
use crate::window::Side;

/// The state of one end of a connection. Each word is written on one way alone: by the ingress program,
/// the egress program, or threads that call the socket. The kernel may run one program for a socket on
/// two processors at once, though hardly ever; then a window may open late, and what it lacks is a hole
/// that the agent sees.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    /// The direction into the socket. Written on ingress.
    pub ingress: Side,
    /// The direction out of the socket. Written on egress.
    pub egress: Side,
    /// How many segments were handed over on ingress.
    pub ingress_shipped: u32,
    /// How many segments were handed over on egress.
    pub egress_shipped: u32,
    /// What threads read from the socket.
    pub taken_up: Moved,
    /// What threads wrote to the socket.
    pub answered: Moved,
    /// Which end this is: a [`Role`]. Written once, when the connection is established.
    pub role: u8,
    /// Not 0: one of observer's own. Written by the agent, and inherited from a listening socket.
    pub own: u8,
    /// How many calls moved bytes while no packet with data was seen; stops at 255.
    pub unseen_calls: u8,
    /// Nothing yet.
    pub reserved: u8,
    /// What the operator's filter said of it. Written on ingress.
    pub ingress_wanted: Wanted,
    /// Likewise. Written on egress.
    pub egress_wanted: Wanted,
    /// How many bytes those calls moved that are not counted yet.
    pub unseen_bytes: u32,
    /// Of a unix socket, where the kernel keeps its client's end: both ends know that.
    pub pair: u64,
}

/// What of a connection matters to one of its ways.
pub struct Way<'a> {
    /// The direction of this way.
    pub own: &'a mut Side,
    /// That of the other way.
    pub other: &'a Side,
    /// How many segments of this way were handed over.
    pub shipped: &'a mut u32,
    /// How many of the other way.
    pub others: u32,
    /// What the filter said on this way.
    pub wanted: &'a mut Wanted,
    /// What threads moved on the other way.
    pub moved: &'a mut Moved,
}

impl Connection {
    /// A way: [`INGRESS`], or else egress.
    #[inline(always)]
    pub const fn way<const WAY: u8>(&mut self) -> Way<'_> {
        if WAY == INGRESS {
            self.inwards()
        } else {
            self.outwards()
        }
    }

    /// A direction, and the other one.
    #[inline(always)]
    pub const fn sides<const WAY: u8>(&self) -> (&Side, &Side) {
        if WAY == INGRESS {
            (&self.ingress, &self.egress)
        } else {
            (&self.egress, &self.ingress)
        }
    }

    /// What the operator's filter said of a way.
    #[inline(always)]
    pub const fn wanted<const WAY: u8>(&self) -> Wanted {
        if WAY == INGRESS {
            self.ingress_wanted
        } else {
            self.egress_wanted
        }
    }

    /// Whether any segment was handed over.
    #[inline(always)]
    pub const fn is_told(&self) -> bool {
        self.ingress_shipped | self.egress_shipped != 0
    }

    /// The way into the socket.
    #[inline(always)]
    const fn inwards(&mut self) -> Way<'_> {
        Way {
            own: &mut self.ingress,
            other: &self.egress,
            shipped: &mut self.ingress_shipped,
            others: self.egress_shipped,
            wanted: &mut self.ingress_wanted,
            moved: &mut self.answered,
        }
    }

    /// The way out of the socket.
    #[inline(always)]
    const fn outwards(&mut self) -> Way<'_> {
        Way {
            own: &mut self.egress,
            other: &self.ingress,
            shipped: &mut self.egress_shipped,
            others: self.ingress_shipped,
            wanted: &mut self.egress_wanted,
            moved: &mut self.taken_up,
        }
    }
}

/// What threads moved on one way of a socket. A thread is told by a record of its own when it is another
/// than before, and again after a while; as long as it is the same, the next segment of the other way
/// says when it moved bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// When bytes were last moved after a segment, by the thread that was told: nanoseconds of
    /// CLOCK_MONOTONIC. 0: not by that one.
    pub at: u64,
    /// How many segments of this way were handed over then.
    pub shipped: u32,
    /// The thread that was told last; 0: none.
    pub thread: u32,
    /// When it was told, in units of 2^30 nanoseconds.
    pub told: u32,
    /// Not 0: a segment of the other way went by before a thread moved what came before it. Written on
    /// the other way.
    pub late: u32,
}

impl Moved {
    /// In which unit of 2^30 nanoseconds, a little more than a second, a time lies.
    #[inline(always)]
    pub const fn unit(time: u64) -> u32 {
        (time >> 30) as u32
    }

    /// When the thread that was told moved all segments that were handed over; 0 when it did not, of
    /// which it is told later then.
    #[inline(always)]
    pub const fn whole(&mut self, shipped: u32) -> u64 {
        if self.shipped == shipped {
            self.at
        } else {
            self.late = 1;
            0
        }
    }
}

/// What a filter said: the number of the filter, twice, and one more when it leaves the connection
/// out.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted(u32);

impl Wanted {
    /// What the filter of this number said.
    #[inline(always)]
    pub const fn by(generation: u32, left_out: bool) -> Self {
        Self(generation << 1 | left_out as u32)
    }

    /// Whether the filter of this number said it.
    #[inline(always)]
    pub const fn is_of(self, generation: u32) -> bool {
        self.0 >> 1 == generation & (u32::MAX >> 1)
    }

    /// Whether the connection is left out.
    #[inline(always)]
    pub const fn is_left_out(self) -> bool {
        self.0 & 1 != 0
    }
}

/// Which end of its connection a socket is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Role {
    /// The connection was open before the programs were attached.
    #[default]
    Unknown = 0,
    /// It called connect.
    Client = 1,
    /// It was accepted.
    Server = 2,
}

/// How many bytes [`Connection`] takes.
pub const CONNECTION_SIZE: usize = size_of::<Connection>();
/// Where [`Connection::own`] lies.
pub const OWN_OFFSET: usize = core::mem::offset_of!(Connection, own);

const _: () = {
    assert!(size_of::<Side>() == 80);
    assert!(size_of::<Moved>() == 24);
    assert!(CONNECTION_SIZE == 2 * 80 + 2 * 4 + 2 * 24 + 24);
    assert!(OWN_OFFSET == 2 * 80 + 2 * 4 + 2 * 24 + 1);
    assert!(align_of::<Connection>() == 8);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_moved_yet_is_told_later() {
        let mut moved = Moved {
            at: 5,
            shipped: 2,
            ..Moved::default()
        };
        assert_eq!((moved.whole(2), moved.late), (5, 0));
        assert_eq!((moved.whole(3), moved.late), (0, 1));
    }

    #[test]
    fn each_way_has_its_own_half() {
        let mut connection = Connection {
            ingress_shipped: 1,
            egress_shipped: 2,
            ..Connection::default()
        };
        connection.answered.at = 3;
        connection.taken_up.at = 4;
        let way = connection.way::<INGRESS>();
        assert_eq!((*way.shipped, way.others, way.moved.at), (1, 2, 3));
        let way = connection.way::<{ crate::record::EGRESS }>();
        assert_eq!((*way.shipped, way.others, way.moved.at), (2, 1, 4));
    }
}
