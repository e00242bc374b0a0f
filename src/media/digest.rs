//! SHA-256 sums (FIPS 180-4) of what passes by, in hexadecimal.

use std::io;

use sha2::{Digest, Sha256};

/// Takes the sum of all that is written to it.
#[derive(Debug, Default)]
pub struct Sha256Writer(Sha256);

impl Sha256Writer {
    /// The sum of what was written, in hexadecimal.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

impl io::Write for Sha256Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 sum of `bytes`, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_sum_of_the_whole() {
        let mut writer = Sha256Writer::default();
        io::copy(&mut &b"ab"[..], &mut writer).unwrap();
        io::copy(&mut &b"c"[..], &mut writer).unwrap();
        // FIPS 180-4's example
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(writer.finish(), sum);
        assert_eq!(sha256_hex(b"abc"), sum);
    }
}
