//! The interface's own description (`OpenAPI` 3.1), made from the handlers.

use axum::Json;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::Routes;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/openapi.json", read)
}

/// The description of the whole interface.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "upkeep",
    responses((status = 200, body = Object)))]
async fn read() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        version = "1",
        description = "Who is here. Lists are paged by cursor; writes may carry the directory's \
            version, as an earlier answer's ETag gave it, in If-Match and are refused with 409 if \
            it has changed; problems are RFC 9457. A write is answered with success when it is \
            stored. One that is answered with 503 was not made, or was made and waits to be stored, \
            as its detail says: look before sending it again, because a person who was added is \
            then a 409.",
        license(name = "MIT", identifier = "MIT")
    ),
    paths(
        super::now::read,
        super::people::list,
        super::people::create,
        super::people::read,
        super::people::rename,
        super::people::remove,
        super::people::set,
        super::people::clear,
        super::devices::list,
        super::devices::read,
        super::devices::describe,
        super::devices::assign,
        super::devices::merge,
        super::devices::ungroup,
        super::radio::signal,
        super::radio::advertisements,
        super::keys::write,
        super::pairing::read,
        super::pairing::open,
        super::pairing::close,
        super::pairing::answer,
        super::pairing::forget,
        super::places::list,
        super::places::create,
        super::places::rename,
        super::places::remove,
        super::monitors::list,
        super::monitors::stand,
        super::fleet::list,
        super::fleet::invite,
        super::fleet::revoke,
        super::sinks::list,
        super::why::read,
        super::changes::list,
        super::stream::follow,
        super::stays::list,
        super::reports::read,
        super::backup::write,
        super::health::alive,
        super::health::ready,
        read,
    ),
    components(schemas(Problem, super::changes::Change)),
    modifiers(&Problems)
)]
struct Description;

/// Says of every operation that it may answer with a problem.
struct Problems;

impl Modify for Problems {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let schema: RefOr<utoipa::openapi::Schema> = Ref::from_schema_name("Problem").into();
        let content = Content::new(Some(schema));
        let problem = ResponseBuilder::new()
            .description("What is wrong, and what to do about it")
            .content("application/problem+json", content)
            .build();
        for item in description.paths.paths.values_mut() {
            let all =
                [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in all.into_iter().flatten() {
                let responses = &mut operation.responses.responses;
                responses.insert("default".to_owned(), problem.clone().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let described: serde_json::Value = serde_json::to_value(openapi()).unwrap();
        let paths = described["paths"].as_object().unwrap();
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| (method.clone(), path.clone()))
            })
            .collect();
        let listed = super::super::routes().listed;
        let routed: BTreeSet<(String, String)> =
            listed.iter().map(|(method, path)| ((*method).into(), (*path).into())).collect();
        assert_eq!(described, routed);
        assert!(routed.len() > 25, "{}", routed.len());
    }
}
