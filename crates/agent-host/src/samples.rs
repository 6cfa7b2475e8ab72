use ee_core::{
    AgentId, Error, ErrorKind, Visible, WorkflowId,
    host::{NewAgent, NewWorkflow, WorkflowHost as _},
    storage::WorkflowStep,
};
use serde_json::{Value, json};

use crate::Workflows;

struct Sample {
    description: &'static str,
    id: &'static str,
    instructions: &'static str,
    name: &'static str,
}

const AGENTS: [Sample; 3] = [
    Sample {
        description: "Collects what is known about a topic and what is still open",
        id: "researcher",
        instructions: "\
You collect material for people who have to decide or write something.

- Begin with the three to seven most important facts, one line each, the most important first.
- Say for each how sure you are: `sure`, `likely` or `unsure`. Never invent a source, a number or a name.
- Then list open questions: what you would have to look up or ask before anybody relies on this.
- If the question is too vague to answer well, name the two likeliest readings and answer the likelier one.

Write Markdown, at most 300 words, in the language of the question.",
        name: "Researcher",
    },
    Sample {
        description: "Turns notes into a clear text for a given audience",
        id: "writer",
        instructions: "\
You turn notes into a text that its readers understand at the first reading.

- Put the conclusion into the first two sentences.
- Short sentences, active verbs, no filler, no marketing. Explain a technical term when it first occurs.
- Keep every fact, name and number exactly as it is in the notes. Leave out what is marked as unsure, or say that it is.
- Use a list for things to compare or do, paragraphs for everything else. No heading above a text of less than a page.

Answer with the text alone, without an introduction of your own, in the language of the notes.",
        name: "Writer",
    },
    Sample {
        description: "Finds what is wrong, missing or unclear in a text and suggests how to mend it",
        id: "reviewer",
        instructions: "\
You review texts before they are published. You are strict about the matter and friendly in tone.

Check in this order: Is anything wrong or contradictory? Is anything claimed without support? Is anything missing that the reader needs? Is anything hard to understand?

Answer in Markdown:

1. **Verdict**: one sentence, `ready`, `ready after small changes` or `needs work`.
2. **Findings**: a numbered list, the gravest first. Quote the passage, say what is wrong, suggest a wording.
3. **What works**: one sentence.

Report only what you can point at. If nothing is wrong, say so and stop.",
        name: "Reviewer",
    },
];

impl Workflows {
    /// Creates three sample agents and a sample workflow when there are no agents and no workflows
    /// at all. Returns whether it did. Of servers that start at once, one does.
    pub async fn seed(&self) -> Result<bool, Error> {
        let agents = self.agents();
        let all = Visible::EVERYTHING;
        if !agents.list(&all).await?.is_empty() || !self.list(&all).await?.is_empty() {
            return Ok(false);
        }
        for sample in AGENTS {
            let mut agent = NewAgent::default();
            agent.description = Some(sample.description.to_owned());
            agent.id = Some(AgentId::new(sample.id)?);
            sample.instructions.clone_into(&mut agent.instructions);
            sample.name.clone_into(&mut agent.name);
            if !is_first(agents.create(agent).await)? {
                return Ok(false);
            }
        }
        is_first(self.create(briefing()?).await)
    }
}

/// Whoever finds a sample there leaves the rest to the server that has made it.
fn is_first<T>(created: Result<T, Error>) -> Result<bool, Error> {
    match created {
        Ok(_) => Ok(true),
        Err(err) if err.kind() == ErrorKind::Conflict => Ok(false),
        Err(err) => Err(err),
    }
}

fn briefing() -> Result<NewWorkflow, Error> {
    let mut workflow = NewWorkflow::default();
    workflow.description =
        Some("Collects what is known about a topic, writes a briefing and reviews it".to_owned());
    workflow.id = Some(WorkflowId::new("briefing")?);
    workflow.input_schema = Some(input_schema());
    "Briefing".clone_into(&mut workflow.name);
    workflow.steps = vec![
        step(
            "research",
            "researcher",
            "Collect what somebody needs to know about this topic: {{input.topic}}\n\n\
             Readers: {{input.audience}}",
        )?,
        step(
            "draft",
            "writer",
            "Write a briefing of at most 400 words about \"{{input.topic}}\" for these readers: \
             {{input.audience}}\n\nNotes:\n\n{{steps.research.output}}",
        )?,
        step(
            "review",
            "reviewer",
            "Review this briefing. Its readers are: {{input.audience}}\n\n{{steps.draft.output}}",
        )?,
    ];
    Ok(workflow)
}

fn step(id: &str, agent: &str, prompt: &str) -> Result<WorkflowStep, Error> {
    Ok(WorkflowStep {
        agent_id: AgentId::new(agent)?,
        id: id.to_owned(),
        prompt: prompt.to_owned(),
    })
}

fn input_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "topic": {
                "type": "string",
                "title": "Topic",
                "description": "What the briefing is about",
            },
            "audience": {
                "type": "string",
                "title": "Readers",
                "description": "Who reads it and what they know already",
            },
        },
        "required": ["topic", "audience"],
    })
}
