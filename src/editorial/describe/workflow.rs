//! The operations that bring an entry to the public and back: transitions, trash, versions, previews.

use serde_json::{Value, json};

use super::{
    article,
    operations::{
        draft_parameter, id_parameter, if_match, if_none_match, language_parameters, page_parameters,
        parameter, request_body, response,
    },
};
use crate::editorial::{kind::Kind, references::kind_name};

fn operation<K: Kind>(id: &str, summary: &str, description: &str, parameters: Vec<Value>) -> Value {
    let mut all = vec![id_parameter()];
    all.extend(parameters);
    json!({
        "operationId": id.replace("{}", kind_name(K::KIND)),
        "tags": [K::COLLECTION],
        "summary": summary.replace("{}", &article(K::KIND).to_lowercase()),
        "description": description,
        "x-permission": "write",
        "parameters": all,
    })
}

fn version_parameter() -> Value {
    let schema = json!({ "type": "integer", "minimum": 1, "example": 3 });
    parameter("version", "path", &schema, "The number of a version.")
}

/// An answer to a request that may say what it has already.
fn or_unchanged(response: &Value) -> Value {
    json!({ "200": response, "304": { "description": "Still as you have it" } })
}

pub(super) fn list_transitions<K: Kind>() -> Value {
    let mut list = operation::<K>(
        "list_{}_transitions",
        "See where {} may go",
        "Where the entry stands, the ways there are from there, what each needs, what the entry still lacks for it, and whether this caller may take it. For editors, and for authors of what is a draft or in review.",
        vec![if_none_match()],
    );
    list["responses"] = or_unchanged(&response("Standing", "Where it stands"));
    list
}

pub(super) fn transition<K: Kind>() -> Value {
    let mut parameters = vec![if_match()];
    parameters.extend(language_parameters());
    let mut transition = operation::<K>(
        "transition_{}",
        "Bring {} on its way to the public, or back",
        "`draft` → `in_review` → `published` → `archived` → `draft`; `scheduled` is published at `at`; back to `draft` with a reason. Authors send their own drafts to review and take them back; all else is for editors. On the way to `in_review`, `scheduled` and `published` everything a published entry needs must be there: 422 lists what is missing. To `published` with a working copy, that is what is published. A way that does not exist is 409, with those that do. `If-Match` may be sent.",
        parameters,
    );
    transition["requestBody"] = request_body("Transition", &["application/json"], "Where the entry is to go");
    transition["responses"] = json!({ "200": response(K::NAME, "The entry in its new state") });
    transition
}

pub(super) fn restore<K: Kind>() -> Value {
    let mut restore = operation::<K>(
        "restore_{}",
        "Take {} out of the trash",
        "The entry is there again: as a draft, or archived if it was; nothing goes from the trash to the public unseen. 404 when it is not in the trash. Authors take out their own drafts only.",
        language_parameters(),
    );
    restore["responses"] = json!({ "200": response(K::NAME, "The entry") });
    restore
}

pub(super) fn list_versions<K: Kind>() -> Value {
    let mut parameters = page_parameters();
    parameters.push(if_none_match());
    let mut list = operation::<K>(
        "list_{}_versions",
        "List the versions of {}",
        "Every version, the latest first, those of the working copy among them: who made it, when, and why. Also of what lies in the trash.",
        parameters,
    );
    list["responses"] = or_unchanged(&response("VersionPage", "A page"));
    list
}

pub(super) fn read_version<K: Kind>() -> Value {
    let mut parameters = vec![version_parameter()];
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    let mut read = operation::<K>(
        "get_{}_version",
        "Read a version of {}",
        "The entry as this version has it. What it names is shown as it is called now.",
        parameters,
    );
    read["responses"] = or_unchanged(&response(&format!("{}Version", K::NAME), "The version"));
    read
}

pub(super) fn compare_versions<K: Kind>() -> Value {
    let number = |name: &str, description: &str| {
        let mut parameter =
            parameter(name, "query", &json!({ "type": "integer", "minimum": 1, "example": 1 }), description);
        parameter["required"] = true.into();
        parameter
    };
    let mut compare = operation::<K>(
        "compare_{}_versions",
        "Compare two versions of {}",
        "The fields that differ, relations and all translations among them.",
        vec![number("from", "The version before."), number("to", "The version after."), if_none_match()],
    );
    compare["responses"] = or_unchanged(&response("Comparison", "What is different"));
    compare
}

pub(super) fn restore_version<K: Kind>() -> Value {
    let mut parameters = vec![version_parameter(), if_match()];
    parameters.extend(language_parameters());
    parameters.push(draft_parameter("Bring it back into the working copy; what readers see stays as it is."));
    let mut restore = operation::<K>(
        "restore_{}_version",
        "Bring back a version of {}",
        "Makes a new version with the content of an old one; none is lost. Address and visibility stay as they are, and so does what guards a person or a place: consent, anonymity, a withheld location. What the old version named and is gone is left out. A published entry changes at once, but for `draft=true`.",
        parameters,
    );
    restore["responses"] = json!({ "200": response(K::NAME, "The entry") });
    restore
}

pub(super) fn list_previews<K: Kind>() -> Value {
    let mut parameters = page_parameters();
    parameters.push(if_none_match());
    let mut list = operation::<K>(
        "list_{}_previews",
        "List the preview links of {}",
        "The links that were made, the latest first; not what opens them.",
        parameters,
    );
    list["responses"] = or_unchanged(&response("PreviewPage", "A page"));
    list
}

pub(super) fn create_preview<K: Kind>() -> Value {
    let mut create = operation::<K>(
        "create_{}_preview",
        "Make a preview link to {}",
        "Whoever has the link sees this one entry, whatever its visibility, with its working copy, as everybody would see it once it is public, until the link expires or is revoked. It opens nothing any more once the entry is archived or in the trash, or its maker may no longer change the entry. Of a person only with their consent: 409.",
        Vec::new(),
    );
    create["requestBody"] = request_body("NewPreview", &["application/json"], "For how long, and whom");
    create["responses"] =
        json!({ "201": response("CreatedPreview", "The link; what opens the entry is shown this once") });
    create["responses"]["201"]["headers"]["Location"] =
        json!({ "description": "The address at which it can be revoked.", "schema": { "type": "string" } });
    create
}

pub(super) fn revoke_preview<K: Kind>() -> Value {
    let link = parameter("preview", "path", &json!({ "type": "string", "format": "uuid" }), "The link's id.");
    let mut revoke = operation::<K>(
        "revoke_{}_preview",
        "Revoke a preview link to {}",
        "The link opens nothing any more.",
        vec![link],
    );
    revoke["responses"] = json!({ "204": { "description": "Revoked" } });
    revoke
}
