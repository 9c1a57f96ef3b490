//! What a model's file takes and gives, compared with what its entry says.
use crate::error::ModelError;
use crate::model::{Dimension, Model, Tensor};

/// A name that no source states: such a tensor is known by its place alone.
const ANY: &str = "*";

/// Which side of a model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

impl Model {
    /// Compares what its file really takes and gives with the entry. An entry that says nothing of its tensors agrees with
    /// every file.
    ///
    /// Names, elements and ranks have to be the same. A size that the entry fixes may be open in the file; one that the
    /// entry leaves open has to be open in an input. A file may give more than the entry says, and takes nothing else.
    ///
    /// # Errors
    /// [`ModelError::Signature`] names the tensor that differs.
    pub fn check_signature(&self, inputs: &[Tensor], outputs: &[Tensor]) -> Result<(), ModelError> {
        if self.inputs.is_empty() && self.outputs.is_empty() {
            return Ok(());
        }
        self.check_side(Side::Input, &self.inputs, inputs)?;
        self.check_side(Side::Output, &self.outputs, outputs)
    }

    fn check_side(&self, side: Side, stated: &[Tensor], found: &[Tensor]) -> Result<(), ModelError> {
        let wrong = |name: &str, reason: String| {
            let kind = if side == Side::Input { "input" } else { "output" };
            ModelError::Signature { id: self.id.clone(), tensor: format!("{kind} \"{name}\""), reason }
        };
        for (place, tensor) in stated.iter().enumerate() {
            let same = match tensor.name.as_str() {
                ANY => found.get(place),
                name => found.iter().find(|found| found.name == name),
            };
            let Some(same) = same else {
                let known: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
                return Err(wrong(&tensor.name, format!("is not in the file, which has {}", known.join(", "))));
            };
            if !agrees(side, tensor, same) {
                return Err(wrong(&same.name, format!("is {same} in the file, and {tensor} in the catalogue")));
            }
        }
        let is_stated = |(place, found): &(usize, &Tensor)| {
            stated.iter().any(|stated| stated.name == found.name)
                || stated.get(*place).is_some_and(|stated| stated.name == ANY)
        };
        match found.iter().enumerate().find(|found| !is_stated(found)) {
            Some((_, more)) if side == Side::Input => {
                Err(wrong(&more.name, "is asked for by the file, and is not in the catalogue".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn agrees(side: Side, stated: &Tensor, found: &Tensor) -> bool {
    let same = |(stated, found): (&Dimension, &Dimension)| match (stated, found) {
        (Dimension::Fixed(stated), Dimension::Fixed(found)) => stated == found,
        (Dimension::Named(_), Dimension::Fixed(_)) => side == Side::Output,
        (_, Dimension::Named(_)) => true,
    };
    // An output whose shape the file does not state at all has no rank to compare.
    let unstated = side == Side::Output && found.shape.is_empty();
    stated.element == found.element
        && (unstated || stated.shape.len() == found.shape.len() && stated.shape.iter().zip(&found.shape).all(same))
}

impl std::fmt::Display for Tensor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(Dimension::to_string).collect();
        let element = format!("{:?}", self.element).to_lowercase();
        write!(formatter, "{element} [{}]", shape.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;
    use crate::model::{Dimension, Element, Model, Tensor};

    fn tensor(name: &str, element: Element, shape: &[i64]) -> Tensor {
        let size =
            |size: &i64| u64::try_from(*size).map_or_else(|_| Dimension::Named("D".to_owned()), Dimension::Fixed);
        Tensor { name: name.to_owned(), element, shape: shape.iter().map(size).collect() }
    }

    fn model(inputs: Vec<Tensor>, outputs: Vec<Tensor>) -> Model {
        let any = Catalogue::built_in().unwrap().models()[0].clone();
        Model { id: "m".to_owned(), inputs, outputs, ..any }
    }

    #[test]
    fn a_difference_is_said_by_model_tensor_and_both_sides() {
        use Element::{F32, I64};
        let stated = model(
            vec![tensor("image", F32, &[-1, 3, 64, 64]), tensor("size", I64, &[2])],
            vec![tensor("mask", F32, &[-1, 1, 64, 64])],
        );
        let check = |inputs: &[Tensor], outputs: &[Tensor]| stated.check_signature(inputs, outputs);
        let image = || tensor("image", F32, &[-1, 3, 64, 64]);
        let size = || tensor("size", I64, &[2]);
        let mask = || tensor("mask", F32, &[-1, 1, 64, 64]);
        check(&[image(), size()], &[mask()]).unwrap();
        check(&[size(), image()], &[tensor("more", I64, &[1]), mask()]).unwrap();
        check(&[tensor("image", F32, &[-1, -1, -1, -1]), size()], &[tensor("mask", F32, &[1, 1, 64, 64])]).unwrap();
        for (inputs, outputs, says) in [
            (vec![image()], vec![mask()], "input \"size\" is not in the file, which has image"),
            (
                vec![image(), size(), tensor("extra", F32, &[1])],
                vec![mask()],
                "input \"extra\" is asked for by the file",
            ),
            (vec![tensor("image", F32, &[1, 3, 64, 64]), size()], vec![mask()], "f32 [1, 3, 64, 64] in the file"),
            (vec![tensor("image", F32, &[-1, 3, 32, 64]), size()], vec![mask()], "input \"image\""),
            (vec![tensor("image", F32, &[3, 64, 64]), size()], vec![mask()], "f32 [3, 64, 64] in the file"),
            (vec![image(), tensor("size", F32, &[2])], vec![mask()], "input \"size\" is f32 [2] in the file"),
            (vec![image(), size()], vec![tensor("masks", F32, &[-1, 1, 64, 64])], "output \"mask\" is not in the file"),
            (vec![image(), size()], vec![tensor("mask", F32, &[-1, 2, 64, 64])], "i64"),
        ] {
            let error = check(&inputs, &outputs).unwrap_err().to_string();
            let says = if says == "i64" { "output \"mask\" is f32 [D, 2, 64, 64] in the file" } else { says };
            assert!(error.starts_with("model m: ") && error.contains(says), "wanted {says}: {error}");
        }
    }

    #[test]
    fn a_name_that_nobody_stated_is_known_by_its_place() {
        let stated = model(vec![tensor("*", Element::F32, &[1, 3])], vec![tensor("*", Element::F32, &[1, 7])]);
        let check = |inputs: &[Tensor], outputs: &[Tensor]| stated.check_signature(inputs, outputs);
        check(&[tensor("input.1", Element::F32, &[1, 3])], &[tensor("y", Element::F32, &[1, 7])]).unwrap();
        let error = check(&[tensor("x", Element::F32, &[1, 4])], &[tensor("y", Element::F32, &[1, 7])]).unwrap_err();
        assert!(error.to_string().contains("input \"x\" is f32 [1, 4] in the file"), "{error}");
        assert!(check(&[], &[]).is_err(), "it takes nothing");
    }
}
