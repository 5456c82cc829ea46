//! `monitor`: a node tells a connected client of new messages (protocol: storage-rpc, section
//! 5.17).
