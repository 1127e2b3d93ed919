//! Conversations with hostile texts in every place.

use ibid::chat::{AnswerEnd, MessageBody, StoredCheck, WholeConversation};
use serde_json::json;

use super::export_sample as sample;

/// What is tried in each place: scripts, handlers, addresses, ways out of attributes, comments, styles and data.
pub const HOSTILE: [&str; 54] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<script type=\"application/json\" id=\"ibid-conversation\">{}</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"x\" onerror=\"alert(1)\">",
    "<img/src/onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<math><mtext></mtext><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<object data=data:text/html;base64,PHNjcmlwdD4=></object>",
    "<embed src=//evil.example>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=\"0;url=//evil.example\">",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{background:url(//evil.example)}</style>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<body onload=alert(1)>",
    "<form action=//evil.example><input type=submit autofocus onfocus=alert(1)></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href=\"java\tscript:alert(1)\">x</a>",
    "<a href=\"&#106;avascript:alert(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"https://a.example\" onclick=\"alert(1)\">x</a>",
    "<a href='https://a.example/\" onmouseover=\"alert(1)'>x</a>",
    "<b style=\"background:url(//evil.example)\" onmouseover=alert(1)>x</b>",
    "<kbd class=x id=m1 onpointerenter=alert(1)>x</kbd>",
    "<p><b><details><summary><i></p></b>",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](<https://a.example/\" onclick=\"alert(1)>)",
    "[x](https://a.example \"\\\" onclick=\\\"alert(1)\")",
    "[<img src=x onerror=alert(1)>](https://a.example)",
    "![x](https://a.example/x.png\" onerror=\"alert(1))",
    "![<script>alert(1)</script>](javascript:alert(1))",
    "<javascript:alert(1)>",
    "https://a.example/\"onmouseover=\"alert(1)",
    "`</code></pre><script>alert(1)</script>`",
    "```\"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
    "[^\"><script>alert(1)</script>]\n\n[^\"><script>alert(1)</script>]: <script>alert(1)</script>",
    "$<script>alert(1)</script>$ and $$</span><img src=x onerror=alert(1)>$$",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]> <?xml ?> <!ENTITY x>",
    "\" autofocus onfocus=\"alert(1)\" x=\"'><script>alert(1)</script>\u{202e}\u{0}",
];

/// A conversation with these words in every place.
pub fn hostile_conversation(words: &str) -> WholeConversation {
    let cited = format!("Cited {words}");
    let annotations = [
        json!({"type": "url_citation", "url": words, "title": words, "content": words, "start_index": 0, "end_index": 5}),
        json!({"type": "url_citation", "url": format!("https://a.example/{words}"), "title": words, "start_index": 1, "end_index": 5}),
        json!({"type": words, "filename": words}),
    ];
    let call = json!({"type": "function_call", "id": "fc", "call_id": "c", "name": words, "arguments": words});
    let search = json!({"type": "openrouter:web_search", "id": "ws", "status": "failed", "error": words,
        "action": {"query": words, "sources": [{"url": words}]}});
    let other = json!({"type": words, "id": "o", "status": words, "x": words});
    let reasoning = json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": words}]});
    let refusal =
        json!({"type": "message", "id": "m2", "role": "assistant", "content": [{"type": "refusal", "refusal": words}]});
    let code = format!(
        "~~~{words}\n{words}\n~~~\n\n> {words}\n\n- {words}\n\n| {words} | x |\n|---|---|\n| y | {words} |\n\n# {words}"
    );
    let items = [
        reasoning,
        search,
        call,
        other,
        refusal,
        sample::text_item(&cited, &annotations),
        sample::text_item(&code, &[]),
    ];
    let items = items.iter().map(|json| sample::item(json, 1)).collect();
    let mut answer = sample::answer(items, AnswerEnd::Incomplete { reason: Some(words.into()) });
    answer.answered_by = Some(words.into());
    answer.params.provider = Some(words.into());
    answer.notes.push(words.into());
    if let Some(bill) = answer.usage_by_step.values_mut().next() {
        bill.generation_id = Some(words.into());
    }
    let mut whole = sample::conversation(words, vec![sample::prompt(words), MessageBody::Answer(answer)]);
    whole.header.settings.instructions = Some(words.into());
    whole.checks.push(StoredCheck {
        message: sample::message_id(2),
        source: words.into(),
        checked_at: sample::at(1),
        page_hash: None,
        result:
            json!({"outcome": {"unread": words}, "judgement": {"model": words, "verdict": "partly", "reason": words}})
                .to_string(),
    });
    whole
}
