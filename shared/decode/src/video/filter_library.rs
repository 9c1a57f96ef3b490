//! libavfilter, loaded when the first frame is to be filtered: it and what it is linked with take longer to load than most commands run, and
//! most footage is not interlaced.
use ffmpeg_next::ffi::{AVFrame, LIBAVFORMAT_VERSION_MAJOR, av_opt_set_int};
use ffmpeg_next::frame;
use libloading::os::unix::Library;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::OnceLock;

/// The library's major version: all of FFmpeg counts up together, and this far apart since FFmpeg 4.
const MAJOR: i32 = LIBAVFORMAT_VERSION_MAJOR - 51;

/// What the library alone sees into.
#[repr(C)]
struct AVFilter([u8; 0]);
#[repr(C)]
struct AVFilterContext([u8; 0]);
#[repr(C)]
struct AVFilterGraph([u8; 0]);

/// Functions of libavfilter.
struct Functions {
    graph_alloc: unsafe extern "C" fn() -> *mut AVFilterGraph,
    graph_free: unsafe extern "C" fn(*mut *mut AVFilterGraph),
    graph_config: unsafe extern "C" fn(*mut AVFilterGraph, *mut c_void) -> c_int,
    get_by_name: unsafe extern "C" fn(*const c_char) -> *const AVFilter,
    create_filter: unsafe extern "C" fn(
        *mut *mut AVFilterContext,
        *const AVFilter,
        *const c_char,
        *const c_char,
        *mut c_void,
        *mut AVFilterGraph,
    ) -> c_int,
    link: unsafe extern "C" fn(*mut AVFilterContext, c_uint, *mut AVFilterContext, c_uint) -> c_int,
    add_frame: unsafe extern "C" fn(*mut AVFilterContext, *mut AVFrame) -> c_int,
    get_frame: unsafe extern "C" fn(*mut AVFilterContext, *mut AVFrame) -> c_int,
}

static FUNCTIONS: OnceLock<Result<Functions, String>> = OnceLock::new();

fn functions() -> Result<&'static Functions, String> {
    FUNCTIONS.get_or_init(load).as_ref().map_err(String::clone)
}

fn load() -> Result<Functions, String> {
    let name = format!("libavfilter.so.{MAJOR}");
    let wrong = |error: libloading::Error| format!("{name} is needed for interlaced footage: {error}");
    // SAFETY: FFmpeg's own library of the version that this program is built for; its initialisers do nothing but their own.
    let library = unsafe { Library::new(&name) }.map_err(wrong)?;
    macro_rules! function {
        ($symbol:literal) => {
            // SAFETY: the types are those of FFmpeg's headers of this version.
            *unsafe { library.get($symbol) }.map_err(wrong)?
        };
    }
    let functions = Functions {
        graph_alloc: function!(b"avfilter_graph_alloc"),
        graph_free: function!(b"avfilter_graph_free"),
        graph_config: function!(b"avfilter_graph_config"),
        get_by_name: function!(b"avfilter_get_by_name"),
        create_filter: function!(b"avfilter_graph_create_filter"),
        link: function!(b"avfilter_link"),
        add_frame: function!(b"av_buffersrc_add_frame"),
        get_frame: function!(b"av_buffersink_get_frame"),
    };
    // The functions live as long as the process.
    std::mem::forget(library);
    Ok(functions)
}

/// A chain of filters on one thread: frames go in at one end and come out at the other.
pub struct Chain {
    functions: &'static Functions,
    graph: *mut AVFilterGraph,
    source: *mut AVFilterContext,
    sink: *mut AVFilterContext,
}

impl Chain {
    /// source → filter → sink; the source's arguments describe the frames.
    ///
    /// # Errors
    /// No library, no such filter, or arguments that it refuses.
    pub fn new(source: &str, filter: &str, arguments: &str) -> Result<Self, String> {
        let functions = functions()?;
        // SAFETY: takes nothing; gives a graph of ours, or null.
        let graph = unsafe { (functions.graph_alloc)() };
        if graph.is_null() {
            return Err("no memory for a filter graph".to_owned());
        }
        let mut chain = Self { functions, graph, source: ptr::null_mut(), sink: ptr::null_mut() };
        // SAFETY: a graph has options, and is not configured yet.
        checked(unsafe { av_opt_set_int(chain.graph.cast(), c"threads".as_ptr(), 1, 0) })?;
        chain.source = chain.add("buffer", "in", source)?;
        let middle = chain.add(filter, "filter", arguments)?;
        chain.sink = chain.add("buffersink", "out", "")?;
        for (from, to) in [(chain.source, middle), (middle, chain.sink)] {
            // SAFETY: both belong to the graph, and have one pad on these sides.
            checked(unsafe { (functions.link)(from, 0, to, 0) })?;
        }
        // SAFETY: the graph is complete.
        checked(unsafe { (functions.graph_config)(graph, ptr::null_mut()) })?;
        Ok(chain)
    }

    fn add(&self, filter: &str, name: &str, arguments: &str) -> Result<*mut AVFilterContext, String> {
        let text = |text: &str| CString::new(text).map_err(|error| error.to_string());
        let (filter_name, name, arguments) = (text(filter)?, text(name)?, text(arguments)?);
        let mut context = ptr::null_mut();
        // SAFETY: a terminated name; the filter is a constant of the library, or null.
        let found = unsafe { (self.functions.get_by_name)(filter_name.as_ptr()) };
        if found.is_null() {
            return Err(format!("FFmpeg has no filter {filter}"));
        }
        let (name, arguments) = (name.as_ptr(), arguments.as_ptr());
        // SAFETY: all pointers are live; the context belongs to the graph.
        let code = unsafe {
            (self.functions.create_filter)(&mut context, found, name, arguments, ptr::null_mut(), self.graph)
        };
        checked(code).map(|()| context)
    }

    /// Puts a frame in, whose reference the chain takes; `None` says that no more come.
    pub fn put(&mut self, frame: Option<&mut frame::Video>) -> Result<(), String> {
        // SAFETY: the source belongs to the graph; the frame is alive, or null for the end.
        let code = unsafe {
            let frame = frame.map_or(ptr::null_mut(), |frame| frame.as_mut_ptr());
            (self.functions.add_frame)(self.source, frame)
        };
        checked(code)
    }

    /// Takes a frame that is ready.
    pub fn take(&mut self) -> Result<Option<frame::Video>, String> {
        let mut frame = frame::Video::empty();
        // SAFETY: the sink belongs to the graph; the frame is alive and empty.
        match unsafe { (self.functions.get_frame)(self.sink, frame.as_mut_ptr()) } {
            code if code >= 0 => Ok(Some(frame)),
            code => match ffmpeg_next::Error::from(code) {
                ffmpeg_next::Error::Eof => Ok(None),
                ffmpeg_next::Error::Other { errno } if errno == ffmpeg_next::error::EAGAIN => Ok(None),
                error => Err(error.to_string()),
            },
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // SAFETY: the graph is ours, and its filters go with it.
        unsafe { (self.functions.graph_free)(&mut self.graph) };
    }
}

fn checked(code: c_int) -> Result<(), String> {
    if code < 0 { Err(ffmpeg_next::Error::from(code).to_string()) } else { Ok(()) }
}
