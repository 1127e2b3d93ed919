//! The widgets: each file holds a widget's state, its view, or both.
