//! Tests of observer as a whole.
