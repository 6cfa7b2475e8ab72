//! Rules that hold for every page in every state of the gallery.

mod contrast;
mod markup;

#[path = "../../examples/gallery/samples.rs"]
mod samples;
