//! Every thread ends before its run returns. A binary of its own: its tests look at all threads of
//! the process.

#![cfg(target_os = "linux")]

mod endings;
mod fault_injection;
