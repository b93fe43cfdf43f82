//! How a kind's operations and schemas are documented, from what it declares.

mod fit;
mod lists;
mod operations;
mod schemas;
mod workflow;

use serde_json::{Value, json};

use super::{kind::Kind, references::kind_name};
use crate::entity::vocabulary;

pub use operations::{
    PATCH_TYPES, id_parameter, if_match, if_none_match, language_parameters, parameter, request_body,
    response,
};
pub use schemas::{describe_schemas, describe_unpublished};

/// Adds the schemas and the collection operations of `K` to the document.
pub fn describe<K: Kind>(document: &mut Value) {
    describe_schemas::<K>(document, true);
    let collection = format!("/v1/{}", K::COLLECTION);
    let item = format!("{collection}/{{id}}");
    document["paths"][&collection] =
        json!({ "get": operations::list::<K>(), "post": operations::create::<K>() });
    document["paths"][&item] = json!({ "get": operations::read::<K>(), "patch": operations::change::<K>(), "delete": operations::trash::<K>() });
    let paths = &mut document["paths"];
    paths[format!("{item}/transitions")] =
        json!({ "get": workflow::list_transitions::<K>(), "post": workflow::transition::<K>() });
    paths[format!("{item}/restore")] = json!({ "post": workflow::restore::<K>() });
    paths[format!("{item}/versions")] = json!({ "get": workflow::list_versions::<K>() });
    paths[format!("{item}/versions/compare")] = json!({ "get": workflow::compare_versions::<K>() });
    paths[format!("{item}/versions/{{version}}")] = json!({ "get": workflow::read_version::<K>() });
    paths[format!("{item}/versions/{{version}}/restore")] =
        json!({ "post": workflow::restore_version::<K>() });
    paths[format!("{item}/previews")] =
        json!({ "get": workflow::list_previews::<K>(), "post": workflow::create_preview::<K>() });
    paths[format!("{item}/previews/{{preview}}")] = json!({ "delete": workflow::revoke_preview::<K>() });
}

/// The kind with its article, at the beginning of a sentence.
fn article(kind: vocabulary::Kind) -> String {
    let name = kind_name(kind);
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" };
    format!("{article} {name}")
}
