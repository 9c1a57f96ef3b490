//! FFmpeg's own messages: nothing goes to stderr, and what it says of a failure is part of the error.
use ffmpeg_next as ffmpeg;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// The last error that FFmpeg's containers and codecs reported on this thread.
    static LAST: RefCell<Option<Message>> = const { RefCell::new(None) };
}

/// An error that FFmpeg reported.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it says.
    pub text: String,
    /// A codec or parser says it, not the container.
    pub of_codec: bool,
}

/// Prepares FFmpeg, once per process: its error codes have texts, and its messages are kept for [`reason`].
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It only registers texts and formats; FFmpeg has no failure there.
        let _ = ffmpeg::init();
        capture::install();
    });
}

/// Forgets what was reported before on this thread.
pub fn forget() {
    LAST.with_borrow_mut(|last| *last = None);
}

/// What was reported since [`forget`], if anything.
pub fn take() -> Option<Message> {
    LAST.with_borrow_mut(Option::take)
}

/// What an error means: FFmpeg's text for it, before that what it reported while it failed ("moov atom not found").
pub fn reason(error: ffmpeg::Error) -> String {
    let text = error.to_string();
    match take() {
        Some(message) if !message.text.is_empty() && message.text != text => format!("{} ({text})", message.text),
        _ => text,
    }
}

/// Receiving messages needs C's `va_list`, whose form only this architecture's bindings have as a pointer; elsewhere errors have FFmpeg's
/// texts alone.
#[cfg(target_arch = "x86_64")]
mod capture {
    use super::{LAST, Message};
    use ffmpeg_next::ffi;
    use std::ffi::{CStr, c_char, c_int, c_void};

    /// Longest message that is kept whole, bytes.
    const LINE: usize = 512;

    pub(super) fn install() {
        // SAFETY: the callback may be called from any thread at any time, and is made for it.
        unsafe { ffi::av_log_set_callback(Some(receive)) };
    }

    /// Keeps errors, drops everything else before it is even formatted.
    unsafe extern "C" fn receive(
        context: *mut c_void,
        level: c_int,
        format: *const c_char,
        arguments: *mut ffi::__va_list_tag,
    ) {
        if level > ffi::AV_LOG_ERROR {
            return;
        }
        let mut line = [0u8; LINE];
        let mut prefix = 0;
        // SAFETY: the arguments are FFmpeg's own; the line has the length that is given and is terminated by the call. The prefix, which holds
        // an address, is asked away.
        unsafe {
            let to = line.as_mut_ptr().cast();
            ffi::av_log_format_line2(context, level, format, arguments, to, LINE as c_int, &mut prefix);
        }
        let text = CStr::from_bytes_until_nul(&line).map(|line| line.to_string_lossy().trim().to_owned());
        // SAFETY: what logs begins with a pointer to its class, or is null.
        let of_codec = unsafe { class_name(context) }.is_some_and(|name| name == c"AVCodecContext");
        let message = Message { text: text.unwrap_or_default(), of_codec };
        // Nobody asks a thread that is ending.
        let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(message)));
    }

    /// # Safety
    /// `context` is null or points to a structure that begins with a pointer to an `AVClass` or null.
    unsafe fn class_name<'a>(context: *mut c_void) -> Option<&'a CStr> {
        // SAFETY: as the caller promises; names of classes are static.
        unsafe {
            let class: *const ffi::AVClass = *context.cast::<*const ffi::AVClass>().as_ref()?;
            let name = class.as_ref()?.class_name;
            (!name.is_null()).then(|| CStr::from_ptr(name))
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod capture {
    pub(super) fn install() {
        ffmpeg_next::util::log::set_level(ffmpeg_next::util::log::Level::Quiet);
    }
}
