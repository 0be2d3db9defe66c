//! The reference page of the plugin interface, made from `wit/` and its comments. What the page says is
//! said there; here is only how it is laid out.

use std::{fmt::Write as _, path::Path};

use wit_parser::{
    Docs, Function, FunctionKind, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, WorldItem,
};

const HEAD: &str = "\
# The plugin interface

What a plugin exports and may import: the package `{package}`, whose source is
[wit/](../wit/). This page is made from it; after a change there, make it again with
`ZENITH_BLESS=1 cargo test --workspace --test wit_reference`.

A plugin exports one interface, of one of the five worlds, and the host calls it. Languages spell these
names in their own way: `batch-transform` is `BatchTransform` in Rust and `batch_transform` in C.
";

/// The page for the package in a folder of WIT files.
pub fn page(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    let package = &resolve.packages[package];
    let mut page = HEAD.replace("{package}", &package.name.to_string());
    let layout = Layout { resolve: &resolve };

    page.push_str("\n## Worlds\n\n| world | exports | imports | what it is |\n|---|---|---|---|\n");
    for world in package.worlds.values().map(|id| &resolve.worlds[*id]) {
        let exports = layout.links(world.exports.values());
        let imports = layout.links(world.imports.values());
        writeln!(page, "| `{}` | {exports} | {imports} | {} |", world.name, line(&world.docs))?;
    }
    let (shared, kinds): (Vec<_>, Vec<_>) = package
        .interfaces
        .values()
        .map(|id| &resolve.interfaces[*id])
        .partition(|interface| matches!(interface.name.as_deref(), Some("types" | "log")));
    for interface in kinds.into_iter().chain(shared) {
        layout.interface(interface, &mut page)?;
    }
    Ok(page)
}

struct Layout<'a> {
    resolve: &'a Resolve,
}

impl Layout<'_> {
    fn links<'i>(&self, items: impl Iterator<Item = &'i WorldItem>) -> String {
        let names = items.filter_map(|item| match item {
            WorldItem::Interface { id, .. } => self.resolve.interfaces[*id].name.as_deref(),
            _ => None,
        });
        names.map(|name| format!("[`{name}`](#{name})")).collect::<Vec<_>>().join(", ")
    }

    fn interface(&self, interface: &Interface, page: &mut String) -> std::fmt::Result {
        let name = interface.name.as_deref().unwrap_or_default();
        write!(page, "\n## {name}\n\n{}\n", text(&interface.docs))?;
        for id in interface.types.values() {
            let defined = &self.resolve.types[*id];
            // What is `use`d from another interface stands there.
            if matches!(defined.kind, TypeDefKind::Type(_)) {
                continue;
            }
            self.defined(defined, page)?;
            for function in interface.functions.values().filter(|function| belongs_to(function, *id)) {
                self.function(function, page)?;
            }
        }
        for function in interface.functions.values().filter(|function| resource_of(function).is_none()) {
            self.function(function, page)?;
        }
        Ok(())
    }

    fn defined(&self, defined: &TypeDef, page: &mut String) -> std::fmt::Result {
        let name = defined.name.as_deref().unwrap_or_default();
        write!(page, "\n### {} `{name}`\n\n{}\n", defined.kind.as_str(), text(&defined.docs))?;
        let mut rows: Vec<(&str, String, &Docs)> = Vec::new();
        let heads = match &defined.kind {
            TypeDefKind::Record(record) => {
                rows.extend(
                    record.fields.iter().map(|field| (&*field.name, self.name(&field.ty), &field.docs)),
                );
                ("field", "type")
            }
            TypeDefKind::Variant(variant) => {
                rows.extend(variant.cases.iter().map(|case| {
                    (&*case.name, case.ty.as_ref().map(|ty| self.name(ty)).unwrap_or_default(), &case.docs)
                }));
                ("case", "carries")
            }
            TypeDefKind::Enum(cases) => {
                rows.extend(cases.cases.iter().map(|case| (&*case.name, String::new(), &case.docs)));
                ("case", "")
            }
            _ => return Ok(()),
        };
        let typed = !heads.1.is_empty();
        let typed_head = if typed { format!(" {} |", heads.1) } else { String::new() };
        write!(
            page,
            "\n| {} |{typed_head} what it is |\n|---|{}---|\n",
            heads.0,
            if typed { "---|" } else { "" }
        )?;
        for (row, of_type, docs) in rows {
            let shown = if of_type.is_empty() { String::new() } else { format!("`{of_type}`") };
            let cell = if typed { format!(" {shown} |") } else { String::new() };
            writeln!(page, "| `{row}` |{cell} {} |", line(docs))?;
        }
        Ok(())
    }

    fn function(&self, function: &Function, page: &mut String) -> std::fmt::Result {
        let is_method = matches!(function.kind, FunctionKind::Method(_));
        let parameters: Vec<_> = function
            .params
            .iter()
            .skip(usize::from(is_method))
            .map(|parameter| format!("{}: {}", parameter.name, self.name(&parameter.ty)))
            .collect();
        let result = function.result.as_ref().map(|ty| format!(" -> {}", self.name(ty))).unwrap_or_default();
        let owner = resource_of(function)
            .and_then(|id| self.resolve.types[id].name.clone())
            .map(|name| format!("{name}."))
            .unwrap_or_default();
        let made = if matches!(function.kind, FunctionKind::Static(_)) { "static " } else { "" };
        let name = function.item_name();
        write!(
            page,
            "\n#### `{owner}{name}`\n\n```text\n{name}: {made}func({}){result}\n```\n\n{}\n",
            parameters.join(", "),
            text(&function.docs)
        )
    }

    /// A type as WIT writes it.
    fn name(&self, ty: &Type) -> String {
        let Type::Id(id) = ty else { return primitive(ty).to_owned() };
        let defined = &self.resolve.types[*id];
        if let Some(name) = &defined.name {
            return name.clone();
        }
        let optional = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| self.name(ty));
        match &defined.kind {
            TypeDefKind::List(of) => format!("list<{}>", self.name(of)),
            TypeDefKind::Option(of) => format!("option<{}>", self.name(of)),
            TypeDefKind::Result(result) => {
                format!("result<{}, {}>", optional(&result.ok), optional(&result.err))
            }
            TypeDefKind::Handle(Handle::Borrow(of)) => format!("borrow<{}>", self.name(&Type::Id(*of))),
            TypeDefKind::Handle(Handle::Own(of)) => self.name(&Type::Id(*of)),
            TypeDefKind::Tuple(tuple) => {
                let parts: Vec<_> = tuple.types.iter().map(|ty| self.name(ty)).collect();
                format!("tuple<{}>", parts.join(", "))
            }
            other => other.as_str().to_owned(),
        }
    }
}

fn primitive(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "a defined type",
    }
}

fn resource_of(function: &Function) -> Option<TypeId> {
    match function.kind {
        FunctionKind::Method(id) | FunctionKind::Static(id) => Some(id),
        _ => None,
    }
}

fn belongs_to(function: &Function, resource: TypeId) -> bool {
    resource_of(function) == Some(resource)
}

/// A comment as a paragraph.
fn text(docs: &Docs) -> &str {
    docs.contents.as_deref().map(str::trim).unwrap_or_default()
}

/// A comment in one line, for a cell of a table.
fn line(docs: &Docs) -> String {
    text(docs).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
