//! The screen that frames are painted on, and the terminal's modes, which are always restored.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor::Show,
    queue,
    style::{Print, ResetColor},
    terminal::{self, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

use super::{
    links,
    os::{START_REPORTS, STOP_REPORTS, mouse_modes},
    osc_notify,
    paint::CellPainter,
};
use crate::{config::MouseMode, text};

/// Whether this process holds the terminal; a global because the panic hook has no other access to it.
static TERMINAL_HELD: AtomicBool = AtomicBool::new(false);

/// Whether the window title was pushed onto the terminal's stack; a global for the same reason.
static TITLE_PUSHED: AtomicBool = AtomicBool::new(false);

/// The largest screen that is drawn; a terminal that claims more shows it in its corner.
const MAX_SIZE: Size = Size { width: 2000, height: 1000 };

/// Returns the size of this process's terminal, as far as it can be drawn.
///
/// # Errors
/// The terminal is gone.
pub fn current_size() -> io::Result<Size> {
    let (width, height) = terminal::size()?;
    Ok(drawable(Size { width, height }))
}

fn drawable(size: Size) -> Size {
    Size { width: size.width.clamp(1, MAX_SIZE.width), height: size.height.clamp(1, MAX_SIZE.height) }
}

/// The screen: frames are drawn into memory, and each is sent in one write.
pub struct TerminalScreen<W: Write> {
    /// The cells of the current frame.
    cells: Buffer,
    painter: CellPainter,
    out: W,
    owner: TerminalOwner,
    mouse: MouseMode,
    /// The window title; `None` if it was never set.
    title: Option<String>,
}

/// Whose terminal the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminalOwner {
    /// The terminal of this process: its modes were changed and must be restored.
    ThisProcess,
    /// A test, or any other reader of the bytes.
    Foreign,
}

impl TerminalScreen<super::os::TerminalOutput> {
    /// Takes the terminal of this process: raw mode, the alternate screen, bracketed paste.
    ///
    /// # Errors
    /// Standard input or output is not a terminal, or its modes cannot be set.
    pub fn enter() -> io::Result<Self> {
        for (stream_name, is_terminal) in
            [("standard input", io::stdin().is_terminal()), ("standard output", io::stdout().is_terminal())]
        {
            if !is_terminal {
                return Err(io::Error::other(format!("{stream_name} is not a terminal; `ibid ask` works without one")));
            }
        }
        let mut screen = Self::new(super::os::terminal_output()?, current_size()?, TerminalOwner::ThisProcess);
        screen.reenter()?;
        Ok(screen)
    }
}

impl<W: Write> TerminalScreen<W> {
    /// Creates a screen whose bytes go to `out`, without changing any terminal modes.
    pub fn with_output(out: W, size: Size) -> Self {
        Self::new(out, size, TerminalOwner::Foreign)
    }

    fn new(out: W, size: Size, owner: TerminalOwner) -> Self {
        let cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        Self { cells, painter: CellPainter::new(size), out, owner, mouse: MouseMode::Off, title: None }
    }

    /// The size in cells, as last set by `resize`.
    pub fn size(&self) -> Size {
        self.cells.area.as_size()
    }

    /// Paints a frame: `draw` sets every cell and returns where the cursor is shown; changed cells are sent at once.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Position>) -> io::Result<()> {
        let cursor = draw(&mut self.cells);
        let bytes = self.painter.paint(&mut self.cells, cursor);
        if bytes.is_empty() {
            Ok(())
        } else {
            write_unless_released(&mut self.out, self.owner, &links::join_runs(bytes))
        }
    }

    /// Changes the size; the next frame paints every cell.
    pub fn resize(&mut self, size: Size) {
        self.cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        self.painter.reset(size);
    }

    /// Marks everything on the screen as unknown; the next frame paints every cell.
    pub fn repaint(&mut self) {
        self.resize(self.size());
    }

    /// Sends bytes that are not part of a frame, such as a text for the clipboard.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_unless_released(&mut self.out, self.owner, bytes)
    }

    /// Sets which mouse events the terminal reports, now and whenever it is taken again.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_mouse_mode(&mut self, mouse: MouseMode) -> io::Result<()> {
        if self.owner == TerminalOwner::ThisProcess && self.mouse != mouse {
            self.write(mouse_modes(mouse).as_bytes())?;
        }
        self.mouse = mouse;
        Ok(())
    }

    /// Sets the window title; the previous one is restored with the terminal.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        self.title = Some(title.to_owned());
        self.write_title()
    }

    fn write_title(&mut self) -> io::Result<()> {
        let Some(title) = &self.title else { return Ok(()) };
        let mut bytes = osc_notify::title_bytes(title);
        if self.owner == TerminalOwner::ThisProcess
            && TERMINAL_HELD.load(Ordering::Acquire)
            && !TITLE_PUSHED.swap(true, Ordering::AcqRel)
        {
            bytes.insert_str(0, osc_notify::PUSH_TITLE);
        }
        self.write(bytes.as_bytes())
    }

    /// Restores the terminal for another program.
    pub fn leave(&mut self) {
        if self.owner == TerminalOwner::ThisProcess {
            restore();
        }
    }

    /// Takes the terminal again, at its current size.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn reenter(&mut self) -> io::Result<()> {
        if self.owner == TerminalOwner::ThisProcess {
            enter_modes(&mut self.out)?;
            self.out.write_all(mouse_modes(self.mouse).as_bytes())?;
            self.out.flush()?;
            self.resize(current_size()?);
            self.write_title()?;
        }
        self.repaint();
        Ok(())
    }
}

impl<W: Write> Drop for TerminalScreen<W> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Writes bytes to the terminal, unless it has been restored.
fn write_unless_released(out: &mut impl Write, owner: TerminalOwner, bytes: &[u8]) -> io::Result<()> {
    if owner == TerminalOwner::ThisProcess && !TERMINAL_HELD.load(Ordering::Acquire) {
        return Ok(());
    }
    out.write_all(bytes)?;
    out.flush()
}

fn enter_modes(out: &mut impl Write) -> io::Result<()> {
    // Another program may have changed the modes that crossterm believes are set.
    terminal::disable_raw_mode()?;
    terminal::enable_raw_mode()?;
    TERMINAL_HELD.store(true, Ordering::Release);
    queue!(out, EnterAlternateScreen, Print(START_REPORTS))?;
    out.flush()
}

/// Returns why a terminal of this kind cannot show a full screen.
pub fn unsuitable_terminal(term: Option<&str>) -> Option<String> {
    let term = term.unwrap_or_default();
    let family = term.split(['-', '+']).next().unwrap_or_default();
    let is_unsuitable =
        matches!(family, "" | "dumb" | "unknown" | "network" | "dialup" | "emacs" | "vt52" | "vt100" | "vt102");
    // Windows has no such variable.
    if cfg!(windows) || !is_unsuitable {
        return None;
    }
    let name = if term.is_empty() { "TERM is not set".to_owned() } else { format!("TERM is {}", text::clean(term)) };
    Some(format!(
        "this terminal cannot show a full screen ({name}), and the plain mode for such terminals does not exist yet; \
         `ibid ask` works here, or set TERM to what the terminal is, such as TERM=xterm-256color"
    ))
}

/// Restores the terminal, if this process holds it. Never fails, since nobody could handle the error.
pub fn restore() {
    if !TERMINAL_HELD.swap(false, Ordering::AcqRel) {
        return;
    }
    // Raw mode first: the user may type as soon as the screen returns, and those keys belong to the shell.
    let _ = terminal::disable_raw_mode();
    let mut bytes = mouse_modes(MouseMode::Off).as_bytes().to_vec();
    let queued = queue!(
        bytes,
        EndSynchronizedUpdate,
        Print(STOP_REPORTS),
        Print(if TITLE_PUSHED.swap(false, Ordering::AcqRel) { osc_notify::POP_TITLE } else { "" }),
        ResetColor,
        LeaveAlternateScreen,
        Show
    );
    if queued.is_ok() {
        super::os::write_and_drain(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use ratatui::widgets::Widget;

    use super::*;

    /// Records the bytes of each write.
    #[derive(Clone, Default)]
    struct RecordedWrites(Rc<RefCell<Vec<Vec<u8>>>>);

    impl Write for RecordedWrites {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_of_absurd_size_is_cut_to_what_can_be_drawn() {
        for (width, height, expected) in [(80, 24, (80, 24)), (0, 0, (1, 1)), (u16::MAX, u16::MAX, (2000, 1000))] {
            assert_eq!(drawable(Size { width, height }), Size::from(expected));
        }
    }

    fn draw_text(words: &str) -> impl FnOnce(&mut Buffer) -> Option<Position> {
        move |cells| {
            cells.reset();
            words.render(cells.area, cells);
            None
        }
    }

    #[test]
    fn a_frame_is_one_synchronized_write_and_nothing_else_is_sent() {
        let writes = RecordedWrites::default();
        let mut screen = TerminalScreen::with_output(writes.clone(), Size { width: 20, height: 2 });
        screen.draw(draw_text("hello")).unwrap();
        screen.draw(draw_text("hallo")).unwrap();
        let written = writes.0.borrow();
        let frames: Vec<String> = written.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
        assert_eq!(frames.len(), 2, "{frames:?}");
        for frame in &frames {
            assert!(frame.starts_with("\\x1b[?2026h") && frame.ends_with("\\x1b[?2026l"), "{frame}");
        }
        assert!(frames[0].contains("hello") && !frames[1].contains("hello"), "{frames:?}");
    }

    #[test]
    fn terminals_without_a_full_screen_are_told_apart_by_their_name() {
        for term in ["dumb", "vt100", "vt100-nav", "vt102", "unknown", "dumb-emacs-ansi", "emacs"] {
            let why = unsuitable_terminal(Some(term)).unwrap_or_default();
            assert!(cfg!(windows) || (why.contains(term) && why.contains("plain mode")), "{term}: {why}");
        }
        assert!(cfg!(windows) || unsuitable_terminal(None).is_some_and(|why| why.contains("TERM is not set")));
        for term in ["xterm", "xterm-256color", "linux", "screen", "tmux-256color", "vt220", "foot", "eterm-color"] {
            assert_eq!(unsuitable_terminal(Some(term)), None);
        }
    }

    #[test]
    fn a_repaint_sends_every_cell_again() {
        let writes = RecordedWrites::default();
        let mut screen = TerminalScreen::with_output(writes.clone(), Size { width: 20, height: 2 });
        screen.draw(draw_text("hello")).unwrap();
        screen.repaint();
        screen.draw(draw_text("hello")).unwrap();
        let last = writes.0.borrow().last().unwrap().escape_ascii().to_string();
        assert!(last.contains("hello"), "{last}");
    }

    #[test]
    fn a_link_is_written_once_per_run_and_again_only_where_its_cells_change() {
        use crate::render::{
            row::{RowKind, StyledRow, StyledSpan, TextStyle},
            theme::{ColourRole, Theme},
        };
        let mut theme = Theme::default();
        theme.rendering.has_links = true;
        let writes = RecordedWrites::default();
        let mut screen = TerminalScreen::with_output(writes.clone(), Size { width: 20, height: 1 });
        let link = |words: &str| {
            let span = StyledSpan::new(words, TextStyle::of(ColourRole::Link));
            span.with_link(Some("https://x.example/é?a;b".into()))
        };
        let mut paint = |words: &str| {
            let row = StyledRow::new(
                RowKind::Text,
                vec![StyledSpan::new("see ", TextStyle::of(ColourRole::Text)), link(words)],
            );
            screen
                .draw(|cells| {
                    cells.reset();
                    row.draw(cells.area, &theme, cells);
                    None
                })
                .unwrap();
            writes.0.take().concat().escape_ascii().to_string()
        };
        let open = "\\x1b]8;id=c34fdc96;https://x.example/%C3%A9?a;b\\x1b\\\\";
        let close = "\\x1b]8;;\\x1b\\\\";
        let first = paint("the page");
        assert!(first.contains(&format!("{open}the page{close}")), "{first}");
        let second = paint("the pAge");
        assert!(second.contains(&format!("{open}A{close}")) && !second.contains("the"), "{second}");
        let third = paint("the page");
        assert!(third.contains(&format!("{open}a{close}")), "{third}");
        assert_eq!(paint("the page"), "");
    }
}
