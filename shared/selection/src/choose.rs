//! From criteria to the objects that meet them.
use crate::candidate::{Candidate, Person};
use crate::selection::Selection;
use crate::similarity::{hash, similarity};
use crate::{Criteria, SelectionError};
use framefleet_frames::Pictures;
use framefleet_ledger::{Ledger, Manifest};
use framefleet_objects::Shots;
use framefleet_objects::{Object, Objects};
use framefleet_vision::mat::rgb8;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The selection of an output that meets some criteria; `pictures` are read only to find what is too similar. In memory are the objects that
/// pass the filters.
pub async fn choose(
    ledger: &Ledger,
    name: &str,
    criteria: &Criteria,
    pictures: &mut dyn Pictures,
) -> Result<Selection, SelectionError> {
    let mut manifests = ledger.manifests().await?;
    manifests.sort_by(|a, b| a.step.cmp(&b.step));
    let shots = Shots::read(ledger, &manifests).await?;
    let (candidates, steps) = candidates(ledger, &manifests, criteria, &shots).await?;
    let chosen = of_candidates(candidates, criteria, pictures)?;
    Selection::new(name, criteria.clone(), steps, &chosen)
}

/// The objects that pass the filters, and the steps that they are of.
async fn candidates<'a>(
    ledger: &'a Ledger,
    manifests: &'a [Manifest],
    criteria: &Criteria,
    shots: &Shots,
) -> Result<(Vec<Candidate<'a>>, Vec<String>), SelectionError> {
    let Some(mut objects) = Objects::open(ledger, manifests, &[], false).await? else {
        return Err(SelectionError::NoObjects);
    };
    let steps = objects.steps();
    let places: HashMap<&str, usize> =
        objects.items().iter().enumerate().map(|(place, item)| (item.name.as_str(), place)).collect();
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    while let Some(frame) = objects.next().await? {
        let place = places.get(frame.item.name.as_str()).copied().unwrap_or_default();
        let shot = shots.of(frame.item, frame.number);
        for object in &frame.objects {
            known.extend(object.identity.map(|number| number.to_string()));
            known.extend(object.name.clone());
            let candidate = Candidate::new(&frame, place, shot, object);
            let is_large = criteria.min_size.is_none_or(|least| candidate.size >= least);
            if is_large && is_wanted(object, &criteria.identities) {
                found.push(candidate);
            }
        }
    }
    if let Some(unknown) = criteria.identities.iter().find(|wanted| !known.contains(*wanted)) {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(SelectionError::Unknown { wanted: unknown.clone(), known });
    }
    Ok((found, steps))
}

/// Whether an object is one of these people, by name or number.
fn is_wanted(object: &Object, identities: &[String]) -> bool {
    let is = |wanted: &String| {
        object.name.as_ref() == Some(wanted) || object.identity.is_some_and(|number| number.to_string() == *wanted)
    };
    identities.is_empty() || identities.iter().any(is)
}

/// Those of the candidates that the criteria leave, in the order of the output.
fn of_candidates<'a>(
    mut candidates: Vec<Candidate<'a>>,
    criteria: &Criteria,
    pictures: &mut dyn Pictures,
) -> Result<Vec<Candidate<'a>>, SelectionError> {
    candidates.sort_by(Candidate::better);
    if criteria.one_per_shot {
        let mut seen = HashSet::new();
        candidates.retain(|one| seen.insert((one.place, one.shot, one.person.clone())));
    }
    if let Some(most) = criteria.max_similar {
        candidates = without_similar(candidates, most, pictures)?;
    }
    if let Some(count) = criteria.sharpest {
        if !candidates.is_empty() && candidates.iter().all(|one| one.sharpness.is_none()) {
            return Err(SelectionError::NoSharpness);
        }
        candidates.retain(|one| one.sharpness.is_some());
        let mut taken: HashMap<Person, usize> = HashMap::new();
        candidates.retain(|one| {
            let taken = taken.entry(one.person.clone()).or_default();
            *taken += 1;
            *taken <= count
        });
    }
    candidates.sort_by(|a, b| a.place_in_output().cmp(&b.place_in_output()));
    Ok(candidates)
}

/// Of pictures of a person that look more alike than `most`, the best one. Candidates come best first, and stay so.
fn without_similar<'a>(
    candidates: Vec<Candidate<'a>>,
    most: f64,
    pictures: &mut dyn Pictures,
) -> Result<Vec<Candidate<'a>>, SelectionError> {
    let hashes = hashes(&candidates, pictures)?;
    let mut kept: HashMap<Person, Vec<u64>> = HashMap::new();
    let mut left = Vec::new();
    for (candidate, hash) in candidates.into_iter().zip(hashes) {
        let others = kept.entry(candidate.person.clone()).or_default();
        if others.iter().all(|other| similarity(*other, hash) <= most) {
            others.push(hash);
            left.push(candidate);
        }
    }
    Ok(left)
}

/// The hash of each candidate's part of its picture; pictures are read in the order of the output.
fn hashes(candidates: &[Candidate<'_>], pictures: &mut dyn Pictures) -> Result<Vec<u64>, SelectionError> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&at| candidates[at].place_in_output());
    let mut hashes = vec![0; candidates.len()];
    for at in order {
        let candidate = &candidates[at];
        let wrong =
            |reason| SelectionError::Picture { item: candidate.item.name.clone(), frame: candidate.frame, reason };
        let frame = pictures.picture(candidate.item, candidate.frame).map_err(wrong)?;
        let frame = frame.ok_or_else(|| wrong("it cannot be decoded".to_owned()))?;
        hashes[at] = hash(&rgb8(&frame.image)?, candidate.corners)?;
    }
    Ok(hashes)
}
