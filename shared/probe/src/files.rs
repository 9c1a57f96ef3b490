//! Which files a source names.
use super::pattern::Pattern;
use framefleet_frames::ReadError;
use framefleet_frames::extensions::is_image_extension;
use framefleet_stills::{Holds, holds};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

/// Extensions that make a file in a folder a video. A file that is named outright may have any.
const VIDEOS: &[&str] = &[
    "mp4", "m4v", "mov", "qt", "mkv", "mk3d", "webm", "avi", "divx", "mpg", "mpeg", "mpe", "m1v", "m2v", "mpv", "vob",
    "ts", "m2ts", "mts", "m2t", "tod", "mod", "mxf", "gxf", "wmv", "asf", "flv", "f4v", "ogv", "ogm", "rm", "rmvb",
    "3gp", "3g2", "dv", "dif", "nut", "ivf", "y4m", "h264", "264", "h265", "hevc", "265", "mjpeg", "gif", "mpeg4",
    "mp4v", "m4s", "ismv", "insv", "360", "lrv", "lrf", "dav", "mjpg", "mjpe", "obu", "av1", "vc1", "ogg", "ogx",
    "wtv", "swf", "apng", "avc", "h26l", "26l", "jsv", "h261", "261", "h263", "263", "m2p", "mp2v", "mpg2", "vro",
    "evo", "evob", "trp", "tp", "dvr-ms", "xvid", "k3g", "skm", "nsv", "nuv", "pva", "fli", "flc", "roq", "smk", "bik",
    "amv", "drc", "cavs", "avs2", "avs3", "vvc", "266", "h266", "rcv", "viv", "thp", "mxg", "mlv", "cine",
];

/// Extensions of files that may be sound alone: then they are of no kind that is read.
const SOUND: &[&str] = &["ogg", "ogx"];

/// Extensions of lists of files.
const LISTS: [&str; 3] = ["txt", "list", "lst"];

/// Bytes of a list of files.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Why a path that FFmpeg, protobuf or JSON cannot carry is refused.
const NOT_UTF8: &str = "the path is not valid UTF-8: rename the file or its folder";

/// Something that may be an item.
pub(super) enum Candidate {
    /// A file.
    Video { name: String, path: PathBuf },
    /// Images of one folder, in natural order of their names.
    Images { name: String, folder: PathBuf, files: Vec<String> },
    /// A file of several pictures.
    Pages { name: String, folder: PathBuf, file: String, count: u32 },
    /// An animated file that only the image library reads.
    Animation { name: String, folder: PathBuf, file: String, durations: Vec<u32> },
}

impl Candidate {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Video { name, .. }
            | Self::Images { name, .. }
            | Self::Pages { name, .. }
            | Self::Animation { name, .. } => name,
        }
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) candidates: Vec<Candidate>,
    /// Files that cannot even be looked at.
    pub(super) refused: Vec<(String, String)>,
    /// How many files of folders are of kinds that are not read, by extension.
    pub(super) passed_over: BTreeMap<String, u64>,
}

/// What a file is by its name.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Image,
    Video,
    List,
    Other,
}

/// Finds the files that `source` names.
pub(super) fn find(source: &str) -> Result<Candidates, ReadError> {
    let given = Path::new(source);
    let path = std::path::absolute(given).map_err(|error| ReadError::io(given, error))?;
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => gather(&path, walk(&path, &Wanted::Footage)),
        Ok(_) if kind_of(&path) == Kind::List => read_list(&path),
        Ok(_) => {
            let folder = path.parent().unwrap_or(&path).to_owned();
            Ok(one_file(&folder, &path))
        }
        Err(_) if source.contains(['*', '?', '[', '{']) => find_pattern(source, &path),
        Err(error) => Err(ReadError::io(given, error)),
    }
}

/// What a walk or a list gave.
#[derive(Default)]
struct Listing {
    paths: Vec<PathBuf>,
    refused: Vec<(String, String)>,
    passed_over: BTreeMap<String, u64>,
}

/// Which files below a folder are wanted.
enum Wanted {
    /// Images and videos.
    Footage,
    /// Those of a pattern.
    Pattern(Pattern),
}

impl Wanted {
    /// Whether a path may lead to wanted files, or be one.
    fn may_be(&self, relative: &Path) -> bool {
        match self {
            Self::Footage => true,
            Self::Pattern(pattern) => pattern.may_lead_to(relative),
        }
    }
}

/// Files below a folder that are wanted. Folders in which none can be are not walked.
fn walk(root: &Path, wanted: &Wanted) -> Listing {
    let mut listing = Listing::default();
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || (!is_passed_over(entry.path()) && wanted.may_be(&relative(entry.path())))
    };
    for entry in WalkDir::new(root).follow_links(true).into_iter().filter_entry(visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => match (wanted, kind_of(entry.path())) {
                (Wanted::Footage, Kind::Image | Kind::Video) => listing.paths.push(entry.into_path()),
                (Wanted::Footage, _) => *listing.passed_over.entry(extension_of(entry.path())).or_default() += 1,
                (Wanted::Pattern(pattern), _) if pattern.matches(&relative(entry.path())) => {
                    listing.paths.push(entry.into_path());
                }
                _ => {}
            },
            Ok(_) => {}
            Err(error) if error.path().is_some_and(|path| !wanted.may_be(&relative(path))) => {}
            Err(error) => {
                let name = error.path().map_or_else(|| root.display().to_string(), |path| path.display().to_string());
                listing.refused.push((name, error.to_string()));
            }
        }
    }
    listing
}

/// The extension that files of no known kind are counted by.
fn extension_of(path: &Path) -> String {
    path.extension().map(|extension| format!(".{}", extension.to_string_lossy().to_lowercase())).unwrap_or_default()
}

/// Hidden files, and outputs of earlier jobs.
fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.starts_with('.') || name.ends_with(".framefleet") || path.join(".framefleet").is_dir()
}

/// Files that match a pattern.
fn find_pattern(source: &str, path: &Path) -> Result<Candidates, ReadError> {
    let root = fixed_part(path);
    let rest = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    let pattern = Pattern::new(&rest)
        .map_err(|error| ReadError::Pattern { pattern: source.to_owned(), problem: error.to_string() })?;
    if !root.is_dir() {
        return Err(ReadError::NotFound(source.to_owned()));
    }
    let listing = walk(&root, &Wanted::Pattern(pattern));
    if listing.paths.is_empty() && listing.refused.is_empty() {
        return Err(ReadError::NotFound(source.to_owned()));
    }
    gather(&root, listing)
}

/// The folders of a pattern before its first special character. What exists under a name is that: `show [1080p]` is a folder, if there is one.
fn fixed_part(path: &Path) -> PathBuf {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let mut fixed = PathBuf::new();
    for part in path.components() {
        let next = fixed.join(part);
        if !is_plain(&part) && !next.is_dir() {
            break;
        }
        fixed = next;
    }
    fixed
}

/// Files that a text file lists.
fn read_list(list: &Path) -> Result<Candidates, ReadError> {
    let folder = list.parent().unwrap_or(list);
    let length = std::fs::metadata(list).map_err(|error| ReadError::io(list, error))?.len();
    if length > MAX_LIST_BYTES {
        return Err(ReadError::FrameBytes { path: list.to_owned(), bytes: length, limit: MAX_LIST_BYTES });
    }
    let text = list_text(&std::fs::read(list).map_err(|error| ReadError::io(list, error))?)
        .ok_or_else(|| ReadError::Name(list.to_owned()))?;
    let mut listing = Listing::default();
    let lines: BTreeSet<&str> = text
        .lines()
        .map(|line| exact_or_trimmed(folder, line))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    for line in lines {
        let path = folder.join(line);
        if path.is_file() {
            listing.paths.push(std::path::absolute(&path).map_err(|error| ReadError::io(&path, error))?);
        } else {
            listing.refused.push((line.to_owned(), "no such file".to_owned()));
        }
    }
    let root = common_folder(&listing.paths).unwrap_or_else(|| folder.to_owned());
    gather(&root, listing)
}

/// The text of a list in UTF-8 or, with a byte-order mark, UTF-16, as editors write it; without the mark.
fn list_text(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        text => String::from_utf8(text.to_vec()).ok(),
    }
}

/// A line of a list as a name: blanks at its ends count where there is such a file.
fn exact_or_trimmed<'l>(folder: &Path, line: &'l str) -> &'l str {
    if folder.join(line).is_file() { line } else { line.trim() }
}

/// The deepest folder that all files lie in.
fn common_folder(paths: &[PathBuf]) -> Option<PathBuf> {
    let mut common = paths.first()?.parent()?.to_owned();
    for path in paths {
        while !path.starts_with(&common) {
            common = common.parent()?.to_owned();
        }
    }
    Some(common)
}

/// A file that the user names.
fn one_file(folder: &Path, path: &Path) -> Candidates {
    let mut found = Candidates::default();
    let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
        found.refused.push((readable(path), NOT_UTF8.to_owned()));
        return found;
    };
    let single = || Candidate::Images { name: name.clone(), folder: folder.to_owned(), files: vec![name.clone()] };
    found.candidates.push(match kind_of(path) {
        Kind::Image => several(name.clone(), path).unwrap_or_else(single),
        _ => Candidate::Video { name, path: path.to_owned() },
    });
    found
}

/// An image file that is an item of its own, since it holds several pictures.
fn several(name: String, path: &Path) -> Option<Candidate> {
    let (folder, file) = (path.parent()?.to_owned(), path.file_name()?.to_str()?.to_owned());
    match holds(path) {
        Holds::Picture => None,
        Holds::Pages(count) => Some(Candidate::Pages { name, folder, file, count }),
        Holds::Animation(durations) => Some(Candidate::Animation { name, folder, file, durations }),
        Holds::Film => Some(Candidate::Video { name, path: path.to_owned() }),
    }
}

/// Groups the images of each folder; every other file, and every image file of several pictures, stands for itself. Names are relative
/// to `root`.
fn gather(root: &Path, listing: Listing) -> Result<Candidates, ReadError> {
    let Listing { paths, refused, passed_over } = listing;
    let mut found = Candidates { candidates: Vec::new(), refused, passed_over };
    let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for path in paths {
        let (Some(name), Some(file)) = (relative_name(root, &path), path.file_name().and_then(|file| file.to_str()))
        else {
            found.refused.push((readable(&path), NOT_UTF8.to_owned()));
            continue;
        };
        match kind_of(&path) {
            Kind::Image => match several(name, &path) {
                Some(candidate) => found.candidates.push(candidate),
                None => folders.entry(path.parent().unwrap_or(root).to_owned()).or_default().push(file.to_owned()),
            },
            _ => found.candidates.push(Candidate::Video { name, path }),
        }
    }
    let taken: BTreeSet<String> = folders.keys().filter_map(|folder| relative_name(root, folder)).collect();
    for (folder, mut files) in folders {
        files.sort_by(|a, b| natord::compare(a, b).then_with(|| a.cmp(b)));
        let name =
            relative_name(root, &folder).filter(|name| !name.is_empty()).unwrap_or_else(|| root_name(root, &taken));
        found.candidates.push(Candidate::Images { name, folder, files });
    }
    Ok(found)
}

/// Name of the item that the images directly in the root are.
fn root_name(root: &Path, taken: &BTreeSet<String>) -> String {
    let own = root.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    own.filter(|name| !taken.contains(name)).unwrap_or_else(|| ".".to_owned())
}

/// Path below `root`, with '/'; `None` when it is no UTF-8.
fn relative_name(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

/// Whether a file of this name may be sound alone.
pub(super) fn may_be_sound(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| SOUND.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// A path that is no UTF-8 as a person can read it: bytes that are no character as `\xE9`.
fn readable(path: &Path) -> String {
    let chunks = path.as_os_str().as_encoded_bytes().utf8_chunks();
    let text = |chunk: std::str::Utf8Chunk| {
        let bytes: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")).collect();
        format!("{}{bytes}", chunk.valid())
    };
    chunks.map(text).collect()
}

fn kind_of(path: &Path) -> Kind {
    let extension =
        path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let is_in = |list: &[&str]| list.contains(&extension.as_str());
    match () {
        () if path.extension().is_some_and(is_image_extension) => Kind::Image,
        () if is_in(VIDEOS) => Kind::Video,
        () if is_in(&LISTS) => Kind::List,
        () => Kind::Other,
    }
}
