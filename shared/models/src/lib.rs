//! The catalogue of models: what there is, where it comes from, under which licence, and how it gets here.
