//! A strict, stateful stand-in for LINE on loopback.
