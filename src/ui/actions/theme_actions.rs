//! Activating themes: the chosen or previewed one, as the terminal's background is.

use jiff::SignedDuration;

use super::theme_picker;
use crate::{
    config::ThemeFile,
    render::theme::ThemeShade,
    ui::{
        Effect,
        cx::Cx,
        environment::Environment,
        overlays::{self, ScreenOverlay},
        themes::theme_selection::AUTO,
    },
};

/// How long the terminal may take to report its background. Later reports are ignored, so that the screen does not
/// change colour while it is being read.
const BACKGROUND_TIMEOUT: SignedDuration = SignedDuration::from_millis(100);

/// Activates the chosen or previewed theme; returns the reason if that is not possible.
pub(crate) fn apply_theme(overlays: &mut [ScreenOverlay], env: &mut Environment) -> Option<String> {
    let previewed = overlays::previewed_theme(overlays);
    env.apply_theme(previewed.as_deref())
}

/// Asks the terminal for its background if the theme depends on it. The query goes out after the first frame, because
/// effects of `sync` are carried out after drawing.
pub(crate) fn query_background(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>) -> Option<Effect> {
    let is_needed = cx.env.config.theme == AUTO || overlays::previewed_theme(overlays).is_some();
    if !is_needed || cx.env.theme_selection.queried_at.is_some() || cx.env.theme_selection.has_no_colour() {
        return None;
    }
    cx.env.theme_selection.queried_at = Some(cx.now);
    Some(Effect::QueryBackground)
}

/// Handles the terminal's report of its background.
pub(crate) fn on_background(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>, shade: ThemeShade) {
    let now = cx.now;
    let in_time =
        cx.env.theme_selection.queried_at.is_some_and(|asked| now.duration_since(asked) <= BACKGROUND_TIMEOUT);
    if in_time && cx.env.theme_selection.background != Some(shade) {
        cx.env.theme_selection.background = Some(shade);
        if let Some(why) = apply_theme(overlays, cx.env) {
            cx.warn(why);
        }
    }
}

/// Asks the terminal for its background again, because its colours have changed.
pub(crate) fn on_colours_changed(env: &mut Environment) {
    env.theme_selection.queried_at = None;
}

/// Updates the user's own themes after their files were read again.
pub(crate) fn on_themes(overlays: &mut [ScreenOverlay], env: &mut Environment, files: Vec<ThemeFile>) {
    env.theme_selection.set_user_themes(files);
    theme_picker::refresh_themes(overlays, env);
    apply_theme(overlays, env); // The open picker shows the error of a file.
}
