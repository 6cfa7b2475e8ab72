use std::{fmt::Write as _, time::Duration};

use ee_core::{
    host::{ChatMessage, ChatUsage, FinishReason},
    storage::MessageRole,
};
use futures_core::stream::BoxStream;

use super::{Piece, Question};
use crate::ModelError;

/// How much of the last message is repeated, in characters.
const MAX_REPEATED_CHARS: usize = 600;

/// The built-in model: says what it is and repeats the last message.
#[derive(Debug)]
pub(crate) struct Echo {
    word_delay: Duration,
}

impl Echo {
    pub(crate) const fn new(word_delay: Duration) -> Self {
        Self { word_delay }
    }

    /// Answers word by word. Words stand for tokens.
    pub(crate) fn ask(&self, question: &Question) -> BoxStream<'static, Result<Piece, ModelError>> {
        let word_delay = self.word_delay;
        let input_tokens = question
            .messages
            .iter()
            .map(|message| count_words(&message.text))
            .sum();
        let answer = answer(&question.messages);
        let usage = ChatUsage {
            input_tokens,
            output_tokens: count_words(&answer),
        };
        Box::pin(async_stream::stream! {
            for word in answer.split_inclusive(' ') {
                if !word_delay.is_zero() {
                    tokio::time::sleep(word_delay).await;
                }
                yield Ok(Piece::Delta(word.to_owned()));
            }
            yield Ok(Piece::End { reason: FinishReason::Stop, usage });
        })
    }
}

fn answer(messages: &[ChatMessage]) -> String {
    let mut answer = "I am `echo/dev`, the built-in development model. \
        I do not think, I repeat what I am told.\n\n"
        .to_owned();
    let last = messages
        .iter()
        .rev()
        .find(|message| message.role == MessageRole::User);
    if let Some(last) = last {
        answer.push_str("You said:\n\n");
        for line in shorten(last.text.trim()).lines() {
            let _ = writeln!(answer, "> {line}");
        }
        answer.push('\n');
    }
    answer.push_str(
        "For real answers, set `OPENAI_BASE_URL` and `OPENAI_API_KEY` or name a model in the \
         configuration file. Any OpenAI-compatible endpoint will do.",
    );
    answer
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_REPEATED_CHARS) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn count_words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    fn said(role: MessageRole, text: &str) -> ChatMessage {
        ChatMessage {
            role,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_answer_says_what_it_is_and_quotes_the_last_user_message() {
        let text = answer(&[
            said(MessageRole::User, "first"),
            said(MessageRole::Assistant, "no"),
            said(MessageRole::User, "two\nlines"),
        ]);

        assert!(text.starts_with("I am `echo/dev`, the built-in development model."));
        assert!(text.contains("\n> two\n> lines\n"));
        assert!(!text.contains("first"));
        assert!(text.contains("`OPENAI_BASE_URL`") && text.contains("`OPENAI_API_KEY`"));
    }

    #[test]
    fn a_long_message_is_repeated_in_part() {
        let text = answer(&[said(MessageRole::User, &"ü".repeat(5_000))]);

        assert!(text.len() < 2_000, "{}", text.len());
        assert!(text.contains("ü …"));
    }

    #[tokio::test(start_paused = true)]
    async fn words_come_one_by_one() {
        let echo = Echo::new(Duration::from_millis(25));
        let question = Question {
            instructions: String::new(),
            messages: vec![said(MessageRole::User, "Hi there")],
        };
        let begun = tokio::time::Instant::now();

        let pieces: Vec<_> = echo.ask(&question).collect().await;

        let words = u32::try_from(pieces.len() - 1).unwrap();
        assert!(words > 20);
        assert!(begun.elapsed() >= Duration::from_millis(25) * words);
        let Some(Ok(Piece::End { usage, .. })) = pieces.last() else {
            panic!("must end")
        };
        assert_eq!(usage.input_tokens, 2);
    }
}
