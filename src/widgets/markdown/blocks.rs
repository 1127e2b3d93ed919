//! Turns whole Markdown blocks into rows.

mod figures;
mod links;
mod rows;
mod words;

use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, Event, HeadingLevel, LinkType, Parser, Tag, TagEnd};
use ratatui::style::Modifier;

use self::{
    figures::{Code, Image},
    links::Link,
    rows::Container,
};
use super::{
    Counted, Lit, Look, Mark,
    code::{Colours, Shifts},
    formulas,
    inline::{Inline, Wrapped},
    table::Table,
};
use crate::{
    text::{self, bidi},
    widgets::{
        row::{Ink, Joint, Row, RowKind, Span},
        theme::Role,
    },
};

pub(super) use figures::{is_diagram, language};
pub(super) use words::is_ideograph;

/// How far a formula on rows of its own stands in.
const FORMULA: usize = 4;

/// What is laid out, and how.
pub(super) struct Page<'a> {
    /// Clean text that begins with a block.
    pub source: &'a str,
    pub width: usize,
    pub look: &'a Look,
    /// Citations whose places are in `source`.
    pub marks: &'a [Mark],
    pub colours: &'a Colours,
    /// How far code blocks are scrolled sideways.
    pub shifts: &'a Shifts,
    /// What comes before.
    pub counted: Counted,
    /// The citation that is looked at; its claim in `source`.
    pub lit: Option<Lit>,
    /// What was laid out before, which may have grown.
    pub wrapped: Option<&'a Wrapped>,
}

/// What came of it. All places are in the page's source.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub rows: Vec<Row>,
    /// The blocks at the top.
    pub blocks: Vec<LaidBlock>,
    pub codes: Vec<LaidCode>,
    /// How many images and diagrams there are.
    pub figures: u32,
    /// The last long text.
    pub wrapped: Option<Wrapped>,
}

/// Where a block at the top begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LaidBlock {
    pub source: usize,
    pub row: usize,
    /// What of the page is numbered and stands before it.
    pub codes: usize,
    pub figures: u32,
}

#[derive(Debug)]
pub(super) struct LaidCode {
    pub number: u32,
    pub language: String,
    pub text: String,
    /// The first row of each line.
    pub lines: Vec<usize>,
}

/// Where the last block at the top of `source` begins; 0 when there is none or only one. A formula that may still end
/// holds back what follows it.
pub(super) fn last_block(source: &str) -> usize {
    let (mut depth, mut start) = (0_usize, 0);
    let prepared = formulas::prepare(source);
    for (event, range) in Parser::new_ext(&prepared.text, formulas::options()).into_offset_iter() {
        if depth == 0 && !matches!(event, Event::End(_)) && prepared.parts_at(range.start) {
            start = range.start;
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => (),
        }
    }
    line_start(source, start)
}

/// Where the line of a place begins.
pub(super) fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |end| end + 1)
}

pub(super) fn lay_out(page: &Page) -> Laid {
    let mut layout = Layout {
        page,
        out: Laid::default(),
        containers: Vec::new(),
        lists: Vec::new(),
        bullets: 0,
        inks: vec![page.look.base],
        links: Vec::new(),
        images: Vec::new(),
        inline: None,
        leaf: Leaf::Text,
        table: None,
        cell_row: Vec::new(),
        code: None,
        skip: None,
        gap: false,
        headed: false,
        at: 0,
        depth: 0,
        paragraph: 0..0,
        cited: vec![false; page.marks.len()],
    };
    let prepared = formulas::prepare(page.source);
    let mut events = Parser::new_ext(&prepared.text, formulas::options()).into_offset_iter().peekable();
    while let Some((event, mut range)) = events.next() {
        // The parser hands out words in pieces, at every sign that might have meant something.
        let as_written =
            |event: &Event, range: &Range<usize>| matches!(event, Event::Text(words) if words.len() == range.len());
        if as_written(&event, &range) {
            while let Some((_, next)) =
                events.next_if(|(next, there)| there.start == range.end && as_written(next, there))
            {
                range.end = next.end;
            }
            layout.event(Event::Text(page.source[range.clone()].into()), range);
        } else {
            layout.event(event, range);
        }
    }
    layout.end_leaf(page.source.len());
    layout.close_source(page.source.len());
    layout.out
}

struct Layout<'a> {
    page: &'a Page<'a>,
    out: Laid,
    containers: Vec<Container>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// How many of them have bullets.
    bullets: usize,
    inks: Vec<Ink>,
    links: Vec<Link>,
    images: Vec<Image>,
    inline: Option<Inline>,
    leaf: Leaf,
    table: Option<Table>,
    cell_row: Vec<Inline>,
    code: Option<Code>,
    /// The words of a link whose mark stands in its place.
    skip: Option<Range<usize>>,
    /// A blank row is owed before the next leaf.
    gap: bool,
    /// The next leaf stands right under its heading.
    headed: bool,
    /// Where the source of the rows so far ends.
    at: usize,
    depth: usize,
    /// The source of the present paragraph.
    paragraph: Range<usize>,
    cited: Vec<bool>,
}

enum Leaf {
    Text,
    Heading(u8),
    Html,
    Formula,
    Figure(u32),
}

impl Layout<'_> {
    fn event(&mut self, event: Event, range: Range<usize>) {
        if self.depth == 0 && !matches!(event, Event::End(_)) {
            // What is not seen between two blocks belongs to the one above.
            self.close_source(line_start(self.page.source, range.start));
            self.out.blocks.push(LaidBlock {
                source: range.start,
                row: self.out.rows.len(),
                codes: self.out.codes.len(),
                figures: self.out.figures,
            });
            self.gap = !self.out.rows.is_empty();
            self.headed = false;
        }
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            _ => (),
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(words) => self.words(&words, range),
            Event::InlineMath(latex) | Event::DisplayMath(latex) => self.formula(&latex, range),
            Event::Code(words) => self.inline_code(&words, range),
            Event::Html(words) | Event::InlineHtml(words) => self.html(&words, range),
            Event::FootnoteReference(label) => {
                let ink = Ink { role: Role::Muted, ..self.ink() };
                self.put(&format!("[^{label}]"), ink, range);
            }
            Event::SoftBreak => self.soft_break(range),
            Event::HardBreak => self.put("\n", self.ink(), range),
            Event::Rule => {
                self.begin_leaf(range.start);
                let rule = self.page.look.marks.rule.repeat(self.room());
                let copied = Some(self.page.source[range.clone()].trim().into());
                let rule = Span { copied, ..Span::new(rule, Ink::of(Role::Faint)) };
                self.emit(vec![rule], RowKind::Rule, range.end, Joint::LineEnd);
            }
            Event::TaskListMarker(done) => self.task(done),
        }
    }

    fn start(&mut self, tag: Tag, range: Range<usize>) {
        if is_block(&tag) {
            self.end_leaf(range.start);
            if self.lists.is_empty() {
                self.gap |= self.depth == 1 && !self.out.rows.is_empty() || self.depth > 1;
            }
        }
        match tag {
            Tag::Heading { level, .. } => self.heading(level),
            Tag::BlockQuote(kind) => self.quote(kind, range),
            Tag::CodeBlock(kind) => self.code = Some(Code::new(&kind)),
            Tag::HtmlBlock => self.leaf = Leaf::Html,
            Tag::List(number) => {
                self.bullets += usize::from(number.is_none());
                self.lists.push(number);
            }
            Tag::Item => self.item(),
            Tag::FootnoteDefinition(label) => {
                let label = format!("[^{label}] ");
                self.contain(vec![Span::new(label, Ink::of(Role::Muted))], true);
            }
            Tag::Table(alignments) => {
                self.begin_leaf(range.start);
                self.table = Some(Table { alignments, ..Table::default() });
            }
            Tag::TableRow => self.cell_row.clear(),
            Tag::TableCell => self.inline = Some(Inline::default()),
            Tag::Emphasis => self.inks.push(self.ink().italic()),
            Tag::Strong => self.inks.push(self.ink().bold()),
            Tag::Strikethrough => self.inks.push(self.ink().with(Modifier::CROSSED_OUT)),
            Tag::Link { link_type: LinkType::Email, dest_url, .. } => self.link(&format!("mailto:{dest_url}"), range),
            Tag::Link { dest_url, .. } => self.link(&dest_url, range),
            Tag::Image { dest_url, .. } => self.image(&dest_url, range),
            Tag::Paragraph => self.paragraph = range,
            Tag::TableHead
            | Tag::MetadataBlock(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => (),
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_leaf(range.end),
            TagEnd::Heading(_) => {
                self.end_leaf(range.end);
                self.inks.pop();
            }
            TagEnd::BlockQuote(kind) => {
                self.end_leaf(range.end);
                self.leave(range.start);
                if kind.is_none() {
                    self.inks.pop();
                }
            }
            TagEnd::CodeBlock => self.end_code(&range),
            TagEnd::List(ordered) => {
                self.bullets -= usize::from(!ordered);
                self.lists.pop();
            }
            TagEnd::Item | TagEnd::FootnoteDefinition => {
                self.end_leaf(range.end);
                self.leave(range.start);
            }
            TagEnd::Table => self.end_table(range.end),
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut self.cell_row);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.body.push((range, std::mem::take(&mut self.cell_row)));
                }
            }
            TagEnd::TableCell => {
                self.cite_until(range.end);
                let mut cell = self.inline.take().unwrap_or_default();
                cell.tidy();
                self.cell_row.push(cell);
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.inks.pop();
            }
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::MetadataBlock(_)
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => (),
        }
    }

    fn ink(&self) -> Ink {
        self.inks.last().copied().unwrap_or(self.page.look.base)
    }

    // Containers and leaves.

    fn heading(&mut self, level: HeadingLevel) {
        let level = level as u8;
        let ink = if level <= 2 { Ink { role: Role::Accent, ..self.ink() } } else { self.ink() };
        self.inks.push(ink.bold());
        self.leaf = Leaf::Heading(level);
    }

    fn quote(&mut self, kind: Option<BlockQuoteKind>, range: Range<usize>) {
        let marks = self.page.look.marks;
        let Some(kind) = kind else {
            self.contain(vec![Span::new(format!("{} ", marks.quotation), Ink::of(Role::Faint))], false);
            self.inks.push(Ink { role: Role::Muted, ..self.ink() }.italic());
            return;
        };
        let (role, name) = match kind {
            BlockQuoteKind::Note => (Role::Link, "Note"),
            BlockQuoteKind::Tip => (Role::Ok, "Tip"),
            BlockQuoteKind::Important => (Role::Accent, "Important"),
            BlockQuoteKind::Warning => (Role::Warning, "Warning"),
            BlockQuoteKind::Caution => (Role::Error, "Caution"),
        };
        self.contain(vec![Span::new(format!("{} ", marks.bar), Ink::of(role))], false);
        self.begin_leaf(range.start);
        let end = self.page.source[range.clone()].find('\n').map_or(range.end, |line| range.start + line + 1);
        let name = text::truncate(name, self.room()).into_owned();
        self.emit(vec![Span::new(name, Ink::of(role).bold())], RowKind::Quote, end, Joint::LineEnd);
        self.headed = true;
    }

    fn item(&mut self) {
        let label = if let Some(Some(number)) = self.lists.last_mut() {
            *number += 1;
            format!("{}. ", *number - 1)
        } else {
            let bullets = &self.page.look.marks.bullets;
            format!("{} ", bullets[self.bullets.saturating_sub(1).min(bullets.len() - 1)])
        };
        self.contain(vec![Span::new(label, Ink::of(Role::Accent))], true);
    }

    fn task(&mut self, done: bool) {
        let marks = self.page.look.marks;
        let numbered = self.lists.last().is_some_and(Option::is_some);
        let (mark, role) = if done { (marks.task_done, Role::Ok) } else { (marks.task_open, Role::Muted) };
        let box_ = Span::new(format!("{mark} "), Ink::of(role));
        if let Some(item) = self.containers.last_mut().filter(|item| item.is_item && !item.begun) {
            if numbered {
                item.first.push(box_);
            } else {
                item.first = vec![box_];
            }
            item.cells = item.first.iter().map(Span::width).sum();
            item.rest = vec![Span::new(" ".repeat(item.cells), Ink::of(Role::Text))];
        }
    }

    fn contain(&mut self, first: Vec<Span>, is_item: bool) {
        let cells = first.iter().map(Span::width).sum();
        let rest = if is_item { vec![Span::new(" ".repeat(cells), Ink::of(Role::Text))] } else { first.clone() };
        self.containers.push(Container { first, rest, cells, begun: false, is_item });
    }

    /// Leaves a container that began at `start`; an item without words still shows its bullet.
    fn leave(&mut self, start: usize) {
        if self.containers.last().is_some_and(|container| !container.begun) {
            self.begin_leaf(start);
            self.emit(Vec::new(), RowKind::Text, self.at, Joint::LineEnd);
        }
        self.containers.pop();
    }

    /// Puts the blank row before a leaf that begins at `start`.
    fn begin_leaf(&mut self, start: usize) {
        let in_list = || blank_before(self.page.source, start) || self.out.rows.last().is_some_and(stands_apart);
        let owed = std::mem::take(&mut self.gap) || !self.lists.is_empty() && in_list();
        if owed && !std::mem::take(&mut self.headed) && !self.out.rows.is_empty() {
            let (lead, _) = self.lead(true);
            let mut row = Row { lead: lead.len(), source: self.at..self.at, ..Row::new(RowKind::Blank, lead) };
            while row.spans.last().is_some_and(|span| span.text.trim().is_empty()) {
                row.spans.pop();
            }
            row.lead = row.spans.len();
            self.out.rows.push(row);
        }
    }

    fn end_leaf(&mut self, end: usize) {
        let leaf = std::mem::replace(&mut self.leaf, Leaf::Text);
        self.cite_until(end);
        let Some(mut inline) = self.inline.take() else { return };
        inline.tidy();
        if matches!(leaf, Leaf::Html) {
            inline.trim_end();
        }
        if inline.is_empty() {
            return;
        }
        self.begin_leaf(inline.start());
        let kind = match leaf {
            Leaf::Text if self.containers.iter().any(|container| !container.is_item) => RowKind::Quote,
            Leaf::Text => RowKind::Text,
            Leaf::Heading(level) => RowKind::Heading(level),
            Leaf::Html => RowKind::Html,
            Leaf::Formula => RowKind::Formula,
            Leaf::Figure(number) => RowKind::Figure { number },
        };
        let indent = if kind == RowKind::Formula { FORMULA.min(self.room() / 8) } else { 0 };
        if indent > 0 {
            self.contain(vec![Span::new(" ".repeat(indent), Ink::of(Role::Text))], true);
        }
        let room = self.room();
        let first_row = self.out.rows.len();
        let (mut lines, wrapped) = inline.lines_after(self.page.wrapped, room);
        self.out.wrapped = wrapped.or(self.out.wrapped.take());
        if let Some(last) = lines.last_mut() {
            last.source_end = end;
        }
        let words = lines.iter().map(|line| line.spans.iter().map(Span::width).sum()).max().unwrap_or(0_usize);
        for line in lines {
            self.emit(line.spans, kind, line.source_end, line.joint);
        }
        if kind == RowKind::Heading(1) {
            let rule = self.page.look.marks.heavy_rule.repeat(words);
            self.emit(vec![Span::new(rule, Ink::of(Role::Accent))], RowKind::Rule, end, Joint::LineEnd);
        }
        if indent > 0 {
            self.containers.pop();
        }
        if bidi::is_rtl(&inline.text) {
            self.out.rows[first_row..].iter_mut().for_each(|row| row.rtl = true);
        }
    }

    fn end_table(&mut self, end: usize) {
        let Some(table) = self.table.take() else { return };
        for line in table.lines(self.room(), &self.page.look.marks) {
            let to = line.ends.and_then(|row| table.body.get(row)).map_or(self.at, |(range, _)| range.end);
            self.emit(line.spans, RowKind::Table, to, Joint::LineEnd);
        }
        self.close_source(end);
    }
}

fn is_block(tag: &Tag) -> bool {
    match tag {
        Tag::Paragraph
        | Tag::Heading { .. }
        | Tag::BlockQuote(_)
        | Tag::CodeBlock(_)
        | Tag::HtmlBlock
        | Tag::List(_)
        | Tag::Item
        | Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::Table(_)
        | Tag::MetadataBlock(_) => true,
        Tag::TableHead
        | Tag::TableRow
        | Tag::TableCell
        | Tag::Emphasis
        | Tag::Strong
        | Tag::Strikethrough
        | Tag::Superscript
        | Tag::Subscript
        | Tag::Link { .. }
        | Tag::Image { .. } => false,
    }
}

/// Whether a blank row follows a row in a list, even if no blank line does.
fn stands_apart(row: &Row) -> bool {
    matches!(row.kind, RowKind::CodeHead { .. } | RowKind::Code { .. } | RowKind::Table | RowKind::Formula)
}

/// Whether the line before the one that `at` stands on is empty but for quotation marks.
fn blank_before(source: &str, at: usize) -> bool {
    let Some(line) = source[..at].rfind('\n') else { return false };
    let before = source[..line].rsplit('\n').next().unwrap_or("");
    before.trim_matches([' ', '>']).is_empty()
}
