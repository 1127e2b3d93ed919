use std::time::Duration;

use super::*;

fn web(markdown: &str) -> String {
    let options = WebTextOptions { id_prefix: "m1b0", source_prefix: "m1s", line_breaks: LineBreaks::Auto };
    let mut highlighter = CodeHighlighter::new(|| Duration::ZERO);
    to_web_text(markdown, &[], &options, &mut highlighter).html
}

#[test]
fn blocks_and_inline_elements_are_written_as_they_are_shown() {
    insta::assert_snapshot!(web("# A *title*\n\nText **bold** `a<b` ~~old~~ <https://a.example> www.b.example\n\n> [!NOTE]\n> Mind.\n\n1. one\n2. two\n   - [x] done\n\n---\n"), @r#"
    <h3 dir="auto">A <em>title</em></h3>
    <p dir="auto">Text <strong>bold</strong> <code>a&lt;b</code> <del>old</del> <a href="https://a.example" rel="noopener noreferrer nofollow">https://a.example</a> <a href="http://www.b.example" rel="noopener noreferrer nofollow">www.b.example</a></p>
    <blockquote class="note">
    <p class="kind">Note</p>
    <p dir="auto">Mind.</p>
    </blockquote>
    <ol>
    <li dir="auto">one</li>
    <li dir="auto">two<ul>
    <li dir="auto">☑ done</li>
    </ul>
    </li>
    </ol>
    <hr>
    "#);
    insta::assert_snapshot!(web("| a | b |\n|---|--:|\n| **x** | $x^2$ |\n"), @r#"
    <div class="table"><table>
    <thead><tr><th dir="auto">a</th><th class="right" dir="auto">b</th></tr></thead><tbody>
    <tr><td dir="auto"><strong>x</strong></td><td class="right" dir="auto"><span class="math">x²</span></td></tr>
    </tbody></table></div>
    "#);
    insta::assert_snapshot!(web("```rust\nlet a = \"<b>\";\n```\n\n$$\\frac{a}{b}$$\n"), @r#"
    <div class="code"><div class="language">rust</div><pre><code><span class="keyword">let</span> a = <span class="string">&quot;&lt;b&gt;&quot;</span>;</code></pre></div>
    <p dir="auto"><span class="math display">a
    ─
    b</span></p>
    "#);
    insta::assert_snapshot!(web("A[^x] and[^x].\n\n[^x]: Note.\n"), @r##"
    <p dir="auto">A<sup class="note" id="m1b0g1-1"><a href="#m1b0f1">[^x]</a></sup> and<sup class="note" id="m1b0g1-2"><a href="#m1b0f1">[^x]</a></sup>.</p>
    <div class="footnote" id="m1b0f1"><a href="#m1b0g1-1">[^x]</a> <p dir="auto">Note.</p>
    </div>
    "##);
}

#[test]
fn html_in_a_text_is_what_it_means_and_stays_well_formed() {
    insta::assert_snapshot!(web("H<sub>2</sub>O <b>**x</b>** <u>open\n\nnext</u> <kbd>k</kbd> a<br>b <a href=\"https://a.example\">in</a>"), @r#"
    <p dir="auto">H<sub>2</sub>O <b><strong>x</strong> &lt;u&gt;open</b></p>
    <p dir="auto">next&lt;/u&gt; <code>k</code> a<br>b <a href="https://a.example" rel="noopener noreferrer nofollow">in</a></p>
    "#);
    insta::assert_snapshot!(web("<details><summary>More <b>x</summary>\n\nHidden *text*.\n\n</details>\n\nAfter.\n\n<details>\nopen"), @r#"
    <details class="part"><summary>More <b>x</b></summary>
    <p dir="auto">Hidden <em>text</em>.</p>
    </details>
    <p dir="auto">After.</p>
    <details class="part"><div class="raw" dir="auto">
    open</div>
    </details>
    "#);
    insta::assert_snapshot!(web("<table><tr><td>a</td><td>b &amp; c</td></tr></table>\n\n<ul><li>one<li>two</ul>\n"), @r#"
    <div class="raw" dir="auto">a b &amp; c<br>
    </div>
    <div class="raw" dir="auto">• one<br>
    • two<br>
    </div>
    "#);
}

#[test]
fn images_are_named_and_links_lead_only_to_pages_and_mail() {
    insta::assert_snapshot!(web("![An *x*](https://i.example/a.png) ![](data:image/png;base64,AAAA) [bad](javascript:alert(1)) [m](mailto:a@b.example) <b@c.example>"), @r#"<p dir="auto"><span class="image">Image “An x”: <a href="https://i.example/a.png" rel="noopener noreferrer nofollow">https://i.example/a.png</a></span> <span class="image">Image: embedded image/png · 3 bytes</span> bad <span class="facts">javascript:alert(1)</span> <a href="mailto:a@b.example" rel="noopener noreferrer nofollow">m</a> <a href="mailto:b@c.example" rel="noopener noreferrer nofollow">b@c.example</a></p>"#);
}
