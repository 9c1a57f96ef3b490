//! L-BFGS (Nocedal and Wright 2006, algorithm 7.4 and 7.5) with backtracking by Armijo's rule, for convex functions: there the
//! change of the gradient along a step is positive, which keeps the approximation of the Hessian positive definite without
//! Wolfe's second condition.
use ndarray::Array1;
use std::collections::VecDeque;

/// Steps that the Hessian is approximated from.
const MEMORY: usize = 12;
const MAX_ITERATIONS: usize = 2000;
/// Armijo's rule: the part of the predicted decrease that must be had.
const DECREASE: f64 = 1e-4;
/// Halvings of a step before the function counts as flat to the last bit.
const MAX_HALVINGS: usize = 40;

/// Where a search ended.
pub struct Minimum {
    /// The parameters.
    pub at: Array1<f64>,
    /// Largest component of the gradient there.
    pub gradient: f64,
}

/// A step taken, the gradient's change along it, and one by their product.
struct Step {
    moved: Array1<f64>,
    changed: Array1<f64>,
    inverse: f64,
}

/// Minimises `function` (value and gradient) from `start` until no component of the gradient exceeds `tolerance`, or no step
/// gets any lower.
pub fn minimise(function: impl Fn(&Array1<f64>) -> (f64, Array1<f64>), start: Array1<f64>, tolerance: f64) -> Minimum {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    let mut steps: VecDeque<Step> = VecDeque::with_capacity(MEMORY);
    for _ in 0..MAX_ITERATIONS {
        if largest(&gradient) <= tolerance {
            break;
        }
        let direction = direction(&gradient, &steps);
        let slope = direction.dot(&gradient);
        let mut length = if steps.is_empty() { 1.0 / largest(&gradient).max(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..MAX_HALVINGS {
            let next = &at + &(&direction * length);
            let (lower, slopes) = function(&next);
            if lower <= value + DECREASE * length * slope {
                found = Some((next, lower, slopes));
                break;
            }
            length /= 2.0;
        }
        let Some((next, lower, slopes)) = found else { break };
        let (moved, changed) = (&next - &at, &slopes - &gradient);
        let product = moved.dot(&changed);
        if product > f64::MIN_POSITIVE {
            if steps.len() == MEMORY {
                steps.pop_front();
            }
            steps.push_back(Step { moved, changed, inverse: 1.0 / product });
        }
        (at, value, gradient) = (next, lower, slopes);
    }
    Minimum { gradient: largest(&gradient), at }
}

/// Minus the approximated inverse Hessian times the gradient, by the two loops.
fn direction(gradient: &Array1<f64>, steps: &VecDeque<Step>) -> Array1<f64> {
    let mut direction = gradient.clone();
    let mut factors = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let factor = step.inverse * step.moved.dot(&direction);
        direction.scaled_add(-factor, &step.changed);
        factors.push(factor);
    }
    if let Some(last) = steps.back() {
        direction *= 1.0 / (last.inverse * last.changed.dot(&last.changed));
    }
    for (step, factor) in steps.iter().zip(factors.into_iter().rev()) {
        let other = step.inverse * step.changed.dot(&direction);
        direction.scaled_add(factor - other, &step.moved);
    }
    -direction
}

fn largest(gradient: &Array1<f64>) -> f64 {
    gradient.iter().fold(0.0, |max, value| value.abs().max(max))
}
