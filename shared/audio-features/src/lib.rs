//! Features of audio, and how signals are compared with it.
//!
//! * [`mfcc`]: mel-frequency cepstral coefficients (Davis and Mermelstein 1980),
//! * [`voice`]: voice activity by silero VAD,
//! * [`correlation`]: correlation of a signal that is sampled at the times of frames with one in equal steps, over a range of lags.
//!
//! Samples are mono, −1..1, at 16 kHz; times are nanoseconds.

pub mod correlation;
pub mod mfcc;
pub mod voice;
