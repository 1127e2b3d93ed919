//! What the program paints on, and the terminal's modes, which are always given back.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor::Show,
    event::{
        DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, KeyboardEnhancementFlags,
        PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
    },
    queue,
    style::{Print, ResetColor},
    terminal::{self, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

use super::{elsewhere, links, paint::Painter};
use crate::config::Mouse;

/// Whether this process holds its terminal: for the panic hook, which has nothing else to go by.
static HELD: AtomicBool = AtomicBool::new(false);

/// Whether the window's title lies on the terminal's stack, for the same reason.
static TITLED: AtomicBool = AtomicBool::new(false);

/// Asks the terminal for the colour of its background.
pub const ASK_BACKGROUND: &str = "\x1b]11;?\x07";
/// The terminal tells when its colours change, or no more.
const TELL_COLOURS: &str = "\x1b[?2031h";
const TELL_NO_COLOURS: &str = "\x1b[?2031l";

/// The screen: frames are drawn into memory and leave in one write each.
pub struct Screen<W: Write> {
    /// What the present frame is drawn on.
    cells: Buffer,
    painter: Painter,
    out: W,
    modes: Modes,
    mouse: Mouse,
    /// Of the window; `None`: it was never touched.
    title: Option<String>,
}

/// Whose terminal the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modes {
    /// This process's own: its modes were changed and must be given back.
    Ours,
    /// A test's, or whoever reads what is written.
    Foreign,
}

impl Screen<super::os::Output> {
    /// Takes the terminal of this process: raw mode, the alternate screen, pastes in brackets.
    ///
    /// # Errors
    /// Standard input or output is no terminal, or the terminal refuses.
    pub fn enter() -> io::Result<Self> {
        for (what, is_terminal) in
            [("standard input", io::stdin().is_terminal()), ("standard output", io::stdout().is_terminal())]
        {
            if !is_terminal {
                return Err(io::Error::other(format!("{what} is not a terminal; `ibid ask` works without one")));
            }
        }
        let (width, height) = terminal::size()?;
        let mut screen = Self::new(super::os::output()?, Size { width, height }, Modes::Ours);
        screen.reenter()?;
        Ok(screen)
    }
}

impl<W: Write> Screen<W> {
    /// A screen whose bytes go to `out`; nobody's modes are touched.
    pub fn on(out: W, size: Size) -> Self {
        Self::new(out, size, Modes::Foreign)
    }

    fn new(out: W, size: Size, modes: Modes) -> Self {
        let cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        Self { cells, painter: Painter::new(size), out, modes, mouse: Mouse::Off, title: None }
    }

    /// In cells, as last told by `resize`.
    pub fn size(&self) -> Size {
        self.cells.area.as_size()
    }

    /// Paints a frame: `draw` sets every cell and says where the cursor is seen; those that differ are sent at once.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Position>) -> io::Result<()> {
        let cursor = draw(&mut self.cells);
        let bytes = self.painter.paint(&mut self.cells, cursor);
        if bytes.is_empty() { Ok(()) } else { send(&mut self.out, self.modes, &links::joined(bytes)) }
    }

    /// Takes a new size; the next frame paints every cell.
    pub fn resize(&mut self, size: Size) {
        self.cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        self.painter.forget(size);
    }

    /// Forgets what is on the screen; the next frame paints every cell.
    pub fn repaint(&mut self) {
        self.resize(self.size());
    }

    /// Sends bytes that are no part of a frame, such as a text for the clipboard.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        send(&mut self.out, self.modes, bytes)
    }

    /// Takes the mouse, or leaves it to the terminal, from now on and whenever the terminal is taken again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn take_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        if self.modes == Modes::Ours && self.mouse != mouse {
            self.write(mouse_modes(mouse).as_bytes())?;
        }
        self.mouse = mouse;
        Ok(())
    }

    /// Sets the title of the window; the one before is given back with the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        self.title = Some(title.to_owned());
        self.show_title()
    }

    fn show_title(&mut self) -> io::Result<()> {
        let Some(title) = &self.title else { return Ok(()) };
        let mut bytes = elsewhere::title(title);
        if self.modes == Modes::Ours && HELD.load(Ordering::Acquire) && !TITLED.swap(true, Ordering::AcqRel) {
            bytes.insert_str(0, elsewhere::PUSH_TITLE);
        }
        self.write(bytes.as_bytes())
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        if self.modes == Modes::Ours {
            restore();
        }
    }

    /// Takes the terminal again, with whatever size it has now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn reenter(&mut self) -> io::Result<()> {
        if self.modes == Modes::Ours {
            take(&mut self.out)?;
            self.out.write_all(mouse_modes(self.mouse).as_bytes())?;
            self.out.flush()?;
            let (width, height) = terminal::size()?;
            self.resize(Size { width, height });
            self.show_title()?;
        }
        self.repaint();
        Ok(())
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Writes what is for the terminal, unless it was given back meanwhile.
fn send(out: &mut impl Write, modes: Modes, bytes: &[u8]) -> io::Result<()> {
    if modes == Modes::Ours && !HELD.load(Ordering::Acquire) {
        return Ok(());
    }
    out.write_all(bytes)?;
    out.flush()
}

/// Presses and the wheel, moves while a button is down, and the numbers in decimal. That the mouse merely moves
/// is nothing to us.
fn mouse_modes(mouse: Mouse) -> &'static str {
    match mouse {
        Mouse::On => "\x1b[?1000h\x1b[?1002h\x1b[?1006h",
        Mouse::Wheel => "\x1b[?1002l\x1b[?1000h\x1b[?1006h",
        Mouse::Off => "\x1b[?1006l\x1b[?1002l\x1b[?1000l",
    }
}

fn take(out: &mut impl Write) -> io::Result<()> {
    // Another program may have changed the modes that are thought to be ours.
    terminal::disable_raw_mode()?;
    terminal::enable_raw_mode()?;
    HELD.store(true, Ordering::Release);
    queue!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Print(TELL_COLOURS),
        PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES)
    )?;
    out.flush()
}

/// Gives the terminal back, if this process holds it. Never fails: there is nobody left to tell.
pub fn restore() {
    if !HELD.swap(false, Ordering::AcqRel) {
        return;
    }
    // The line first: who sees the screen come back may type at once, and that is for the shell.
    let _ = terminal::disable_raw_mode();
    let mut bytes = mouse_modes(Mouse::Off).as_bytes().to_vec();
    let queued = queue!(
        bytes,
        EndSynchronizedUpdate,
        PopKeyboardEnhancementFlags,
        Print(TELL_NO_COLOURS),
        DisableFocusChange,
        DisableBracketedPaste,
        Print(if TITLED.swap(false, Ordering::AcqRel) { elsewhere::POP_TITLE } else { "" }),
        ResetColor,
        LeaveAlternateScreen,
        Show
    );
    if queued.is_ok() {
        let _ = super::os::write_to_terminal(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use ratatui::widgets::Widget;

    use super::*;

    /// Remembers what each write brought.
    #[derive(Clone, Default)]
    struct Writes(Rc<RefCell<Vec<Vec<u8>>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn says(words: &str) -> impl FnOnce(&mut Buffer) -> Option<Position> {
        move |cells| {
            cells.reset();
            words.render(cells.area, cells);
            None
        }
    }

    #[test]
    fn a_frame_is_one_synchronized_write_and_nothing_else_leaves() {
        let writes = Writes::default();
        let mut screen = Screen::on(writes.clone(), Size { width: 20, height: 2 });
        screen.draw(says("hello")).unwrap();
        screen.draw(says("hallo")).unwrap();
        let written = writes.0.borrow();
        let frames: Vec<String> = written.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
        assert_eq!(frames.len(), 2, "{frames:?}");
        for frame in &frames {
            assert!(frame.starts_with("\\x1b[?2026h") && frame.ends_with("\\x1b[?2026l"), "{frame}");
        }
        assert!(frames[0].contains("hello") && !frames[1].contains("hello"), "{frames:?}");
    }

    #[test]
    fn a_repaint_sends_every_cell_again() {
        let writes = Writes::default();
        let mut screen = Screen::on(writes.clone(), Size { width: 20, height: 2 });
        screen.draw(says("hello")).unwrap();
        screen.repaint();
        screen.draw(says("hello")).unwrap();
        let last = writes.0.borrow().last().unwrap().escape_ascii().to_string();
        assert!(last.contains("hello"), "{last}");
    }

    #[test]
    fn a_link_is_written_once_a_run_and_again_only_where_its_cells_change() {
        use crate::widgets::{
            row::{Ink, Row, RowKind, Span},
            theme::{Role, Theme},
        };
        let mut theme = Theme::default();
        theme.painting.links = true;
        let writes = Writes::default();
        let mut screen = Screen::on(writes.clone(), Size { width: 20, height: 1 });
        let link = |words: &str| Span {
            link: Some("https://x.example/é?a;b".into()),
            ..Span::new(words, Ink::of(Role::Link))
        };
        let mut paint = |words: &str| {
            let row = Row::new(RowKind::Text, vec![Span::new("see ", Ink::of(Role::Text)), link(words)]);
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
