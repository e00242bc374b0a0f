pub mod media;
pub mod av;
pub mod session;
pub mod dump;
pub mod timeline;
