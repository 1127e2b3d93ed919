//! Explains an answer that failed or stopped early: what happened, whose fault it is, what it cost and what helps.

use super::{
    Answer, AnswerEnd, PauseReason, Turn, TurnBlock,
    choices::{affordable_tokens, is_key_budget, is_redirect},
    turn_lifecycle::NAMELESS_CALL,
};
use crate::api::{ApiError, ErrorFact, FREE_REQUESTS_PER_MINUTE, FaultKind, FreeQuota, NetworkObstacle};
use crate::text;

/// The text of a card: a headline, a muted fact beside it, the server's own words, and a line of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardText {
    /// What happened, as in "The provider hung up in mid-answer."
    pub headline: String,
    /// The details of the failure, as in "Anthropic, 502, after 61 tokens".
    pub fact: Option<String>,
    /// The server's own words, in quotes.
    pub quote: Option<String>,
    /// What is saved, what it costs, and what to do now.
    pub advice: String,
}

/// Explains an answer and its turn; `None` if nothing is wrong.
pub fn explain(answer: &Answer, turn: Option<&Turn>) -> Option<CardText> {
    let Some(turn) = turn else { return explain_end(answer) };
    match turn.phase.block_reason()? {
        TurnBlock::AwaitingRetry(error) => Some(CardText {
            headline: headline(error, answer, false).into(),
            fact: fact_line(error, answer),
            quote: server_quote(error),
            advice: [own_sentence(error), Some(attempt_cost_note(error, answer)), free_quota(error)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
        }),
        TurnBlock::SaveFailed(why) => Some(CardText {
            headline: "The prompt could not be saved.".into(),
            fact: None,
            quote: Some(why.to_owned()),
            advice: "It has not been sent. Save it again, or send it anyway.".into(),
        }),
        TurnBlock::Paused(pause) => Some(explain_pause(pause)),
        // Its calls have their own cards.
        TurnBlock::Calling => None,
    }
}

fn explain_pause(pause: &PauseReason) -> CardText {
    let (headline, fact) = match pause {
        PauseReason::Steps(1) => ("The model keeps calling tools.", "once in this turn".into()),
        PauseReason::Steps(steps) => ("The model keeps calling tools.", format!("{steps} times in this turn")),
        PauseReason::RepeatedCall(tool) => {
            let tool = tool.as_ref().map_or_else(|| "an unknown tool".into(), ToString::to_string);
            ("The model keeps making the same call.", format!("{tool}, with the same arguments"))
        }
    };
    let advice = "Its next calls have not been run. Let it continue, or stop it here.".into();
    CardText { headline: headline.into(), fact: Some(fact), quote: None, advice }
}

/// What the failed attempts cost, or may have cost: one that reached a provider may be billed.
fn attempt_cost_note(error: &ApiError, answer: &Answer) -> String {
    let (cost, _) = answer.cost();
    if !cost.is_zero() {
        return format!("Nothing has been shown yet; it cost {cost} so far.");
    }
    let words = match error.fault {
        FaultKind::Silence | FaultKind::Cut | FaultKind::Empty | FaultKind::Garbage => {
            "Nothing has been shown yet; it may be billed."
        }
        FaultKind::Connect
        | FaultKind::Key
        | FaultKind::Credit
        | FaultKind::Forbidden
        | FaultKind::Model
        | FaultKind::Length
        | FaultKind::Rate
        | FaultKind::Request
        | FaultKind::Server => "Nothing has been shown or billed yet.",
    };
    words.to_owned()
}

fn explain_end(answer: &Answer) -> Option<CardText> {
    let shown = answer.is_visible();
    let cost = cost_note(answer, shown);
    let (headline, fact, advice) = match &answer.end {
        AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Stopped => return None,
        AnswerEnd::Interrupted if is_unanswered(answer) => {
            ("The prompt was not answered.", None, "The prompt may not have been sent: send it again.".into())
        }
        AnswerEnd::Interrupted => (
            "The answer was interrupted.",
            None,
            if answer.text().is_empty() { "Ask again." } else { "Continue it, or ask again." }.into(),
        ),
        AnswerEnd::Incomplete { reason } => explain_incomplete(reason.as_deref(), answer),
        AnswerEnd::Failed(error) => (headline(error, answer, shown), fact_line(error, answer), advice(error, answer)),
    };
    let error = match &answer.end {
        AnswerEnd::Failed(error) => Some(error),
        AnswerEnd::Open
        | AnswerEnd::Complete
        | AnswerEnd::Incomplete { .. }
        | AnswerEnd::Stopped
        | AnswerEnd::Interrupted => None,
    };
    let sentences = [
        interruption(answer).map(str::to_owned).or_else(|| error.and_then(own_sentence)),
        (!answer.text().trim().is_empty()).then(|| "The partial answer is saved.".into()),
        cost,
        error.and_then(free_quota),
        Some(advice),
    ];
    let advice = sentences.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(CardText { headline: headline.into(), fact, quote: error.and_then(server_quote), advice })
}

/// Whether ibid ended before anything of an answer was saved.
fn is_unanswered(answer: &Answer) -> bool {
    answer.items.is_empty() && answer.generation_ids().next().is_none()
}

fn interruption(answer: &Answer) -> Option<&'static str> {
    (answer.end == AnswerEnd::Interrupted).then_some(if is_unanswered(answer) {
        "ibid ended before any of the answer was saved."
    } else {
        "ibid, the server or the connection ended before the answer did."
    })
}

fn explain_incomplete(reason: Option<&str>, answer: &Answer) -> (&'static str, Option<String>, String) {
    let is_empty = answer.text().is_empty();
    let after = token_count(answer);
    match reason {
        Some(reason) if is_token_limit(reason) && is_empty => (
            "The model had no room left to answer.",
            after,
            "Its token limit or its context is full: raise max_output_tokens, or choose a model with a longer context."
                .into(),
        ),
        Some(reason) if is_token_limit(reason) => {
            ("The answer hit its token limit.", after, "Continue it, or raise max_output_tokens.".into())
        }
        Some("max_tool_calls" | "max_turns" | "max_steps") => (
            "The answer hit its tool call limit.",
            after,
            "Continue it, or raise the limit of the server's tools in the config.".into(),
        ),
        Some("max_messages") => ("The answer hit its message limit.", after, "Continue it, or ask again.".into()),
        Some("max_cost" | "budget_exceeded") => {
            ("The answer hit its cost limit.", after, "Continue it, or raise the limit in the config.".into())
        }
        Some("steered") => (
            "Another message took the place of this answer.",
            after,
            "The server went on with that one; continue this answer, or ask again.".into(),
        ),
        Some("context_length_exceeded" | "max_input_tokens" | "max_prompt_tokens") => (
            "The conversation is too long for this model.",
            after,
            "Leave out the oldest turns, or choose a model with a longer context.".into(),
        ),
        Some("timeout" | "max_time" | "deadline_exceeded") => {
            ("The server ran out of time for the answer.", after, "Continue it, or ask again.".into())
        }
        Some("cancelled" | "canceled" | "interrupted" | "aborted") => {
            ("The server ended the answer early.", after, "Continue it, or ask again.".into())
        }
        Some("content_filter" | "safety" | "content_policy_violation") => {
            ("The provider's filter cut the answer.", after, "Rephrase the prompt, or ask another model.".into())
        }
        Some(_) | None => (
            "The answer is not complete.",
            reason.map(|reason| text::clean(&reason.replace(['_', '\n'], " ")).into_owned()).or(after),
            if is_empty { "Ask again, or ask another model." } else { "Continue it, or ask again." }.into(),
        ),
    }
}

/// Whether a reason means that the limit of output tokens was reached.
pub(super) fn is_token_limit(reason: &str) -> bool {
    matches!(reason, "max_output_tokens" | "max_tokens" | "length" | "max_completion_tokens")
}

fn headline(error: &ApiError, answer: &Answer, shown: bool) -> &'static str {
    if let Some(obstacle) = error.obstacle() {
        return obstacle_headline(obstacle, shown);
    }
    match error.fault {
        FaultKind::Connect if shown => "The connection was lost in mid-answer.",
        FaultKind::Connect => "The server could not be reached.",
        FaultKind::Silence if shown => "The server fell silent in mid-answer.",
        FaultKind::Silence => "The server did not answer in time.",
        FaultKind::Cut if shown => "The provider hung up in mid-answer.",
        FaultKind::Cut => "The connection broke before the answer began.",
        FaultKind::Empty if error.code.as_deref() == Some(NAMELESS_CALL) => "The model's call cannot be run.",
        FaultKind::Empty => "The model returned an empty answer.",
        FaultKind::Key if error.status.is_none() => "The key cannot be used.",
        FaultKind::Key if is_other_server(error) => "The server refused this key, or needs one.",
        FaultKind::Key => "OpenRouter refused this key.",
        FaultKind::Credit if is_key_budget(error) => "The budget of this key is used up.",
        FaultKind::Credit if affordable_tokens(error).is_some() => "Not enough credit for an answer this long.",
        FaultKind::Credit => "There is no credit left.",
        FaultKind::Forbidden => "The request was refused.",
        FaultKind::Model => "This model is not available.",
        FaultKind::Length => "The conversation is too long for this model.",
        FaultKind::Rate if error.facts.contains(&ErrorFact::FreeQuotaOfTheDay) => "Today's free requests are used up.",
        FaultKind::Rate if answer.model.ends_with(":free") => "Too many requests for a free model.",
        FaultKind::Rate => "Too many requests.",
        FaultKind::Request if is_redirect(error) => "The server is at another address.",
        FaultKind::Request => "The server did not accept the request.",
        FaultKind::Server if shown => "The provider failed in mid-answer.",
        FaultKind::Server => "The provider failed before it answered.",
        FaultKind::Garbage if shown => "The rest does not follow the Responses API.",
        FaultKind::Garbage => "The server does not speak the Responses API.",
    }
}

fn obstacle_headline(obstacle: NetworkObstacle, shown: bool) -> &'static str {
    match obstacle {
        NetworkObstacle::UntrustedCertificate => "The server's certificate is not trusted here.",
        NetworkObstacle::WrongCertificateName => "The server's certificate is for another name.",
        NetworkObstacle::OutdatedCertificate => "The server's certificate is not valid today.",
        NetworkObstacle::InsecureServer => "No secure connection to the server is possible.",
        NetworkObstacle::ProxySetting => "The proxy setting cannot be used.",
        NetworkObstacle::DeadProxy => "The proxy could not be reached.",
        NetworkObstacle::ProxyLogin => "The proxy wants a name and a password.",
        NetworkObstacle::ProxyRefusal => "The proxy did not let the request through.",
        NetworkObstacle::Gateway if shown => "Something between here and the server cut the answer.",
        NetworkObstacle::Gateway => "Something between here and the server answered in its place.",
    }
}

fn obstacle_advice(obstacle: NetworkObstacle, error: &ApiError) -> String {
    match obstacle {
        NetworkObstacle::UntrustedCertificate => {
            "If you trust it, save it or its authority's as a PEM file and set SSL_CERT_FILE to that file."
        }
        NetworkObstacle::WrongCertificateName => {
            "Check the base_url of the endpoint: it must name the server as its certificate does."
        }
        NetworkObstacle::OutdatedCertificate => "Check the clock of this machine; else its owner must renew it.",
        NetworkObstacle::InsecureServer => {
            "Check the base_url of the endpoint: its port, and whether it begins with http:// or https://."
        }
        NetworkObstacle::ProxySetting => {
            "Write it as http://host:port or socks5://host:port, unset it, or list the server in NO_PROXY."
        }
        NetworkObstacle::DeadProxy => "Check that it runs and its address, unset it, or list the server in NO_PROXY.",
        NetworkObstacle::ProxyLogin => {
            "Put both into its address, as in HTTPS_PROXY=http://name:password@host:port, then start ibid again."
        }
        NetworkObstacle::ProxyRefusal if error.status == Some(413) => {
            "The request is too large for it: leave out the oldest turns, or list the server in NO_PROXY."
        }
        NetworkObstacle::ProxyRefusal => "Ask who runs it, or list the server in NO_PROXY to go around it.",
        NetworkObstacle::Gateway => match error.status {
            Some(413) => "The request is too large for it: leave out the oldest turns.",
            Some(401) => "It wants you to sign in: sign in to the network, or check the base_url of the endpoint.",
            Some(403) => {
                "It blocks programs or this network: try another network, or check the base_url of the endpoint."
            }
            Some(429) => "Try again in a minute.",
            Some(500..) => "It got no answer from the server: try again in a minute.",
            Some(_) | None => "Check the network and the base_url of the endpoint, then try again.",
        },
    }
    .into()
}

/// The details of a failure: provider, status, and how many tokens were received.
fn fact_line(error: &ApiError, answer: &Answer) -> Option<String> {
    let status = error.status.map(|status| status.to_string());
    let parts = [error.provider.clone(), status, excluded_by(error), earlier_providers(error), token_count(answer)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The server's own words in quotes, unless there are none.
fn server_quote(error: &ApiError) -> Option<String> {
    let is_reported = error.fault == FaultKind::Server && !error.message.starts_with("the server ");
    let is_from_server = is_reported || error.status.is_some() || error.code.is_some() || error.provider.is_some();
    let message = match error.message.strip_suffix('.') {
        Some(sentence) if !sentence.ends_with('.') => sentence,
        _ => error.message.as_str(), // An ellipsis is part of the words.
    };
    match message.strip_prefix("the server answered ").map(|answer| answer.split_once(" with a web page: ")) {
        Some(Some((status, page))) if page != status => Some(format!("a web page: “{page}”")),
        Some(_) => None,
        None if message.starts_with("there is no Responses API") => {
            message.split_once("): ").map(|(_, words)| format!("“{words}”"))
        }
        None if error.obstacle() == Some(NetworkObstacle::Gateway) && is_from_server && !message.is_empty() => {
            Some(format!("a web page: “{message}”"))
        }
        None => (is_from_server && !is_own_message(error) && !message.is_empty()).then(|| format!("“{message}”")),
    }
}

/// What ibid itself found out about a failure, as a sentence, unless the headline says it already.
fn own_sentence(error: &ApiError) -> Option<String> {
    let says_more = match error.fault {
        FaultKind::Empty => error.code.as_deref() == Some(NAMELESS_CALL),
        FaultKind::Cut => error.obstacle().is_some(),
        FaultKind::Connect
        | FaultKind::Silence
        | FaultKind::Key
        | FaultKind::Credit
        | FaultKind::Forbidden
        | FaultKind::Model
        | FaultKind::Length
        | FaultKind::Rate
        | FaultKind::Request
        | FaultKind::Server
        | FaultKind::Garbage => true,
    };
    let message = &error.message;
    let is_status = ["the server answered ", "there is no Responses API"].iter().any(|it| message.starts_with(it));
    if !says_more || is_status || message.is_empty() || server_quote(error).is_some() {
        return None;
    }
    let first_word = message.split_whitespace().next()?;
    let is_word = first_word.chars().all(char::is_alphabetic);
    let mut letters = message.chars();
    let first = letters.next()?;
    let first = if is_word { first.to_uppercase().to_string() } else { first.to_string() };
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    Some(format!("{first}{}{end}", letters.as_str()))
}

/// Whether a message is ibid's own although a status or a code came with it, as for a redirect.
fn is_own_message(error: &ApiError) -> bool {
    is_redirect(error)
        || error.obstacle().is_some_and(|obstacle| obstacle != NetworkObstacle::Gateway)
        || error.code.as_deref() == Some(NAMELESS_CALL)
        || error.message.starts_with("there is no Responses API")
}

/// What excluded every provider, if it is not one of our preferences.
fn excluded_by(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::ExcludedBy(words) if !words.is_empty() && relaxable_label(error).is_none() => {
            Some(format!("ruled out by {}", words.join(" and ").replace('_', " ")))
        }
        _ => None,
    })
}

/// The providers that failed before the last one.
fn earlier_providers(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Tried(providers) if !providers.is_empty() => {
            Some(format!("after {} failed", providers.join(" and ")))
        }
        _ => None,
    })
}

/// How many tokens were received: the server's count, or else an estimate.
fn token_count(answer: &Answer) -> Option<String> {
    let count = answer.usage.as_ref().and_then(|usage| usage.output_tokens);
    let received = answer.text().chars().count() as u64;
    match count {
        Some(1) => Some("after 1 token".into()),
        Some(count) if count > 0 => Some(format!("after {count} tokens")),
        _ if (1..=4).contains(&received) => Some("after ~1 token".into()),
        _ if received > 0 => Some(format!("after ~{} tokens", received.div_ceil(4))),
        _ => None,
    }
}

fn cost_note(answer: &Answer, shown: bool) -> Option<String> {
    match answer.usage.as_ref().and_then(|usage| usage.cost.as_ref()) {
        Some(cost) if cost.is_zero() => Some("It cost nothing.".into()),
        Some(cost) => Some(format!("It cost {cost}.")),
        None => shown.then(|| "It may be billed.".into()),
    }
}

fn advice(error: &ApiError, answer: &Answer) -> String {
    let can_continue = !answer.text().is_empty();
    let wait = error.retry_after.filter(|seconds| *seconds > 0).map(format_wait);
    match error.obstacle() {
        // What has come can be continued.
        Some(NetworkObstacle::Gateway) if can_continue => (),
        Some(obstacle) => return obstacle_advice(obstacle, error),
        None => (),
    }
    match error.fault {
        FaultKind::Connect => "Check the network and the address of the server, then try again.".into(),
        FaultKind::Silence | FaultKind::Cut | FaultKind::Server | FaultKind::Garbage if can_continue => {
            "Continue it, or ask again.".into()
        }
        FaultKind::Silence | FaultKind::Cut | FaultKind::Server | FaultKind::Empty => match wait {
            Some(wait) => format!("Try again in {wait}, or ask another model."),
            None => "Try again, or ask another model.".into(),
        },
        FaultKind::Key if is_other_server(error) => {
            if answer.endpoint.contains("://") {
                "Enter another key, or add this server to the config under [endpoints.NAME], with key_env; the prompt is saved."
                    .into()
            } else {
                let server = &answer.endpoint;
                format!(
                    "Enter another key, or check key_env or key_command of {server} in the config; the prompt is saved."
                )
            }
        }
        FaultKind::Key => "Enter another key; the prompt is saved.".into(),
        FaultKind::Credit if is_other_server(error) => {
            "Check your account with that server; the prompt is saved.".into()
        }
        FaultKind::Credit if is_key_budget(error) => "Raise it at openrouter.ai/keys, or enter another key.".into(),
        FaultKind::Credit => match affordable_tokens(error) {
            Some(tokens) => format!("Try again with {tokens} tokens, or buy credits at openrouter.ai/credits."),
            None => "Buy credits at openrouter.ai/credits, or enter another key.".into(),
        },
        FaultKind::Forbidden => match moderation_reasons(error) {
            Some(reasons) => reasons,
            None if is_account_refusal(error) => "Try another model; rephrasing will not help.".into(),
            None => "Rephrase the prompt, or ask another model.".into(),
        },
        FaultKind::Model if relaxable_label(error).is_some() => {
            let wish = relaxable_label(error).unwrap_or_default();
            format!("No provider is left with {wish}: ask once without it, or choose another model.")
        }
        FaultKind::Model => match fallback_models(error) {
            Some(models) => format!("Choose another model, such as {models}."),
            None => "Choose another model.".into(),
        },
        FaultKind::Length => "Leave out the oldest turns, or choose a model with a longer context.".into(),
        FaultKind::Rate if error.facts.contains(&ErrorFact::FreeQuotaOfTheDay) => {
            "They reset at midnight UTC: ask a paid model, or buy credits for a higher limit.".into()
        }
        FaultKind::Rate => match wait {
            Some(wait) => format!("Try again in {wait}, or ask another model."),
            None => "Try again in a minute, or ask another model.".into(),
        },
        FaultKind::Request if is_redirect(error) => {
            "If that is right, make it the base_url of the endpoint; the key is never sent to another address.".into()
        }
        FaultKind::Request => match supported_efforts(error) {
            Some(efforts) => format!("Choose an effort that the model supports: {efforts}."),
            None => "Change the sampling or the model; the same request would fail again.".into(),
        },
        FaultKind::Garbage => "Check the base_url of the endpoint in the config, then try again.".into(),
    }
}

fn is_other_server(error: &ApiError) -> bool {
    error.facts.contains(&ErrorFact::Elsewhere)
}

/// Whether the request was refused because of the account or its region, rather than its content.
fn is_account_refusal(error: &ApiError) -> bool {
    let codes = ["region_restricted", "data_residency_mismatch", "permission_denied", "permission_error"];
    error.code.as_deref().is_some_and(|code| codes.contains(&code)) || error.message.contains("region")
}

/// The limits of free models, once the server has reported how many of the day's requests are left.
fn free_quota(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::FreeQuota(FreeQuota { limit, remaining }) => Some(format!(
            "Free models take {FREE_REQUESTS_PER_MINUTE} requests a minute; {remaining} of today's {limit} are left."
        )),
        _ => None,
    })
}

fn relaxable_label(error: &ApiError) -> Option<&'static str> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Relaxable(wish) => Some(wish.label()),
        _ => None,
    })
}

fn moderation_reasons(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Reasons(reasons) if !reasons.is_empty() => {
            Some(format!("Flagged for: {}. Rephrase the prompt, or ask another model.", reasons.join(", ")))
        }
        _ => None,
    })
}

fn fallback_models(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::FallbackModels(models) if !models.is_empty() => Some(models.join(" or ")),
        _ => None,
    })
}

fn supported_efforts(error: &ApiError) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Efforts(efforts) if !efforts.is_empty() => {
            Some(efforts.iter().map(|effort| effort.name()).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    })
}

fn format_wait(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests;
