//! Where a file comes from.
use crate::digest::Sha256;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Where a file comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A file inside a package of a registry.
    Member(Member),
    /// An address, http or https.
    Url(String),
    /// A file of this machine; relative paths start at the catalogue that names them.
    Path(PathBuf),
    /// What a recipe makes of files inside packages.
    Recipe(Making),
    /// What an export makes of checkpoints on the user's machine: its digest is known once that is done.
    Export(Export),
    /// A file that comes with the program, and what made it.
    Kept {
        /// Its name below `models/`.
        file: String,
        /// What makes it again.
        making: Making,
    },
}

/// A file inside a package.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// The package's file.
    pub archive: Archive,
    /// Path inside it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// The file in which a registry distributes a package.
#[derive(Clone, Debug, Serialize)]
pub struct Archive {
    /// Its name in the catalogue.
    pub name: String,
    /// Which registry, and what the package is called there.
    pub package: Package,
    /// The package's version, exactly.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// A package, by registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Package {
    /// A wheel, fetched by pip from the index it is configured for.
    Pypi {
        /// Name of the distribution.
        name: String,
        /// Which of its wheels, when they differ; else the one that runs everywhere.
        wheel: Option<Wheel>,
    },
    /// A tarball, fetched by npm from the registry it is configured for.
    Npm {
        /// Name, with its scope.
        name: String,
    },
}

/// Which wheel of a distribution, by the tags of its name (PEP 425).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// CPython's version without the dot (`311`).
    pub python: String,
    /// The platform (`manylinux_2_28_x86_64`).
    pub platform: String,
}

/// What a recipe makes of which files.
#[derive(Clone, Debug, Serialize)]
pub struct Making {
    /// The script: `tools/convert/<recipe>.py`.
    pub recipe: String,
    /// The files it reads, in this order.
    pub inputs: Vec<Member>,
    /// More of its arguments.
    pub arguments: Vec<String>,
}

/// An export of checkpoints, by `framefleet models convert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Export {
    /// The script: `tools/convert/<recipe>.py`.
    pub recipe: String,
    /// Ids of the models whose first files it reads, in this order.
    pub checkpoints: Vec<String>,
    /// Its arguments before those files.
    pub arguments: Vec<String>,
}

impl Source {
    /// The export that it is a result of.
    pub fn export(&self) -> Option<&Export> {
        if let Self::Export(export) = self { Some(export) } else { None }
    }

    /// What makes it, whether or not the result is kept.
    pub fn making(&self) -> Option<&Making> {
        match self {
            Self::Recipe(making) | Self::Kept { making, .. } => Some(making),
            Self::Member(_) | Self::Url(_) | Self::Path(_) | Self::Export(_) => None,
        }
    }

    /// The files of packages that it is, or is made of.
    pub fn members(&self) -> Vec<&Member> {
        match (self, self.making()) {
            (Self::Member(member), _) => vec![member],
            (_, Some(making)) => making.inputs.iter().collect(),
            (_, None) => Vec::new(),
        }
    }
}

impl Archive {
    /// The package as its registry's client writes it: `name==1.2` or `@scope/name@1.2`.
    pub fn requirement(&self) -> String {
        match &self.package {
            Package::Pypi { name, .. } => format!("{name}=={}", self.version),
            Package::Npm { name } => format!("{name}@{}", self.version),
        }
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = match self.package {
            Package::Pypi { .. } => "PyPI",
            Package::Npm { .. } => "npm",
        };
        write!(formatter, "{} ({registry})", self.requirement())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.path, self.archive)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => member.fmt(formatter),
            Self::Url(url) => url.fmt(formatter),
            Self::Path(path) => path.display().fmt(formatter),
            Self::Recipe(making) => making.fmt(formatter),
            Self::Export(export) => export.fmt(formatter),
            Self::Kept { making, .. } => write!(formatter, "comes with the program; made by {making}"),
        }
    }
}

impl fmt::Display for Making {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<String> = self.inputs.iter().map(ToString::to_string).collect();
        write!(formatter, "recipe {} of {}", self.recipe, inputs.join(" and "))
    }
}

impl fmt::Display for Export {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "export {} of {}", self.recipe, self.checkpoints.join(" and "))
    }
}
