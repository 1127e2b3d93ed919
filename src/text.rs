//! Text from outside, made fit for a terminal: cleaned, measured, cut.
