//! What the rules need to know about a source file: the paths it uses, the functions it has, what it calls.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{
    Attribute, FnArg, ImplItem, Item, Meta, ReceiverKind, Signature, Type, UseTree,
    visit::{self, Visit},
};

/// One source file as the rules see it.
#[derive(Debug)]
pub struct SourceFacts {
    /// Relative to `src/`, with slashes.
    pub path: String,
    pub line_count: usize,
    pub paths: Vec<UsedPath>,
    pub functions: Vec<FunctionFacts>,
    /// The types of fields.
    pub field_types: BTreeSet<String>,
    pub calls: Vec<CalledWord>,
    /// Where something is `async` or awaited.
    pub awaits: Vec<CodeSpot>,
    /// The modules of this file, its own first.
    pub modules: Vec<ModuleFacts>,
}

/// A line, and whether only tests are compiled from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeSpot {
    pub line: usize,
    pub is_test: bool,
}

/// A path of at least two words, or what a `use` imports; the last word of a glob import is `*`.
#[derive(Debug)]
pub struct UsedPath {
    pub spot: CodeSpot,
    /// The index in `SourceFacts::modules` of the module that contains it.
    pub module: usize,
    pub segments: Vec<String>,
}

/// A function, and what it may change.
#[derive(Debug)]
pub struct FunctionFacts {
    pub spot: CodeSpot,
    pub module: usize,
    pub name: String,
    /// The types of its `&mut` parameters as written; for `&mut self` the type of the `impl`.
    pub mut_types: Vec<Vec<String>>,
    /// The type whose method it is.
    pub impl_type: Option<String>,
    /// What it may call or make: the words of its paths, and the methods it calls.
    pub words: BTreeSet<String>,
}

/// A method or macro that is called by name.
#[derive(Debug)]
pub struct CalledWord {
    pub spot: CodeSpot,
    /// A macro's name ends in `!`.
    pub word: String,
}

/// The names of a module.
#[derive(Debug)]
pub struct ModuleFacts {
    /// From the root: `["crate", "ui", "state"]`.
    pub path: Vec<String>,
    /// The items that it defines, child modules included.
    pub items: Vec<String>,
    /// The child modules that only tests compile.
    pub test_children: Vec<String>,
    /// Imported names, each with its path as written.
    pub imports: Vec<(String, Vec<String>)>,
    /// The paths of glob imports, without the `*`.
    pub globs: Vec<Vec<String>>,
}

impl SourceFacts {
    /// Reads a file; `path` is relative to `src/`.
    ///
    /// # Errors
    /// The file is not Rust.
    pub fn read(path: &str, text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let facts = Self {
            path: path.to_owned(),
            line_count: text.lines().count(),
            paths: Vec::new(),
            functions: Vec::new(),
            field_types: BTreeSet::new(),
            calls: Vec::new(),
            awaits: Vec::new(),
            modules: vec![ModuleFacts::new(module_of_file(path))],
        };
        let mut reader =
            FactReader { facts, module: 0, is_test: false, impl_type: None, word_owner: WordOwner::Nobody };
        reader.visit_file(&file);
        Ok(reader.facts)
    }

    /// Returns the module of the file itself.
    pub fn module(&self) -> &[String] {
        &self.modules[0].path
    }

    /// Marks everything in the file as compiled for tests only.
    pub fn mark_as_test(&mut self) {
        self.paths.iter_mut().for_each(|path| path.spot.is_test = true);
        self.functions.iter_mut().for_each(|function| function.spot.is_test = true);
        self.calls.iter_mut().for_each(|call| call.spot.is_test = true);
        self.awaits.iter_mut().for_each(|spot| spot.is_test = true);
    }
}

impl ModuleFacts {
    fn new(path: Vec<String>) -> Self {
        Self { path, items: Vec::new(), test_children: Vec::new(), imports: Vec::new(), globs: Vec::new() }
    }
}

/// `ui/state.rs` is `["crate", "ui", "state"]`, and `lib.rs` is the root.
fn module_of_file(path: &str) -> Vec<String> {
    let words = path.trim_end_matches(".rs").split('/').filter(|word| *word != "lib");
    std::iter::once("crate").chain(words).map(str::to_owned).collect()
}

/// Collects the facts of a file.
struct FactReader {
    facts: SourceFacts,
    module: usize,
    is_test: bool,
    /// The type of the `impl` that is being read.
    impl_type: Option<Vec<String>>,
    word_owner: WordOwner,
}

/// What the words belong to that are being read.
#[derive(Clone, Copy)]
enum WordOwner {
    /// The function at this index.
    Function(usize),
    Field,
    Nobody,
}

impl FactReader {
    fn spot(&self, span: Span) -> CodeSpot {
        CodeSpot { line: span.start().line, is_test: self.is_test }
    }

    fn here(&mut self) -> &mut ModuleFacts {
        &mut self.facts.modules[self.module]
    }

    fn push_path(&mut self, span: Span, segments: Vec<String>) {
        let (spot, module) = (self.spot(span), self.module);
        if segments.last().is_some_and(|last| last == "unwrap") {
            self.push_call(span, "unwrap");
        }
        self.facts.paths.push(UsedPath { spot, module, segments });
    }

    fn push_word(&mut self, word: &str) {
        match self.word_owner {
            WordOwner::Function(index) => _ = self.facts.functions[index].words.insert(word.to_owned()),
            WordOwner::Field => _ = self.facts.field_types.insert(word.to_owned()),
            WordOwner::Nobody => (),
        }
    }

    /// Reads something whose words may get another owner on the way.
    fn with_word_owner(&mut self, owner: WordOwner, read: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.word_owner, owner);
        read(self);
        self.word_owner = before;
    }

    fn push_call(&mut self, span: Span, word: impl Into<String>) {
        let spot = self.spot(span);
        self.facts.calls.push(CalledWord { spot, word: word.into() });
    }

    fn push_await(&mut self, span: Span) {
        let spot = self.spot(span);
        self.facts.awaits.push(spot);
    }

    /// Reads an item with its attributes taken into account.
    fn within(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.is_test;
        self.is_test |= attributes.iter().any(is_test_attribute);
        read(self);
        self.is_test = before;
    }

    fn read_use(&mut self, tree: &UseTree, prefix: &[String]) {
        let with = |word: &str| prefix.iter().cloned().chain([word.to_owned()]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(part) => self.read_use(&part.tree, &with(&part.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.read_use(item, prefix)),
            UseTree::Glob(glob) => {
                self.here().globs.push(prefix.to_vec());
                self.push_path(glob.star_token.spans[0], with("*"));
            }
            UseTree::Name(name) => self.read_import(&name.ident, &name.ident, prefix),
            UseTree::Rename(name) => self.read_import(&name.ident, &name.rename, prefix),
        }
    }

    fn read_import(&mut self, word: &syn::Ident, name: &syn::Ident, prefix: &[String]) {
        let mut path = prefix.to_vec();
        if word == "self" {
            let module = prefix.last().cloned().unwrap_or_default();
            let name = if name == "self" { module } else { name.to_string() };
            self.here().imports.push((name, path.clone()));
        } else {
            path.push(word.to_string());
            self.here().imports.push((name.to_string(), path.clone()));
        }
        self.push_path(word.span(), path);
    }

    /// Reads the tokens of a macro call: its paths, calls and awaits.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_punct = |index: usize, mark: char| matches!(tokens.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
        let mut index = 0;
        while index < tokens.len() {
            match &tokens[index] {
                TokenTree::Group(group) => self.read_tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let is_method = index > 0 && is_punct(index - 1, '.');
                    let mut segments = vec![first.to_string()];
                    self.push_word(&segments[0]);
                    while is_punct(index + 1, ':') && is_punct(index + 2, ':') {
                        let Some(TokenTree::Ident(next)) = tokens.get(index + 3) else { break };
                        self.push_word(&next.to_string());
                        segments.push(next.to_string());
                        index += 3;
                    }
                    let has_arguments = matches!(tokens.get(index + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                    let is_macro =
                        is_punct(index + 1, '!') && matches!(tokens.get(index + 2), Some(TokenTree::Group(_)));
                    match segments[0].as_str() {
                        "async" | "await" => self.push_await(first.span()),
                        word if is_method && has_arguments => self.push_call(first.span(), word),
                        _ => (),
                    }
                    if is_macro && let Some(name) = segments.last() {
                        self.push_call(first.span(), format!("{name}!"));
                    }
                    if segments.len() > 1 {
                        self.push_path(first.span(), segments);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => (),
            }
            index += 1;
        }
    }
}

impl<'ast> Visit<'ast> for FactReader {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Some(name) = defined_name(item) {
            self.here().items.push(name);
        }
        self.within(item_attributes(item), |reader| visit::visit_item(reader, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(function) => &function.attrs,
            ImplItem::Const(constant) => &constant.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        self.within(attributes, |reader| {
            reader.with_word_owner(WordOwner::Nobody, |reader| visit::visit_impl_item(reader, item));
        });
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.with_word_owner(WordOwner::Nobody, |reader| visit::visit_item_fn(reader, function));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.with_word_owner(WordOwner::Field, |reader| visit::visit_field(reader, field));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        let Some((_, items)) = &item.content else {
            if self.is_test {
                self.here().test_children.push(name);
            }
            return;
        };
        let outer = self.module;
        let path = self.here().path.iter().cloned().chain([name]).collect();
        self.module = self.facts.modules.len();
        self.facts.modules.push(ModuleFacts::new(path));
        for item in items {
            self.visit_item(item);
        }
        self.module = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.read_use(&item.tree, &[]);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.impl_type, path_of(&item.self_ty));
        visit::visit_item_impl(self, item);
        self.impl_type = outer;
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        if let Some(word) = &signature.asyncness {
            self.push_await(word.span);
        }
        let mut mut_types = MutTypes::default();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    if matches!(receiver.kind, ReceiverKind::Reference(_, _, Some(_))) {
                        mut_types.0.extend(self.impl_type.clone());
                    }
                }
                FnArg::Typed(typed) => mut_types.visit_type(&typed.ty),
            }
        }
        let (spot, module) = (self.spot(signature.ident.span()), self.module);
        self.word_owner = WordOwner::Function(self.facts.functions.len());
        self.facts.functions.push(FunctionFacts {
            spot,
            module,
            name: signature.ident.to_string(),
            mut_types: mut_types.0,
            impl_type: self.impl_type.as_ref().and_then(|path| path.last().cloned()),
            words: BTreeSet::new(),
        });
        visit::visit_signature(self, signature);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        path.segments.iter().for_each(|segment| self.push_word(&segment.ident.to_string()));
        if path.segments.len() > 1 {
            let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.push_path(path.segments[0].ident.span(), segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.push_word(&call.method.to_string());
        self.push_call(call.method.span(), call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.push_await(expression.await_token.span);
        visit::visit_expr_await(self, expression);
    }

    fn visit_expr_async(&mut self, expression: &'ast syn::ExprAsync) {
        self.push_await(expression.async_token.span);
        visit::visit_expr_async(self, expression);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last() {
            self.push_call(last.ident.span(), format!("{}!", last.ident));
        }
        self.visit_path(&call.path);
        self.read_tokens(call.tokens.clone());
    }

    /// Attributes and visibilities name no dependencies.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// The types behind `&mut`, as written.
#[derive(Default)]
struct MutTypes(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for MutTypes {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        if reference.mutability.is_some() {
            self.0.extend(path_of(&reference.elem));
        }
        visit::visit_type_reference(self, reference);
    }
}

/// Returns the path of a type, or of the elements of a slice.
fn path_of(of: &Type) -> Option<Vec<String>> {
    match of {
        Type::Path(path) => Some(path.path.segments.iter().map(|segment| segment.ident.to_string()).collect()),
        Type::Slice(slice) => path_of(&slice.elem),
        Type::Array(array) => path_of(&array.elem),
        Type::Paren(inner) => path_of(&inner.elem),
        Type::Group(inner) => path_of(&inner.elem),
        _ => None,
    }
}

/// Returns whether an attribute compiles its item for tests only.
fn is_test_attribute(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words == "test" || words.starts_with("all") && words.contains("test") && !words.contains("not")
        }
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
