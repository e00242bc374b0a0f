//! Gathering what the parallel parts of a rendering bring home.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{DumpFault, RenderError, Watch, chunk::EncodedChunk, mastering::Measured, mixer::Mixed};

/// Shared by all tasks of one rendering.
pub struct Outcome {
    began: Instant,
    state: Mutex<State>,
}

struct State {
    chunks: Vec<Option<EncodedChunk>>,
    faults: Vec<DumpFault>,
    measured: Measured,
    first_frame: Option<Duration>,
    error: Option<RenderError>,
}

/// What is left when all went well.
pub struct Finished {
    pub chunks: Vec<EncodedChunk>,
    pub faults: Vec<DumpFault>,
    /// The sound.
    pub measured: Measured,
    pub first_frame: Duration,
}

impl Outcome {
    pub fn new(chunks: usize, began: Instant) -> Outcome {
        let chunks = (0..chunks).map(|_| None).collect();
        Outcome {
            began,
            state: Mutex::new(State {
                chunks,
                faults: Vec::new(),
                measured: Measured::default(),
                first_frame: None,
                error: None,
            }),
        }
    }

    pub fn encoded(&self, result: Result<EncodedChunk, RenderError>, watch: &dyn Watch) {
        match result {
            Ok(chunk) => {
                watch.encoded(chunk.chunk.end.0 - chunk.chunk.start.0);
                let index = chunk.index;
                self.state().chunks[index] = Some(chunk);
            }
            Err(error) => self.failed(error),
        }
    }

    pub fn mixed(&self, result: Result<Mixed, RenderError>) {
        match result {
            Ok(mixed) => {
                let mut state = self.state();
                state.faults.extend(mixed.faults);
                state.measured = mixed.measured;
            }
            Err(error) => self.failed(error),
        }
    }

    pub fn first_frame(&self) {
        let elapsed = self.began.elapsed();
        self.state().first_frame.get_or_insert(elapsed);
    }

    /// The first error is the cause; later ones are its consequences.
    pub fn failed(&self, error: RenderError) {
        self.state().error.get_or_insert(error);
    }

    pub fn has_failed(&self) -> bool {
        self.state().error.is_some()
    }

    pub fn finish(self, picture_faults: Vec<DumpFault>) -> Result<Finished, RenderError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(error);
        }
        let chunks = state
            .chunks
            .into_iter()
            .map(|chunk| chunk.expect("without an error every chunk was encoded"))
            .collect();
        let mut faults = state.faults;
        faults.extend(picture_faults);
        faults.sort();
        Ok(Finished {
            chunks,
            faults,
            measured: state.measured,
            first_frame: state.first_frame.unwrap_or_default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a task that panicked takes the whole scope down anyway
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
