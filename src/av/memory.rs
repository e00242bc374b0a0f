//! What becomes of memory that FFmpeg and x264 give back.

/// Keeps freed memory for the next to ask. Each chunk's encoder takes some hundred megabytes of pictures and frees them;
/// given back to the system, every page would be cleared anew for the next chunk, which is 3 % of all CPU.
#[cfg(target_env = "gnu")]
pub fn keep_freed() {
    use nix::libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
    // larger than any picture; glibc takes no more
    const LARGEST_KEPT: i32 = 32 << 20;
    const MOST_KEPT: i32 = 1 << 30;
    // SAFETY: mallopt takes plain numbers, locks the allocator, and refuses what it does not know. A failure changes nothing.
    unsafe {
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT);
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT);
    }
}

/// Other C libraries have allocators of their own mind.
#[cfg(not(target_env = "gnu"))]
pub fn keep_freed() {}
