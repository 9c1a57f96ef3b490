//! A folder of four photographs, of four sizes, two orientations (one by EXIF) and two formats, with persons that were marked by hand.
use framefleet_testkit::sample;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A photograph: a part of a picture of the samples, scaled.
pub struct Photograph {
    /// Its file in the folder.
    pub file: &'static str,
    /// What its artifacts are called by.
    pub stem: &'static str,
    sample: &'static str,
    /// Left, top, width and height of the part, pixels of the sample.
    part: [f64; 4],
    scale: f64,
    /// Whether it lies on its side in the file, and EXIF says so.
    on_its_side: bool,
}

/// Persons on a photograph, pixels of the photograph as it is seen.
pub struct Person {
    pub corners: [f64; 4],
    pub nose: Option<[f64; 2]>,
}

/// In natural order of their names.
pub const ALL: [Photograph; 4] = [
    // Smaller than a proxy.
    Photograph {
        file: "court.png",
        stem: "court",
        sample: "basketball1.png",
        part: [0.0, 0.0, 640.0, 480.0],
        scale: 0.9,
        on_its_side: false,
    },
    Photograph {
        file: "match.jpg",
        stem: "match",
        sample: "messi5.jpg",
        part: [0.0, 0.0, 548.0, 342.0],
        scale: 2.5,
        on_its_side: false,
    },
    Photograph {
        file: "street.jpg",
        stem: "street.jpg",
        sample: "astronaut.png",
        part: [0.0, 0.0, 400.0, 512.0],
        scale: 2.5,
        on_its_side: true,
    },
    Photograph {
        file: "street.png",
        stem: "street.png",
        sample: "vtest.avi",
        part: [430.0, 180.0, 240.0, 180.0],
        scale: 4.0,
        on_its_side: false,
    },
];

impl Photograph {
    /// Width and height as it is seen.
    pub fn size(&self) -> (u64, u64) {
        ((self.part[2] * self.scale) as u64, (self.part[3] * self.scale) as u64)
    }

    /// The persons on it.
    pub fn persons(&self) -> Vec<Person> {
        let labels: Value =
            serde_json::from_str(include_str!("../../../services/pose/tests/labels/coco17.json")).unwrap();
        let own =
            labels["pictures"].as_array().unwrap().iter().find(|picture| picture["sample"] == self.sample).unwrap();
        let placed = |at: &[f64]| [(at[0] - self.part[0]) * self.scale, (at[1] - self.part[1]) * self.scale];
        let person = |label: &Value| {
            let corners: Vec<f64> = numbers(&label["box"]);
            let ([x0, y0], [x1, y1]) = (placed(&corners[..2]), placed(&corners[2..]));
            let nose = label["points"].get("nose").map(|nose| placed(&numbers(nose)));
            Person { corners: [x0, y0, x1, y1], nose }
        };
        own["persons"].as_array().unwrap().iter().map(person).collect()
    }

    fn write(&self, folder: &Path) {
        let [left, top, width, height] = self.part;
        let (to_width, to_height) = self.size();
        let first = if self.sample == "vtest.avi" { "select=eq(n\\,60)," } else { "" };
        let turned = if self.on_its_side { ",transpose=cclock" } else { "" };
        let filter = format!("{first}crop={width}:{height}:{left}:{top},scale={to_width}:{to_height}{turned}");
        let path = folder.join(self.file);
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(sample(self.sample).unwrap())
            .args(["-vf", &filter, "-frames:v", "1", "-q:v", "2", "-update", "1"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        if self.on_its_side {
            add_orientation(&path);
        }
    }
}

/// Makes the folder.
pub fn photographs(folder: &Path) -> PathBuf {
    let folder = folder.join("photographs");
    std::fs::create_dir(&folder).unwrap();
    ALL.iter().for_each(|photograph| photograph.write(&folder));
    folder
}

/// Says in a JPEG file that it is to be turned clockwise by a quarter (orientation 6).
fn add_orientation(path: &Path) {
    let exif = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut bytes = std::fs::read(path).unwrap();
    bytes.splice(2..2, exif.iter().copied());
    std::fs::write(path, bytes).unwrap();
}

/// A list of numbers.
pub fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}
