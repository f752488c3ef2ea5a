//! Keys: what is refused repeats nothing of them; and strangers, who are a number.

use std::sync::Arc;

use muster_web::{Guard, router};
use serde_json::{Value, json};

#[cfg(test)]
mod support;

use support::House;
use support::ask::{self, door, get};

#[tokio::test]
async fn keys_are_taken_over_the_socket_only_and_never_repeated() {
    let house = House::small().await;
    let hub: Arc<dyn muster_web::Hub> = Arc::<House>::clone(&house);
    let socket = router(hub, Guard::Socket);
    let key = "ec0234a357c8ad05341010a60a397d9b";
    let refused = |status: u16, words: &'static str| (status, words);
    for (door, body, (status, words)) in [
        (&door(&house), json!({ "irk": key }), refused(403, "not taken over the network")),
        (&socket, json!({ "irk": &format!("{key}0") }), refused(422, "32 hexadecimal digits")),
        (&socket, json!({ "irk": 11_223_344 }), refused(422, "32 hexadecimal digits")),
        (&socket, json!({ "irk": [key] }), refused(422, "32 hexadecimal digits")),
        (&socket, json!({ "irk": "0".repeat(32) }), refused(422, "all zeros")),
        (&socket, json!({ "name": "Anna's phone" }), refused(400, "one of `identity` and `irk`")),
        (&socket, json!({ "identity": "tag:A1", "irk": key }), refused(400, "one of `identity`")),
        (&socket, json!({ "name": "Anna's phone" }), refused(400, "as in {")),
        (&socket, json!({ "identity": "irk:6c86d9b76b3f5a75" }), refused(400, "add --irk-file")),
        (&socket, json!({ "identity": "ble:c0" }), refused(400, "six hexadecimal octets")),
    ] {
        let answer = ask::json(door, "POST", "/api/v1/devices", &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(!answer.text.contains("ec0234") && !answer.text.contains("11223344"));
    }
    let description = get(&socket, "/api/v1/openapi.json").await.json();
    let shape = &description["components"]["schemas"]["NewDevice"]["properties"]["irk"];
    assert_eq!(shape["writeOnly"], true, "{shape}");
}

#[tokio::test]
async fn strangers_are_a_number_of_the_adapter_that_heard_them() {
    let house = House::small().await;
    let door = door(&house);
    let page = get(&door, "/monitors").await.text;
    assert!(!page.contains("of strangers"), "{page}");
    house.pass_by(412);
    let page = get(&door, "/monitors").await.text;
    assert!(page.contains("412 private addresses of strangers in the last 5 minutes"), "{page}");
    let all = get(&door, "/api/v1/monitors").await.json();
    let counts: Vec<&Value> =
        all["items"].as_array().unwrap().iter().map(|it| &it["strangers"]).collect();
    assert_eq!(counts, [&Value::Null, &Value::Null, &json!(412)]);
}
