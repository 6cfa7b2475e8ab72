mod config;
mod echo;
mod name;
mod openai;

use ee_core::{
    Error,
    host::{ChatMessage, ChatUsage, FinishReason, ModelCard},
};
use futures_core::stream::BoxStream;

use self::{echo::Echo, name::ModelName, openai::OpenAiEndpoint};
use crate::ModelError;

pub use self::config::ModelsConfig;

/// The model that is built in.
pub const ECHO_MODEL: &str = "echo/dev";

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) instructions: String,
    pub(crate) messages: Vec<ChatMessage>,
}

/// A piece of what a model answers: any number of `Delta`, one `End`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    Delta(String),
    End {
        reason: FinishReason,
        usage: ChatUsage,
    },
}

/// Finds the model of a name `provider/name` and asks it.
///
/// `echo/dev` is built in and refused in production; every other provider is the one configured
/// OpenAI-compatible endpoint, which is told the name after the first slash.
#[derive(Debug)]
pub struct Models {
    cards: Vec<ModelCard>,
    default: String,
    /// Absent in production.
    echo: Option<Echo>,
    endpoint: Option<OpenAiEndpoint>,
    /// Empty when the endpoint's models are not listed: then any name is passed on.
    listed: Vec<String>,
    /// The only provider when the endpoint is OpenAI's own.
    only_provider: Option<&'static str>,
}

impl Models {
    /// Checks the configuration. Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the wrong
    /// settings. Nothing is sent.
    pub fn new(config: ModelsConfig) -> Result<Self, Error> {
        let checked = config.check()?;
        let endpoint = checked.endpoint.map(OpenAiEndpoint::new).transpose()?;

        let mut offered = checked.models.clone();
        if offered.is_empty() {
            offered.extend(checked.default_model);
        }
        let default = offered
            .first()
            .map_or_else(|| ECHO_MODEL.to_owned(), Clone::clone);
        let mut cards: Vec<_> = offered
            .into_iter()
            .map(|id| ModelCard {
                description: "model of the configured endpoint".to_owned(),
                id,
            })
            .collect();
        let echo = checked.word_delay.map(Echo::new);
        if echo.is_some() {
            cards.push(ModelCard {
                description: "built-in development model that repeats what is said".to_owned(),
                id: ECHO_MODEL.to_owned(),
            });
        }

        Ok(Self {
            cards,
            default,
            echo,
            endpoint,
            listed: checked.models,
            only_provider: checked.only_provider,
        })
    }

    /// Returns the model of agents that name none: the first configured one, else `echo/dev`.
    pub fn default_model(&self) -> &str {
        &self.default
    }

    /// Returns the models that are offered, the default first.
    pub fn cards(&self) -> &[ModelCard] {
        &self.cards
    }

    /// Checks that a model can be asked. Fails with what is wrong, for a person.
    pub(crate) fn check(&self, model: &str) -> Result<(), String> {
        self.find(model).map(drop)
    }

    /// Asks a model; the pieces come as they are polled, and dropping them stops the model.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when there is no such model.
    pub(crate) fn ask(
        &self,
        model: &str,
        question: Question,
    ) -> Result<BoxStream<'static, Result<Piece, ModelError>>, Error> {
        match self.find(model) {
            Ok(Found::Echo(echo)) => Ok(echo.ask(&question)),
            Ok(Found::Endpoint(endpoint, name)) => Ok(endpoint.ask(&name, question)),
            Err(problem) => Err(Error::invalid_field("model", problem)),
        }
    }

    fn find(&self, model: &str) -> Result<Found<'_>, String> {
        let name: ModelName = model.parse()?;
        if model == ECHO_MODEL {
            return match &self.echo {
                Some(echo) => Ok(Found::Echo(echo)),
                None => Err(format!(
                    "`{ECHO_MODEL}` is for development and refused in production: configure a model endpoint"
                )),
            };
        }
        let Some(endpoint) = &self.endpoint else {
            return Err(format!(
                "`{model}` is not known: no model endpoint is configured"
            ));
        };
        if name.provider() == "echo" {
            return Err(format!(
                "`{model}` is not known: did you mean `{ECHO_MODEL}`?"
            ));
        }
        if !self.listed.is_empty() && !self.listed.iter().any(|listed| listed == model) {
            return Err(format!("`{model}` is not among the configured models"));
        }
        if let Some(only) = self.only_provider
            && name.provider() != only
        {
            return Err(format!(
                "`{model}` is not known: the configured endpoint has models of `{only}/` only"
            ));
        }
        Ok(Found::Endpoint(endpoint, name))
    }
}

enum Found<'a> {
    Echo(&'a Echo),
    Endpoint(&'a OpenAiEndpoint, ModelName),
}

#[cfg(test)]
mod tests {
    use ee_core::ErrorKind;

    use super::*;

    fn models(config: serde_json::Value) -> Models {
        Models::new(serde_json::from_value(config).unwrap()).unwrap()
    }

    fn problem(models: &Models, model: &str) -> String {
        models.check(model).unwrap_err()
    }

    #[test]
    fn without_an_endpoint_only_the_built_in_model_is_known() {
        let models = models(serde_json::json!({}));

        assert_eq!(models.default_model(), ECHO_MODEL);
        assert_eq!(models.cards().len(), 1);
        assert!(models.check("echo/dev").is_ok());
        assert!(problem(&models, "openai/gpt-5-mini").contains("no model endpoint"));
        assert!(problem(&models, "gpt-5-mini").contains("provider/name"));
    }

    #[test]
    fn the_built_in_model_is_refused_in_production() {
        let config = ModelsConfig {
            production: true,
            ..ModelsConfig::default()
        };
        let models = Models::new(config).unwrap();
        let question = Question {
            instructions: String::new(),
            messages: Vec::new(),
        };

        let Err(err) = models.ask(ECHO_MODEL, question) else {
            panic!("must be refused")
        };

        assert!(models.cards().is_empty());
        assert_eq!(err.kind(), ErrorKind::Invalid);
        assert_eq!(err.issues()[0].field, "model");
        assert!(err.message().contains("refused in production"), "{err}");
    }

    #[test]
    fn the_first_configured_model_is_the_default_and_others_are_refused() {
        let models = models(serde_json::json!({
            "openai_base_url": "http://127.0.0.1:1/v1",
            "models": ["router/a/b-max", "router/c"],
        }));

        assert_eq!(models.default_model(), "router/a/b-max");
        let ids: Vec<_> = models.cards().iter().map(|card| &card.id).collect();
        assert_eq!(ids, ["router/a/b-max", "router/c", ECHO_MODEL]);
        assert!(problem(&models, "router/d").contains("configured models"));
        assert!(problem(&models, "echo/prod").contains("echo/dev"));
    }

    #[test]
    fn a_key_alone_means_openai() {
        let models = models(serde_json::json!({ "openai_api_key": "k" }));

        assert_eq!(models.default_model(), "openai/gpt-5-mini");
        assert!(models.check("openai/anything").is_ok());
        assert!(problem(&models, "other/x").contains("`openai/` only"));
    }
}
