//! Words for an answer that did not go well: what happened, whose fault, what it cost, what helps.

use super::{
    Answer, End, Halt, Pause, Turn,
    choices::{affordable, is_of_key, is_redirect},
};
use crate::api::{Error, FREE_REQUESTS_PER_MINUTE, Fact, Fault, FreeQuota};

/// The text of a card: one sentence, one muted fact beside it, one line below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, as in "The provider hung up in mid-answer."
    pub headline: String,
    /// Who said what, as in "Anthropic, 502, after 61 tokens".
    pub fact: Option<String>,
    /// What is kept, what it costs, and what to do now.
    pub advice: String,
}

/// The words for an answer and the turn that writes it; `None` where nothing is wrong.
pub fn explain(answer: &Answer, turn: Option<&Turn>) -> Option<Explanation> {
    let Some(turn) = turn else { return after_end(answer) };
    match turn.phase.halt()? {
        Halt::Waiting(error) => Some(Explanation {
            headline: headline(error, answer, false).into(),
            fact: fact(error, answer),
            advice: match free_quota(error) {
                Some(quota) => format!("{} {quota}", so_far(error)),
                None => so_far(error).into(),
            },
        }),
        Halt::Unsaved(why) => Some(Explanation {
            headline: "The prompt could not be saved.".into(),
            fact: Some(why.to_owned()),
            advice: "It has not been sent. Save it again, or send it all the same.".into(),
        }),
        Halt::Paused(pause) => Some(paused(pause)),
        // Its calls have cards of their own.
        Halt::Calling => None,
    }
}

fn paused(pause: &Pause) -> Explanation {
    let (headline, fact) = match pause {
        Pause::Steps(steps) => ("The model goes on and on.", format!("{steps} times it has asked for tools")),
        Pause::Same(tool) => {
            let tool = tool.as_ref().map_or_else(|| "a tool that there is not".into(), ToString::to_string);
            ("The model makes the same call again and again.", format!("{tool}, with the same arguments"))
        }
    };
    let advice = "Its next calls have not been run. Let it go on, or stop it here.".into();
    Explanation { headline: headline.into(), fact: Some(fact), advice }
}

/// What is known of the attempts that led nowhere: one that a provider had begun may be billed.
fn so_far(error: &Error) -> &'static str {
    match error.fault {
        Fault::Silence | Fault::Cut | Fault::Empty | Fault::Garbage => "Nothing was shown so far; it may be billed.",
        Fault::Connect
        | Fault::Key
        | Fault::Credit
        | Fault::Forbidden
        | Fault::Model
        | Fault::Length
        | Fault::Rate
        | Fault::Request
        | Fault::Server => "Nothing was shown or billed so far.",
    }
}

fn after_end(answer: &Answer) -> Option<Explanation> {
    let shown = answer.is_visible();
    let cost = cost(answer, shown);
    let (headline, fact, advice) = match &answer.end {
        End::Open | End::Complete | End::Stopped => return None,
        End::Interrupted => (
            "The answer was interrupted.",
            Some("ibid, the server or the connection ended before it did".into()),
            if answer.text().is_empty() { "Ask again." } else { "Continue it, or ask again." }.into(),
        ),
        End::Incomplete { reason } => incomplete(reason.as_deref(), answer),
        End::Failed(error) => (headline(error, answer, shown), fact(error, answer), advice(error, answer)),
    };
    let quota = match &answer.end {
        End::Failed(error) => free_quota(error),
        End::Open | End::Complete | End::Incomplete { .. } | End::Stopped | End::Interrupted => None,
    };
    let words = [shown.then_some("What came is kept."), cost.as_deref(), quota.as_deref(), Some(&advice)];
    let advice = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Explanation { headline: headline.into(), fact, advice })
}

fn incomplete(reason: Option<&str>, answer: &Answer) -> (&'static str, Option<String>, String) {
    let is_empty = answer.text().is_empty();
    let after = tokens(answer);
    match reason {
        Some("max_output_tokens") if is_empty => (
            "The model had no room left to answer.",
            after,
            "Its limit of tokens or its context is full: raise max_output_tokens, or choose a model with more room."
                .into(),
        ),
        Some("max_output_tokens") => (
            "The answer reached its limit of tokens.",
            after,
            "Continue it, or raise max_output_tokens in the settings.".into(),
        ),
        Some("content_filter") => {
            ("The provider's filter cut the answer.", after, "Ask in other words, or ask another model.".into())
        }
        Some(_) | None => (
            "The answer is not complete.",
            reason.map(str::to_owned).or(after),
            if is_empty { "Ask again, or ask another model." } else { "Continue it, or ask again." }.into(),
        ),
    }
}

fn headline(error: &Error, answer: &Answer, shown: bool) -> &'static str {
    match error.fault {
        Fault::Connect if shown => "The connection was lost in mid-answer.",
        Fault::Connect => "The server could not be reached.",
        Fault::Silence if shown => "The server fell silent in mid-answer.",
        Fault::Silence => "The server did not answer in time.",
        Fault::Cut if shown => "The provider hung up in mid-answer.",
        Fault::Cut => "The connection broke before the answer began.",
        Fault::Empty => "The model answered with nothing.",
        Fault::Key => "The key is missing or was refused.",
        Fault::Credit if is_of_key(error) => "The budget of this key is used up.",
        Fault::Credit if affordable(error).is_some() => "The credit does not cover an answer of this length.",
        Fault::Credit => "There is no credit left.",
        Fault::Forbidden => "The request was refused.",
        Fault::Model => "This model cannot be asked here.",
        Fault::Length => "The conversation is too long for this model.",
        Fault::Rate if error.facts.contains(&Fact::FreeQuotaOfTheDay) => "The free requests of today are used up.",
        Fault::Rate if answer.model.ends_with(":free") => "Too many requests for a free model.",
        Fault::Rate => "Too many requests.",
        Fault::Request if is_redirect(error) => "The server is at another address.",
        Fault::Request => "The server did not accept the request.",
        Fault::Server if shown => "The provider failed in mid-answer.",
        Fault::Server => "The provider failed before it answered.",
        Fault::Garbage if shown => "What came next is not of this API.",
        Fault::Garbage => "The server does not speak the Responses API.",
    }
}

/// Who, what, in whose words, and how far it came.
fn fact(error: &Error, answer: &Answer) -> Option<String> {
    let status = error.status.map(|status| status.to_string());
    let status = status.filter(|status| !error.message.contains(status.as_str()));
    let words = Some(error.message.clone()).filter(|words| !words.is_empty());
    let parts = [error.provider.clone(), status, words, ruled_out(error), tried(error), tokens(answer)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What left no provider, where it is none of our wishes.
fn ruled_out(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::ExcludedBy(words) if !words.is_empty() && relaxable(error).is_none() => {
            Some(format!("ruled out by {}", words.join(" and ").replace('_', " ")))
        }
        _ => None,
    })
}

/// The providers that were asked before the last one.
fn tried(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::Tried(providers) if !providers.is_empty() => Some(format!("as did {} before", providers.join(" and "))),
        _ => None,
    })
}

/// How much had come: the server's count, else an estimate.
fn tokens(answer: &Answer) -> Option<String> {
    let count = answer.usage.as_ref().and_then(|usage| usage.output_tokens);
    let came = answer.text().chars().count() as u64;
    match count {
        Some(count) if count > 0 => Some(format!("after {count} tokens")),
        _ if came > 0 => Some(format!("after ~{} tokens", came.div_ceil(4))),
        _ => None,
    }
}

fn cost(answer: &Answer, shown: bool) -> Option<String> {
    match answer.usage.as_ref().and_then(|usage| usage.cost.as_ref()) {
        Some(cost) if cost.is_zero() => Some("It cost nothing.".into()),
        Some(cost) => Some(format!("It cost {cost}.")),
        None => shown.then(|| "It may be billed.".into()),
    }
}

fn advice(error: &Error, answer: &Answer) -> String {
    let go_on = !answer.text().is_empty();
    let wait = error.retry_after.filter(|seconds| *seconds > 0).map(in_words);
    match error.fault {
        Fault::Connect => "Check the network and the address of the server, then try again.".into(),
        Fault::Silence | Fault::Cut | Fault::Server | Fault::Garbage if go_on => "Continue it, or ask again.".into(),
        Fault::Silence | Fault::Cut | Fault::Server | Fault::Empty => match wait {
            Some(wait) => format!("Try again in {wait}, or ask another model."),
            None => "Try again, or ask another model.".into(),
        },
        Fault::Key if is_elsewhere(error) => {
            format!("Check key_env or key_command of {} in the config; the prompt is kept.", answer.endpoint)
        }
        Fault::Key => "Enter another key; the prompt is kept.".into(),
        Fault::Credit if is_elsewhere(error) => "See to the account at that server; the prompt is kept.".into(),
        Fault::Credit if is_of_key(error) => "Raise it at openrouter.ai/keys, or enter another key.".into(),
        Fault::Credit => match affordable(error) {
            Some(tokens) => format!("Try again with {tokens} tokens, or buy credits at openrouter.ai/credits."),
            None => "Buy credits at openrouter.ai/credits, or enter another key.".into(),
        },
        Fault::Forbidden => match reasons(error) {
            Some(reasons) => reasons,
            None if is_about_us(error) => "Ask another model; other words will not help.".into(),
            None => "Ask in other words, or ask another model.".into(),
        },
        Fault::Model if relaxable(error).is_some() => {
            let wish = relaxable(error).unwrap_or_default();
            format!("No provider is left with {wish}: ask once without it, or choose another model.")
        }
        Fault::Model => match fallbacks(error) {
            Some(models) => format!("Choose another model, such as {models}."),
            None => "Choose another model.".into(),
        },
        Fault::Length => "Leave out the oldest turns, or choose a model with a longer context.".into(),
        Fault::Rate if error.facts.contains(&Fact::FreeQuotaOfTheDay) => {
            "They come back at midnight UTC: ask a model that is paid for, or buy credits for a higher limit.".into()
        }
        Fault::Rate => match wait {
            Some(wait) => format!("Try again in {wait}, or ask another model."),
            None => "Try again in a minute, or ask another model.".into(),
        },
        Fault::Request if is_redirect(error) => {
            "If that is right, make it the base_url of the endpoint; a key is never sent on.".into()
        }
        Fault::Request => match efforts(error) {
            Some(efforts) => format!("Choose an effort that the model has: {efforts}."),
            None => "Change the settings or the model; the same again will not help.".into(),
        },
        Fault::Garbage => "Check the base_url of the endpoint in the config, then try again.".into(),
    }
}

fn is_elsewhere(error: &Error) -> bool {
    error.facts.contains(&Fact::Elsewhere)
}

/// It is refused for who or where we are, not for what was said.
fn is_about_us(error: &Error) -> bool {
    let words = ["region_restricted", "data_residency_mismatch", "permission_denied", "permission_error"];
    error.code.as_deref().is_some_and(|code| words.contains(&code)) || error.message.contains("region")
}

/// What free models allow, once the server has told how much of the day is left.
fn free_quota(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::FreeQuota(FreeQuota { limit, remaining }) => Some(format!(
            "Free models take {FREE_REQUESTS_PER_MINUTE} requests a minute; {remaining} of today's {limit} are left."
        )),
        _ => None,
    })
}

fn relaxable(error: &Error) -> Option<&'static str> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::Relaxable(wish) => Some(wish.words()),
        _ => None,
    })
}

fn reasons(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::Reasons(reasons) if !reasons.is_empty() => {
            Some(format!("What was found: {}. Ask in other words, or ask another model.", reasons.join(", ")))
        }
        _ => None,
    })
}

fn fallbacks(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::FallbackModels(models) if !models.is_empty() => Some(models.join(" or ")),
        _ => None,
    })
}

fn efforts(error: &Error) -> Option<String> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::Efforts(efforts) if !efforts.is_empty() => {
            Some(efforts.iter().map(|effort| effort.name()).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    })
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests;
