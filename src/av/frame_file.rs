//! Decoded sound written to a file and read back, bit for bit. The file is a process's own and never leaves it.

use std::io::{self, Read, Write};

use ffmpeg::{ChannelLayout, format};
use ffmpeg_next as ffmpeg;

use super::AudioFrame;

/// What a frame's record begins with: PTS, samples, rate, channel layout, format, and whether samples follow.
const HEADER: usize = 26;
/// Frames with more channels are not written.
const MOST_CHANNELS: u16 = 8;

impl AudioFrame {
    /// Writes the frame. Fails as `Unsupported` if it is of a kind that is not written.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let (Some(pts), Some(kind)) = (self.pts(), kind(self.inner.format())) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let layout = self.inner.channel_layout().bits();
        if layout == 0 || self.inner.channels() > MOST_CHANNELS || self.inner.planes() == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let planes: Vec<&[u8]> = (0..self.inner.planes())
            .map(|plane| &self.inner.data(plane)[..plane_bytes(&self.inner)])
            .collect();
        let is_silent = planes.iter().all(|plane| plane.iter().all(|byte| *byte == 0));
        let mut header = Vec::with_capacity(HEADER);
        header.extend(pts.to_le_bytes());
        header.extend((self.samples() as u32).to_le_bytes());
        header.extend(self.rate().to_le_bytes());
        header.extend(layout.to_le_bytes());
        header.extend([kind, u8::from(!is_silent)]);
        out.write_all(&header)?;
        match is_silent {
            true => Ok(()),
            false => planes.iter().try_for_each(|plane| out.write_all(plane)),
        }
    }

    /// The next frame that was written, or `None` at the end.
    pub fn read_from(input: &mut impl Read) -> io::Result<Option<AudioFrame>> {
        let mut header = [0; HEADER];
        match input.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let (pts, rest) = header.split_first_chunk().expect("a header is long enough");
        let (samples, rest) = rest.split_first_chunk().expect("a header is long enough");
        let (rate, rest) = rest.split_first_chunk().expect("a header is long enough");
        let (layout, rest) = rest.split_first_chunk().expect("a header is long enough");
        let [kind, has_samples] = rest.try_into().expect("a header ends so");
        let format = format_of(kind).ok_or(io::ErrorKind::InvalidData)?;
        let layout = ChannelLayout::from_bits_truncate(u64::from_le_bytes(*layout));
        let mut frame = ffmpeg::frame::Audio::new(format, u32::from_le_bytes(*samples) as usize, layout);
        frame.set_channels(layout.channels() as u16);
        frame.set_rate(u32::from_le_bytes(*rate));
        // SAFETY: the frame is valid and of our own; this is a plain field.
        unsafe { (*frame.as_mut_ptr()).best_effort_timestamp = i64::from_le_bytes(*pts) };
        let bytes = plane_bytes(&frame);
        for plane in 0..frame.planes() {
            let plane = &mut frame.data_mut(plane)[..bytes];
            match has_samples {
                0 => plane.fill(0),
                _ => input.read_exact(plane)?,
            }
        }
        Ok(Some(AudioFrame { inner: frame }))
    }
}

fn plane_bytes(frame: &ffmpeg::frame::Audio) -> usize {
    let channels = if frame.is_packed() {
        usize::from(frame.channels())
    } else {
        1
    };
    frame.samples() * frame.format().bytes() * channels
}

/// What the decoders of Opus and AAC hand out.
const KINDS: [format::Sample; 3] = [
    format::Sample::F32(format::sample::Type::Planar),
    format::Sample::F32(format::sample::Type::Packed),
    format::Sample::I16(format::sample::Type::Packed),
];

fn kind(format: format::Sample) -> Option<u8> {
    KINDS.iter().position(|kind| *kind == format).map(|kind| kind as u8)
}

fn format_of(kind: u8) -> Option<format::Sample> {
    KINDS.get(usize::from(kind)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(format: format::Sample, layout: ChannelLayout, pts: i64, byte: impl Fn(usize) -> u8) -> AudioFrame {
        let mut inner = ffmpeg::frame::Audio::new(format, 960, layout);
        inner.set_rate(48_000);
        // SAFETY: the frame is valid and of our own; this is a plain field.
        unsafe { (*inner.as_mut_ptr()).best_effort_timestamp = pts };
        inner.set_channels(layout.channels() as u16);
        for plane in 0..inner.planes() {
            let bytes = inner.data_mut(plane);
            bytes
                .iter_mut()
                .enumerate()
                .for_each(|(index, place)| *place = byte(index + plane));
        }
        AudioFrame { inner }
    }

    fn bytes(frame: &AudioFrame) -> Vec<u8> {
        let planes = (0..frame.inner.planes()).flat_map(|plane| &frame.inner.data(plane)[..plane_bytes(&frame.inner)]);
        planes.copied().collect()
    }

    #[test]
    fn what_was_written_is_read_back_bit_for_bit() {
        let mut file = Vec::new();
        let mut written = Vec::new();
        for (at, format) in KINDS.into_iter().enumerate() {
            for (second, layout) in [ChannelLayout::MONO, ChannelLayout::STEREO].into_iter().enumerate() {
                let pts = (at * 10 + second) as i64 - 1;
                for silent in [true, false] {
                    written.push(frame(
                        format,
                        layout,
                        pts,
                        |index| if silent { 0 } else { (index % 251) as u8 },
                    ));
                }
            }
        }
        written.iter().for_each(|frame| frame.write_to(&mut file).unwrap());
        let mut input = file.as_slice();
        for expected in &written {
            let read = AudioFrame::read_from(&mut input).unwrap().unwrap();
            assert_eq!((read.pts(), read.samples(), read.rate()), (expected.pts(), 960, 48_000));
            assert_eq!(read.inner.format(), expected.inner.format());
            assert_eq!(read.inner.channel_layout(), expected.inner.channel_layout());
            assert_eq!(read.inner.channels(), expected.inner.channels());
            assert_eq!(bytes(&read), bytes(expected));
        }
        assert!(AudioFrame::read_from(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_file_that_was_cut_is_an_error() {
        let mut file = Vec::new();
        frame(KINDS[0], ChannelLayout::MONO, 0, |_| 1)
            .write_to(&mut file)
            .unwrap();
        file.truncate(file.len() - 1);
        assert!(AudioFrame::read_from(&mut file.as_slice()).is_err());
    }
}
