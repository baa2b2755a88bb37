//! The JSON Schema of the file, for editors and for whoever makes one with a program.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::file::{Cgroup, File, List};
use crate::filter::{MAX_ENTRIES, Network, Pattern};
use crate::service::Address;

/// The schema, as JSON. It is docs/configuration.schema.json.
///
/// It knows every key and the form of every value. What is beyond forms (whether a file is there, whether
/// a glob is one) `observer config check` says.
pub fn schema() -> String {
    // The draft that editors know.
    let generator = SchemaSettings::draft07()
        .with_transform(RecursiveTransform(plain))
        .into_generator();
    let schema = generator.into_root_schema_for::<File>();
    format!("{:#}\n", schema.as_value())
}

/// TOML has nothing that stands for nothing, and a description is one paragraph.
fn plain(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema.insert("type".to_owned(), only);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("List of {}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<T>(),
            "maxItems": MAX_ENTRIES,
        })
    }
}

/// A text with a form of its own.
macro_rules! text {
    ($type:ty, $name:literal, { $($rule:tt)* }) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", $($rule)* })
            }
        }
    };
}

text!(Address, "Address", { "pattern": ":[0-9]{1,5}$" });
text!(Cgroup, "Cgroup", { "pattern": "^/" });
text!(Network, "Network", { "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" });
text!(Pattern, "Pattern", { "minLength": 1 });
