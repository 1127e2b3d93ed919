//! Every form of citation that servers send, as it is drawn.

use ibid::{
    api::Annotation,
    chat::{Answer, Item, ItemKind, ItemSlot, Timestamp, answer::ContentPart},
    citations::annotations::{AnswerCitations, TextPartId, sources},
    render::markdown::{MarkdownLayout, MarkdownOptions, TextStage},
    text,
};
use proptest::prelude::*;

fn annotation(url: &str, start: impl Into<Option<u64>>, end: impl Into<Option<u64>>) -> Annotation {
    Annotation {
        kind: "url_citation".into(),
        url: Some(url.into()),
        title: None,
        content: None,
        filename: None,
        start: start.into(),
        end: end.into(),
    }
}

/// Cites the first occurrence of these words, with offsets in code points.
fn cite(text: &str, words: &str, url: &str) -> Annotation {
    let byte = text.find(words).expect("the words are in the text");
    let start = text[..byte].chars().count() as u64;
    annotation(url, start, start + words.chars().count() as u64)
}

fn answer(text: &str, annotations: &[Annotation]) -> Answer {
    let mut answer = Answer::new("openrouter", "a/b", Timestamp::UNIX_EPOCH);
    let part = ContentPart::Text { text: text.into(), annotations: annotations.to_vec() };
    let kind = ItemKind::Message { parts: vec![part], phase: None };
    let item = Item { raw: None, opened_at: Timestamp::UNIX_EPOCH, closed_at: None, kind: kind.into() };
    answer.items.insert(ItemSlot { step: 0, index: 0 }, item);
    answer
}

/// The only text part of the answers in these tests.
const FIRST: TextPartId = (ItemSlot { step: 0, index: 0 }, 0);

fn shown(text: &str, annotations: &[Annotation], width: usize) -> String {
    let mut citations = AnswerCitations::default();
    citations.refresh(&answer(text, annotations));
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(text, width, TextStage::Complete, citations.marks(FIRST));
    let rows: Vec<String> = layout.rows().iter().map(|row| row.text().trim_end().to_owned()).collect();
    rows.join("\n")
}

fn source_list(text: &str, annotations: &[Annotation]) -> Vec<(u32, String, usize)> {
    sources(&answer(text, annotations))
        .into_iter()
        .map(|source| (source.number, source.site, source.claim_count))
        .collect()
}

#[test]
fn a_cited_link_is_replaced_by_its_mark() {
    let link = "([techcrunch.com](https://techcrunch.com/a/b/?utm_source=openai))";
    let text = format!("Petco disclosed it. {link}  \nSo **did** others. {link}");
    let first = cite(&text, link, "https://techcrunch.com/a/b/?utm_source=openai");
    let second =
        annotation("https://techcrunch.com/a/b/", first.start.map(|at| at + 86 - 1), first.end.map(|at| at + 86 - 1));
    assert_eq!(shown(&text, &[first.clone(), second.clone()], 60), "Petco disclosed it. [1]\nSo did others. [1]");
    assert_eq!(source_list(&text, &[first, second]), [(1, "techcrunch.com/b".into(), 2)]);
}

#[test]
fn a_cited_link_is_found_however_its_offsets_are_counted() {
    let link = "([rust.example](https://rust.example/a))";
    let text = format!("🦀 Rust 🇩🇪 was voted first again. {link} 👍🏽 Go came close, too {link}.");
    let counts: [fn(&str) -> usize; 3] = [|text| text.chars().count(), |text| text.encode_utf16().count(), str::len];
    for count in counts {
        let cited: Vec<Annotation> = text
            .match_indices(link)
            .map(|(at, _)| {
                let start = count(&text[..at]) as u64;
                annotation("https://rust.example/a", start, start + link.len() as u64)
            })
            .collect();
        assert_eq!(shown(&text, &cited, 90), "🦀 Rust 🇩🇪 was voted first again. [1] 👍🏽 Go came close, too [1].");
    }
}

#[test]
fn marks_that_come_late_leave_each_byte_with_one_row() {
    let text = "One claim.\n\n   An indented paragraph.\n\nThe end.\n";
    let mut citations = AnswerCitations::default();
    citations.refresh(&answer(text, &[cite(text, "One claim", "https://a.example/")]));
    let (mut whole, mut late) =
        (MarkdownLayout::new(MarkdownOptions::default()), MarkdownLayout::new(MarkdownOptions::default()));
    whole.sync(text, 40, TextStage::Complete, citations.marks(FIRST));
    late.sync(text, 40, TextStage::Growing, &[]);
    late.sync(text, 40, TextStage::Complete, citations.marks(FIRST));
    assert_eq!(late.rows(), whole.rows());
}

#[test]
fn brackets_and_commas_around_cited_links_are_removed() {
    let text = "It is so ([a.example](https://a.example/1), [b.example](https://b.example/2)). Yes.";
    let cited = [
        cite(text, "[a.example](https://a.example/1)", "https://a.example/1"),
        cite(text, "[b.example](https://b.example/2)", "https://b.example/2"),
    ];
    assert_eq!(shown(text, &cited, 60), "It is so [1][2]. Yes.");
    assert_eq!(shown(text, &cited[..1], 60), "It is so ([1], b.example). Yes.");
}

#[test]
fn a_mark_follows_its_claim() {
    let text = "WAL does not work over NFS. Use a local disk instead.";
    assert_eq!(
        shown(
            text,
            &[
                cite(text, "WAL does not work over NFS", "https://a.example/"),
                cite(text, "Use a loc", "https://b.example/")
            ],
            80
        ),
        "WAL does not work over NFS [1]. Use a local [2] disk instead."
    );
    let both = [cite(text, "NFS. ", "https://a.example/"), cite(text, "over NFS.", "https://b.example/")];
    assert_eq!(shown(text, &both, 80), "WAL does not work over NFS. [1][2] Use a local disk instead.");
}

#[test]
fn a_mark_is_never_inside_code_or_alone_on_a_line() {
    let text = "Run `cargo test` now.\n\n```sh\ncargo test\n```\n\nThe end of it all.";
    let in_span = cite(text, "Run `cargo te", "https://a.example/");
    let in_block = cite(text, "sh\ncargo", "https://b.example/");
    assert_eq!(
        shown(text, &[in_span.clone(), in_block.clone()], 40),
        "Run cargo test [1] now.\n\n▏ sh                               copy\n▏ cargo test\n\nThe end of it all."
    );
    assert_eq!(source_list(text, &[in_span, in_block]).len(), 2);
    let text = "processes cannot share memory over a network file system. Even";
    let cited = [cite(text, "network file system", "https://a.example/")];
    assert_eq!(shown(text, &cited, 57), "processes cannot share memory over a network file\nsystem [1]. Even");
}

#[test]
fn offsets_count_code_points_or_else_utf16_units() {
    let text = "😀😀 The claim stands here, and more. ([x.example](https://x.example/p))";
    let claim = cite(text, "The claim stands here", "https://a.example/");
    assert_eq!(shown(text, &[claim], 90), "😀😀 The claim stands here [1], and more. (x.example)");
    let link = "([x.example](https://x.example/p))";
    let units = text[..text.find(link).expect("a link")].encode_utf16().count() as u64;
    let cited = [annotation("https://x.example/p", units, units + link.len() as u64)];
    assert_eq!(shown(text, &cited, 90), "😀😀 The claim stands here, and more. [1]");
}

#[test]
fn a_citation_without_a_range_is_found_by_its_address_or_only_listed() {
    let text =
        "See https://github.com/a/b, [x.example](http://www.x.example/p/) and [the docs](https://docs.example/q).\n";
    let cited = [
        annotation("https://nowhere.example/page", 0, 0),
        annotation("https://docs.example/q?utm_source=x", 0, 0),
        annotation("https://github.com/a/b", None, None),
        annotation("https://github.com/a", None, None),
    ];
    assert_eq!(shown(text, &cited, 90), "See https://github.com/a/b [1], x.example and the docs [2].");
    assert_eq!(
        source_list(text, &cited),
        [
            (1, "github.com/b".into(), 1),
            (2, "docs.example/q".into(), 1),
            (3, "nowhere.example/page".into(), 0),
            (4, "github.com/a".into(), 0)
        ]
    );
}

#[test]
fn citations_with_invalid_ranges_are_only_listed() {
    let text = "Short.";
    for (start, end) in [(3, 900), (900, 901), (4, 2), (0, 0), (u64::MAX, u64::MAX)] {
        assert_eq!(shown(text, &[annotation("https://a.example/", start, end)], 40), "Short.", "{start}..{end}");
        assert_eq!(source_list(text, &[annotation("https://a.example/", start, end)]).len(), 1);
    }
}

#[test]
fn a_source_without_a_title_is_named_after_its_kind() {
    let named = |kind: &str| {
        let only = Annotation { url: None, kind: kind.into(), ..annotation("", None, None) };
        let source = sources(&answer("Text.", &[only])).remove(0);
        assert_eq!(source.title, source.site);
        source.title
    };
    assert_eq!(named("place_citation"), "place citation");
    assert_eq!(named("file_path"), "a file");
    assert_eq!(named("url_citation"), "a page");
    assert_eq!(named("odd\u{1b}[31m__type\n"), "odd type");
    assert_eq!(named("_"), "a source");
}

#[test]
fn a_number_with_a_mark_is_aligned_right_like_the_others() {
    let text = "| city | people |\n|---|---|\n| Bern | 1,345 |\n| Ulm | 12 |\n";
    let cited = [cite(text, "1,345", "https://a.example/")];
    let rule = "─".repeat(16);
    assert_eq!(shown(text, &cited, 60), format!("city  people\n{rule}\nBern   1,345 [1]\nUlm       12"));
}

#[test]
fn marks_in_a_column_of_numbers_do_not_shift_the_digits() {
    let text = "| city | area |\n|---|--:|\n| Bern | 51.6 |\n| Ulm | 118.7 |\n| Graz | 7.0 |\n";
    let cited = [cite(text, "51.6", "https://a.example/"), cite(text, "51.6", "https://b.example/")];
    let rule = "─".repeat(18);
    let rows = "Bern   51.6 [1][2]\nUlm   118.7\nGraz    7.0";
    assert_eq!(shown(text, &cited, 60), format!("city   area\n{rule}\n{rows}"));
    let narrow = shown(text, &cited, 14);
    assert!(narrow.contains("51.6") && narrow.lines().all(|row| row.chars().count() <= 14), "{narrow}");
}

#[test]
fn files_are_sources_without_an_address() {
    let mut file = annotation("", None, None);
    file.url = None;
    file.kind = "file_citation".into();
    file.filename = Some("report\u{1b}[31m.pdf".into());
    let listed = sources(&answer("Text.", &[file.clone(), file]));
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].title.as_str(), listed[0].site.as_str(), &listed[0].url),
        ("report.pdf", "report.pdf", &None)
    );
}

#[test]
fn numbers_do_not_change_while_an_answer_grows() {
    let text = "First https://b.example/page then [a](https://a.example/1) and at last https://c.example/page .";
    let cited = [
        annotation("https://c.example/page", 0, 0),
        annotation("https://a.example/1", 0, 0),
        annotation("https://b.example/page", 0, 0),
    ];
    let mut citations = AnswerCitations::default();
    let mut known: Vec<(String, u32)> = Vec::new();
    for end in 0..=text.len() {
        citations.refresh(&answer(&text[..end], &cited));
        let used: Vec<(String, u32)> = citations
            .marks(FIRST)
            .iter()
            .filter_map(|mark| mark.cited.as_ref())
            .map(|it| (it.key.to_string(), it.number))
            .collect();
        assert!(used.starts_with(&known), "{known:?} then {used:?}");
        known = used;
    }
    assert_eq!(known.len(), 3);
    assert_eq!(citations.sources(), sources(&answer(text, &cited)));
}

#[test]
fn a_late_citation_lays_out_its_block_again() {
    let text = "One claim here.\n\n- two\n- three `x`\n\nFour words stand here, and more of them, which no source is named for.\n\nThe last block\n";
    let cited = [
        cite(text, "claim", "https://a.example/"),
        cite(text, "three", "https://b.example/"),
        cite(text, "last", "https://c.example/"),
    ];
    let mut whole = AnswerCitations::default();
    whole.refresh(&answer(text, &cited));
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    let mut rows = |stage| {
        layout.sync(text, 30, stage, whole.marks(FIRST));
        layout.rows().iter().map(|row| row.text() + "\n").collect::<String>()
    };
    let streamed = rows(TextStage::Growing);
    assert!(
        streamed.contains("claim [1]") && streamed.contains("three [2]") && streamed.contains("last [3]"),
        "{streamed}"
    );
    assert_eq!(rows(TextStage::Complete), streamed);
    let mut late = MarkdownLayout::new(MarkdownOptions::default());
    late.sync(text, 30, TextStage::Growing, &[]);
    let before = late.work();
    late.sync(text, 30, TextStage::Growing, whole.marks(FIRST));
    assert_eq!(late.rows().iter().map(|row| row.text() + "\n").collect::<String>(), streamed);
    assert!(late.work().bytes - before.bytes < text.len() as u64, "only the blocks with marks were laid out again");
}

#[test]
fn a_mark_inside_an_image_follows_it() {
    let text = "Words ![a tall cat](https://a.example/cat.png) and more words.";
    let cited = cite(text, "a tall", "https://b.example/1");
    assert_eq!(shown(text, &[cited], 90), "Words ▣ Image 1 a tall cat https://a.example/cat.png [1] and more words.");
    let text = "![a tall cat](https://a.example/cat.png)\n\nMore.";
    let cited = cite(text, "a tall", "https://b.example/1");
    for width in [90, 20] {
        let mut citations = AnswerCitations::default();
        citations.refresh(&answer(text, std::slice::from_ref(&cited)));
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.sync(text, width, TextStage::Complete, citations.marks(FIRST));
        let rows: Vec<_> = layout.rows().iter().map(|row| row.source.clone()).collect();
        assert!(rows.windows(2).all(|pair| pair[0].end == pair[1].start), "{rows:?}");
        assert!(layout.rows().iter().any(|row| row.text().contains("[1]")));
    }
}

#[test]
fn a_mark_follows_the_last_word_of_its_claim_and_splits_no_cluster() {
    for (text, claim, expected) in [
        ("They don't know.", "They don", "They don't [1] know."),
        ("It took 3.14 s in all.", "It took 3", "It took 3.14 [1] s in all."),
        ("A snake_case name.", "A snake", "A snake_case [1] name."),
        ("Cafe\u{301}s close.", "Cafe", "Cafe\u{301}s [1] close."),
        ("ระหว่างคำ", "ระหว", "ระหว่ [1]างคำ"),
        ("日本語の文", "日本", "日本 [1]語の文"),
        ("Go \u{1f1e9}\u{1f1ea}!", "Go \u{1f1e9}", "Go \u{1f1e9}\u{1f1ea} [1]!"),
        ("한국어 문장", "한국", "한국어 [1] 문장"),
    ] {
        assert_eq!(shown(text, &[cite(text, claim, "https://a.example/1")], 60), expected);
    }
}

proptest! {
    #[test]
    fn no_annotation_breaks_the_layout(text in "[a-z ()\\[\\]*`\n😀é.:/]{0,80}", spans in prop::collection::vec((any::<Option<u8>>(), any::<Option<u8>>(), 0..3usize), 0..6), width in 1usize..40) {
        let urls = ["https://a.example/x", "https://b.example/", ""];
        let cited: Vec<_> = spans.iter().map(|(start, end, url)| annotation(urls[*url], start.map(u64::from), end.map(u64::from))).collect();
        let marked = shown(&text, &cited, width);
        for row in marked.lines() {
            prop_assert!(text::width(row) <= width || width < 3, "{row:?} in {width}");
        }
        let mut grown = AnswerCitations::default();
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            grown.refresh(&answer(&text[..end], &[]));
        }
        grown.refresh(&answer(&text, &cited));
        prop_assert_eq!(grown.sources(), sources(&answer(&text, &cited)));
    }
}

/// What is shown of a text that is complete, or still grows.
fn shown_at_stage(text: &str, annotations: &[Annotation], stage: TextStage) -> String {
    let mut answer = answer(text, annotations);
    if stage == TextStage::Complete {
        answer.finish(Timestamp::UNIX_EPOCH, Ok(()));
    }
    let mut citations = AnswerCitations::default();
    citations.refresh(&answer);
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(text, 90, stage, citations.marks(FIRST));
    layout.rows().iter().map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn leftover_citations_become_marks_or_are_dropped() {
    for form in
        ["【4†source】", "【4:0†source】", "citeturn0search1", "\u{e200}cite\u{e202}turn0search1\u{e201}", "[3†source]"]
    {
        let text = format!("Paris is large {form}. Rome is old.{form}\n\n{form}\n\n- **Lyon** {form} is smaller.");
        assert_eq!(
            shown_at_stage(&text, &[], TextStage::Complete),
            "Paris is large. Rome is old.\n\n• Lyon is smaller.",
            "{form}"
        );
        let cited = cite(&text, form, "https://a.example/");
        assert_eq!(
            shown_at_stage(&text, &[cited], TextStage::Complete),
            "Paris is large [1]. Rome is old.\n\n• Lyon is smaller.",
            "{form} is where its annotation says"
        );
        let code = format!("Write `{form}`:\n\n```\n{form}\n```");
        let shown = shown_at_stage(&code, &[], TextStage::Complete);
        assert_eq!(
            shown.matches(form).count(),
            if form.starts_with('\u{e200}') { shown.matches(form).count() } else { 2 },
            "{shown}"
        );
    }
}

#[test]
fn a_leftover_citation_that_names_a_source_is_its_mark() {
    let text = "Sales grew 【4:0†report.pdf】 and fell 【4:1†notes.md】, says 【7†a.example】.";
    let file = Annotation {
        kind: "file_citation".into(),
        url: None,
        filename: Some("report.pdf".into()),
        ..annotation("", None, None)
    };
    let page = annotation("https://www.a.example/x", None, None);
    assert_eq!(shown(text, &[file.clone(), page.clone()], 90), "Sales grew [1] and fell, says [2].");
    assert_eq!(source_list(text, &[file, page]).iter().map(|(_, _, claims)| *claims).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_leftover_citation_is_never_shown_while_it_arrives() {
    let forms = ["【4:0†source】", "\u{e200}cite\u{e202}turn0search1\u{e202}turn0news2\u{e201}", "citeturn0search1"];
    for form in forms {
        let text = format!("Paris is large {form}. So is Rome {form}{form}");
        let mut answer = answer("", &[]);
        let mut citations = AnswerCitations::default();
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in (1..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let part = ContentPart::Text { text: text[..end].into(), annotations: Vec::new() };
            let item = answer.items.values_mut().next().expect("the message");
            item.kind = ItemKind::Message { parts: vec![part], phase: None }.into();
            citations.refresh(&answer);
            layout.sync(&text[..end], 90, TextStage::Growing, citations.marks(FIRST));
            let row = layout.rows().last().map(ibid::render::row::StyledRow::text).unwrap_or_default();
            for piece in ["【", "†", "turn0", "search", "\u{e200}", "\u{e201}", "cite"] {
                assert!(!row.contains(piece), "{row:?} after {:?}", &text[..end]);
            }
        }
        // What was cut off is no text, but a word that only begins like a form is.
        assert_eq!(shown_at_stage("Paris is large 【4†sou", &[], TextStage::Complete), "Paris is large");
        assert_eq!(shown_at_stage("That is what I cite", &[], TextStage::Complete), "That is what I cite");
        assert_eq!(shown_at_stage("That is what I cite", &[], TextStage::Growing), "That is what I");
    }
}

#[test]
fn a_link_that_repeats_the_citation_before_it_is_dropped() {
    let claim = "Paris has 2 million people";
    let url = "https://www.insee.fr/en";
    for (written, drawn) in [
        (format!("{claim} ([insee.fr]({url}?utm_source=openai)). Next."), format!("{claim} [1]. Next.")),
        (format!("{claim}. ([insee.fr]({url})) Next."), format!("{claim} [1]. Next.")),
        (format!("{claim} [1]({url})."), format!("{claim} [1].")),
        (format!("{claim} ([insee.fr](https://other.example))."), format!("{claim} [1] (insee.fr).")),
        (format!("{claim} ([the report]({url}))."), format!("{claim} [1] (the report).")),
    ] {
        assert_eq!(shown(&written, &[cite(&written, claim, url)], 90), drawn, "{written}");
    }
}

#[test]
fn citations_counted_in_any_unit_are_found_in_the_trials() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/trials");
    let folder = if folder.is_dir() { folder } else { "/work/shared/reference/trials".into() };
    for unit in ["bytes", "utf16"] {
        let Ok(stream) = std::fs::read_to_string(folder.join(format!("citations-counted-in-{unit}.sse"))) else {
            eprintln!("SKIPPED: {} has no recorded streams", folder.display());
            return;
        };
        let mut answer = Answer::new("openrouter", "a/b", Timestamp::UNIX_EPOCH);
        for payload in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
            answer.apply(0, Timestamp::UNIX_EPOCH, &ibid::api::Event::parse(payload));
        }
        answer.finish(Timestamp::UNIX_EPOCH, Ok(()));
        let mut citations = AnswerCitations::default();
        citations.refresh(&answer);
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let (slot, text) = answer
            .items
            .iter()
            .find_map(|(slot, item)| Some((*slot, item.parts()?.first()?.text().to_owned())))
            .expect("a text");
        layout.sync(&text, 100, TextStage::Complete, citations.marks((slot, 0)));
        let row = layout.rows()[0].text();
        assert_eq!(row, "🗼 Paris 🇫🇷 has 2 million people. [1] 👩\u{200d}💻 Lyon is smaller [1].", "{unit}");
    }
}

#[test]
fn reasoning_shows_no_leftover_citations_in_the_text_and_in_the_rail() {
    let mut app = crate::support::harness::Harness::new(160, 40);
    let stream = app.send_prompt("why");
    let delta = |text: &str| {
        serde_json::json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": text})
            .to_string()
    };
    for text in
        ["**Reading 【4†so", "urce】 pages**\n\nRome is old", " 【4†sou", "rce】, says tur", "n0search1 a page."]
    {
        app.receive_events(stream, &[&delta(text)]);
        let screen = app.screen();
        assert!(!screen.contains("【") && !screen.contains("†") && !screen.contains("turn0"), "{screen}");
    }
    app.press("tab enter");
    let screen = app.screen();
    assert_eq!(screen.matches("Rome is old, says a page.").count(), 2, "in the text and in the rail:\n{screen}");
    assert!(screen.contains("Reading pages"), "{screen}");
}
