//! Reads the rows of a database file page by page. SQLite gives up at the first damaged page; this skips it.
//!
//! The format is described at <https://sqlite.org/fileformat2.html>. Everything read is distrusted: a number that cannot be
//! right makes its page or its row damaged.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use rusqlite::types::Value;

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawRow {
    /// `None` in a table without row ids.
    pub rowid: Option<i64>,
    pub values: Vec<Value>,
    /// Whether a part of it could not be read.
    pub is_cut: bool,
}

/// An entry of the table of tables.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableRoot {
    pub name: String,
    pub page: u32,
}

/// The pages of a file.
#[derive(Debug)]
pub(super) struct PageReader {
    file: File,
    page_bytes: usize,
    /// Without what is reserved at the end of each page.
    usable_bytes: usize,
    page_count: u32,
    /// Pages that belong to something that was read, and free ones.
    seen: BTreeSet<u32>,
    /// Pages that could not be read, and those with rows that could not.
    pub damaged: BTreeSet<u32>,
}

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageKind {
    IndexBranch,
    TableBranch,
    IndexLeaf,
    TableLeaf,
}

impl PageKind {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            2 => Some(Self::IndexBranch),
            5 => Some(Self::TableBranch),
            10 => Some(Self::IndexLeaf),
            13 => Some(Self::TableLeaf),
            _ => None,
        }
    }

    fn is_branch(self) -> bool {
        matches!(self, Self::IndexBranch | Self::TableBranch)
    }

    fn is_of_table(self) -> bool {
        matches!(self, Self::TableBranch | Self::TableLeaf)
    }
}

impl PageReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut header = [0; HEADER_BYTES];
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let is_whole = file.read_exact(&mut header).is_ok() && header.starts_with(MAGIC);
        let page_bytes = match usize::from(u16::from_be_bytes([header[16], header[17]])) {
            1 if is_whole => 65536,
            bytes if is_whole && bytes.is_power_of_two() && bytes >= 512 => bytes,
            _ => 4096, // As ibid has always made them.
        };
        let reserved = if is_whole { usize::from(header[20]).min(32) } else { 0 };
        let page_count = u32::try_from(length.div_ceil(page_bytes as u64)).unwrap_or(u32::MAX);
        let (seen, damaged) = Default::default();
        Ok(Self { file, page_bytes, usable_bytes: page_bytes - reserved, page_count, seen, damaged })
    }

    /// Returns the version in the header; `None` if the header cannot be right.
    pub(super) fn user_version(&mut self) -> Option<u32> {
        let header = self.page(1).filter(|page| page.starts_with(MAGIC))?;
        Some(read_u32(&header, 60)).filter(|version| *version > 0)
    }

    /// Returns the tables and where they begin, as far as that can be read.
    pub(super) fn tables(&mut self) -> Vec<TableRoot> {
        self.skip_free_pages();
        let mut found = Vec::new();
        self.walk(1, &mut |row| {
            let [Value::Text(kind), Value::Text(name), _, Value::Integer(page), ..] = &row.values[..] else { return };
            if let (true, Ok(page)) = (kind == "table", u32::try_from(*page)) {
                found.push(TableRoot { name: name.clone(), page });
            }
        });
        found
    }

    /// Reads the rows of the tree that begins at a page. Returns whether all of its pages could be read.
    pub(super) fn walk(&mut self, root: u32, take: &mut dyn FnMut(RawRow)) -> bool {
        let is_table = self.page(root).and_then(|page| PageKind::of(*page.get(start_of(root))?));
        let is_table = is_table.is_none_or(PageKind::is_of_table);
        let (mut waiting, damaged_before) = (vec![root], self.damaged.len());
        while let Some(number) = waiting.pop() {
            let page = self.page(number);
            let kind = page.as_ref().and_then(|page| PageKind::of(*page.get(start_of(number))?));
            let (Some(page), Some(kind)) = (page, kind) else {
                self.damaged.insert(number);
                continue;
            };
            // A damaged page may lead anywhere.
            if kind.is_of_table() != is_table || !self.seen.insert(number) {
                self.damaged.insert(number);
                continue;
            }
            if kind.is_branch() {
                waiting.extend(self.children(number, &page));
            }
            if kind != PageKind::TableBranch {
                self.take_rows(number, &page, kind, take);
            }
        }
        self.damaged.len() == damaged_before
    }

    /// Returns the pages with rows of tables that no tree led to.
    pub(super) fn lost_leaves(&mut self) -> Vec<u32> {
        let lost = (2..=self.page_count).filter(|number| !self.seen.contains(number)).collect::<Vec<_>>();
        let is_leaf = |page: Vec<u8>| {
            page.first().copied().and_then(PageKind::of).is_some_and(|kind| kind == PageKind::TableLeaf)
        };
        lost.into_iter().filter(|number| self.page(*number).is_some_and(is_leaf)).collect()
    }

    /// Reads the rows of one page.
    pub(super) fn leaf_rows(&mut self, number: u32) -> Vec<RawRow> {
        let mut rows = Vec::new();
        self.seen.insert(number);
        if let Some(page) = self.page(number) {
            self.take_rows(number, &page, PageKind::TableLeaf, &mut |row| rows.push(row));
        }
        rows
    }

    /// What was deleted stays deleted.
    fn skip_free_pages(&mut self) {
        let mut next = self.page(1).filter(|page| page.starts_with(MAGIC)).map_or(0, |page| read_u32(&page, 32));
        while next != 0 && self.seen.insert(next) {
            let Some(trunk) = self.page(next) else { return };
            let count = (read_u32(&trunk, 4) as usize).min(self.usable_bytes / 4 - 2);
            self.seen.extend((0..count).map(|leaf| read_u32(&trunk, 8 + leaf * 4)));
            next = read_u32(&trunk, 0);
        }
    }

    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        let start = u64::from(number.checked_sub(1)?) * self.page_bytes as u64;
        let mut page = Vec::with_capacity(self.page_bytes);
        self.file.seek(SeekFrom::Start(start)).ok()?;
        // The last one may be cut off.
        let read = self.file.by_ref().take(self.page_bytes as u64).read_to_end(&mut page).ok()?;
        page.resize(self.page_bytes, 0);
        (read > 0).then_some(page)
    }

    /// Returns where the cells of a page begin. Those that cannot be right are left out.
    fn cells(&mut self, number: u32, page: &[u8], header_bytes: usize) -> Vec<usize> {
        let start = start_of(number);
        let count = usize::from(read_u16(page, start + 3));
        let first = start + header_bytes;
        if first + count * 2 > self.usable_bytes {
            self.damaged.insert(number);
            return Vec::new();
        }
        let cells = (0..count).map(|index| usize::from(read_u16(page, first + index * 2)));
        let (right, wrong): (Vec<_>, Vec<_>) =
            cells.partition(|cell| *cell >= first + count * 2 && *cell < self.usable_bytes);
        if !wrong.is_empty() {
            self.damaged.insert(number);
        }
        right
    }

    fn children(&mut self, number: u32, page: &[u8]) -> Vec<u32> {
        let cells = self.cells(number, page, 12);
        let mut children: Vec<u32> = cells.into_iter().map(|cell| read_u32(page, cell)).collect();
        children.push(read_u32(page, start_of(number) + 8));
        let page_count = self.page_count;
        children.retain(|child| (2..=page_count).contains(child));
        children.reverse(); // The first is the last that is put on the stack.
        children
    }

    fn take_rows(&mut self, number: u32, page: &[u8], kind: PageKind, take: &mut dyn FnMut(RawRow)) {
        let header_bytes = if kind.is_branch() { 12 } else { 8 };
        for cell in self.cells(number, page, header_bytes) {
            match self.read_row(page, cell, kind) {
                Some(row) => {
                    if row.is_cut {
                        self.damaged.insert(number);
                    }
                    take(row);
                }
                None => _ = self.damaged.insert(number),
            }
        }
    }

    fn read_row(&mut self, page: &[u8], cell: usize, kind: PageKind) -> Option<RawRow> {
        let mut position = if kind == PageKind::IndexBranch { cell + 4 } else { cell };
        let payload_bytes = usize::try_from(read_varint(page, &mut position)?).ok()?;
        let rowid = if kind.is_of_table() { Some(read_varint(page, &mut position)?.cast_signed()) } else { None };
        if payload_bytes as u64 > u64::from(self.page_count) * self.page_bytes as u64 {
            return None;
        }
        let payload = self.read_payload(page, position, payload_bytes, kind)?;
        let values = read_record(&payload, payload_bytes)?;
        Some(RawRow { rowid, values, is_cut: payload.len() < payload_bytes })
    }

    /// Returns the payload of a cell, cut off where an overflow page cannot be read.
    fn read_payload(&mut self, page: &[u8], start: usize, bytes: usize, kind: PageKind) -> Option<Vec<u8>> {
        let usable = self.usable_bytes;
        let most = if kind.is_of_table() { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        let least = (usable - 12) * 32 / 255 - 23;
        let local = match bytes {
            _ if bytes <= most => bytes,
            _ => Some(least + (bytes - least) % (usable - 4)).filter(|local| *local <= most).unwrap_or(least),
        };
        let mut payload = page.get(start..start + local)?.to_vec();
        let mut next = if local < bytes { read_u32(page, start + local) } else { 0 };
        while payload.len() < bytes && next >= 2 && next <= self.page_count && self.seen.insert(next) {
            let Some(overflow) = self.page(next) else { break };
            payload.extend(&overflow[4..usable.min(4 + bytes - payload.len())]);
            next = read_u32(&overflow, 0);
        }
        Some(payload)
    }
}

/// The first page begins with the header of the file.
fn start_of(number: u32) -> usize {
    if number == 1 { HEADER_BYTES } else { 0 }
}

/// Reads the values of a record of which the end may be missing. Returns `None` if it is no record.
fn read_record(payload: &[u8], whole_bytes: usize) -> Option<Vec<Value>> {
    let mut position = 0;
    let header_bytes = usize::try_from(read_varint(payload, &mut position)?).ok()?;
    if header_bytes > payload.len() || header_bytes < position {
        return None;
    }
    let mut types = Vec::new();
    while position < header_bytes {
        types.push(read_varint(payload, &mut position)?);
    }
    let sizes: Option<Vec<usize>> = types.iter().map(|kind| size_of_value(*kind)).collect();
    let end = sizes.as_ref()?.iter().try_fold(header_bytes, |sum, size| sum.checked_add(*size))?;
    if position != header_bytes || end != whole_bytes {
        return None;
    }
    let mut start = header_bytes;
    let values = types.iter().zip(sizes?).map(|(kind, size)| {
        let content = &payload[start.min(payload.len())..(start + size).min(payload.len())];
        start += size;
        read_value(*kind, content, size)
    });
    Some(values.collect())
}

fn size_of_value(kind: u64) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(kind).ok(),
        5 => Some(6),
        6 | 7 => Some(8),
        10 | 11 => None,
        _ => usize::try_from((kind - 12) / 2).ok(),
    }
}

/// Reads a value; of a text, what is there.
fn read_value(kind: u64, content: &[u8], size: usize) -> Value {
    let is_whole = content.len() == size;
    match kind {
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        1..=6 if is_whole => {
            let sign = if content[0] >= 128 { -1 } else { 0 };
            Value::Integer(content.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
        }
        7 if is_whole => Value::Real(f64::from_be_bytes(content.try_into().unwrap_or_default())),
        12.. if kind % 2 == 1 && (is_whole || !content.is_empty()) => {
            Value::Text(String::from_utf8_lossy(content).into_owned())
        }
        12.. if kind.is_multiple_of(2) && is_whole => Value::Blob(content.to_vec()),
        _ => Value::Null,
    }
}

fn read_u16(bytes: &[u8], position: usize) -> u16 {
    bytes.get(position..position + 2).map_or(0, |found| u16::from_be_bytes([found[0], found[1]]))
}

fn read_u32(bytes: &[u8], position: usize) -> u32 {
    bytes.get(position..position + 4).map_or(0, |found| u32::from_be_bytes([found[0], found[1], found[2], found[3]]))
}

/// Reads a number of one to nine bytes and moves the position behind it.
fn read_varint(bytes: &[u8], position: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for index in 0..9 {
        let byte = *bytes.get(*position)?;
        *position += 1;
        if index == 8 {
            return Some(number << 8 | u64::from(byte));
        }
        number = number << 7 | u64::from(byte & 127);
        if byte < 128 {
            break;
        }
    }
    Some(number)
}
