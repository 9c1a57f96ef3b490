//! Statistics of the step over all items.
use crate::face::crops::cosine;
use crate::identities::Identified;
use crate::tracks::Track;
use serde::Serialize;

/// Statistics, as the summary shows them.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Items with results.
    pub items: u64,
    /// Frames with a result.
    pub frames: u64,
    /// Of these, frames without a face.
    pub frames_without_faces: u64,
    /// Faces found.
    pub faces: u64,
    /// Tracks.
    pub tracks: u64,
    /// Persons.
    pub identities: u64,
    /// Of these, persons with a name.
    pub named: u64,
    /// Faces of each identity, by its number.
    pub identity_faces: Vec<u64>,
    /// Share of the faces that belong to nobody (0–1); those of dropped identities do not count.
    pub noise_share: f64,
    /// Faces of identities that the user dropped.
    pub dropped_faces: u64,
    /// Faces that corrections speak of and that are not there any more.
    pub lost_targets: u64,
    /// Mean over all identified tracks of the simplified silhouette (Hruschka et al. 2004; distances, 1 − cosine, are to
    /// means), −1 to 1; `null` with fewer than two identities.
    pub silhouette: Option<f64>,
}

/// Counts frames and faces.
impl Summary {
    /// Adds what came of the tracks.
    pub fn add(&mut self, tracks: &[Track], identified: &Identified, silhouettes: &[Option<f32>]) {
        let faces = |track: &usize| tracks[*track].faces.len() as u64;
        self.tracks = tracks.len() as u64;
        self.identities = identified.persons.len() as u64;
        self.named = identified.persons.iter().filter(|person| person.name.is_some()).count() as u64;
        self.identity_faces = identified.persons.iter().map(|person| person.tracks.iter().map(faces).sum()).collect();
        self.dropped_faces = identified.dropped.iter().map(faces).sum();
        self.lost_targets = identified.lost_targets;
        let counted = self.faces - self.dropped_faces;
        let noise = counted - self.identity_faces.iter().sum::<u64>();
        self.noise_share = if counted > 0 { noise as f64 / counted as f64 } else { 0.0 };
        let known: Vec<f32> = silhouettes.iter().flatten().copied().collect();
        self.silhouette = mean(&known).map(f64::from);
    }
}

/// The simplified silhouette of every track; `None` for those of nobody, and when there is only one person.
pub fn silhouettes(tracks: &[Track], identified: &Identified) -> Vec<Option<f32>> {
    let of = |(track, person): (&Track, &Option<(usize, f32)>)| {
        let (own, _) = (*person)?;
        let distance = |number: usize| 1.0 - cosine(&track.vector, &identified.persons[number].mean);
        let others = (0..identified.persons.len()).filter(|other| *other != own).map(distance);
        let (near, far) = (distance(own), others.min_by(f32::total_cmp)?);
        let larger = near.max(far);
        (!track.vector.is_empty()).then(|| if larger > 0.0 { (far - near) / larger } else { 0.0 })
    };
    tracks.iter().zip(&identified.of_track).map(of).collect()
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f32]) -> Option<f32> {
    (!values.is_empty())
        .then(|| (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64) as f32)
}
