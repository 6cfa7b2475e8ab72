//! Addresses that two things could claim: a fixed word where another route has an id.

use std::collections::BTreeSet;

use ee::{
    server::{Op, Route},
    studio::StudioOp,
};
use serde_json::{Value, json};
use server_tests::{Call, TestServer, Who};

/// Finds the words that stand where a route of the same shape has a parameter, with that parameter.
fn shadows(routes: &[Route]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for general in routes {
        for special in routes {
            let pairs: Vec<_> = general
                .path
                .split('/')
                .zip(special.path.split('/'))
                .collect();
            let is_same_length =
                general.path.matches('/').count() == special.path.matches('/').count();
            let is_shadowed = |(a, b): &&(&str, &str)| a.starts_with('{') && !b.starts_with('{');
            if is_same_length
                && pairs
                    .iter()
                    .all(|pair| pair.0 == pair.1 || is_shadowed(&pair))
            {
                let words = pairs.iter().filter(is_shadowed);
                found.extend(words.map(|(param, word)| ((*param).to_owned(), (*word).to_owned())));
            }
        }
    }
    found
}

#[tokio::test]
async fn nothing_can_be_created_under_an_id_that_a_fixed_address_hides() {
    let server = TestServer::start().await;
    let pages = StudioOp::ALL.iter().map(|op| op.route());
    let routes: Vec<Route> = Op::ALL.iter().map(|op| op.route()).chain(pages).collect();
    let shadows = shadows(&routes);
    assert!(
        shadows.contains(&("{workflowId}".to_owned(), "run-counts".to_owned())),
        "{shadows:?}"
    );

    for (param, word) in shadows {
        let op = match param.as_str() {
            "{agentId}" | "{storedAgentId}" => Op::CreateStoredAgent,
            "{workflowId}" => Op::CreateStoredWorkflow,
            // No word is the id of an event.
            "{eventId}" if word.parse::<uuid::Uuid>().is_err() => continue,
            _ => panic!("`{word}` stands where others have {param}"),
        };
        let mut body = Call::prepare(&server, op, Who::Owner).await.body.unwrap();
        let post = |body: &Value| {
            let ask = server.post(&*op.route().path).by(Who::Owner);
            ask.json(body).send()
        };

        body["name"] = json!(word.replace('-', " "));
        let named = post(&body).await;
        assert_eq!(named.json()["id"], format!("{word}-2"), "{op:?}");
        body["id"] = json!(word);
        let refused = post(&body).await;
        refused.assert_error(400, "invalid");
        assert_eq!(refused.json()["issues"][0]["field"], "id", "{op:?}");
    }
}
