//! Each limit from both sides.

use super::{problems, workspace};
use crate::rules::sizes::{
    MAX_FIELDS, MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_METHODS, files_are_small,
    functions_are_short, structs_have_few_fields, types_have_few_methods,
};
use crate::workspace::Workspace;

fn of(code: &str) -> Workspace {
    workspace(&[("a/src/lib.rs", code)])
}

#[test]
fn a_file_may_have_400_lines() {
    let text = |lines: usize| format!("//! A.\n{}", "\n".repeat(lines - 1));
    assert!(files_are_small(&of(&text(MAX_FILE_LINES))).is_empty());
    assert_eq!(files_are_small(&of(&text(MAX_FILE_LINES + 1))).len(), 1);
}

#[test]
fn a_function_may_have_60_lines_wherever_it_is() {
    let body = |lines: usize| format!("{{{}}}", "\n".repeat(lines - 1));
    for (before, after) in [
        ("fn f() ", ""),
        ("struct A; impl A { fn f() ", "}"),
        ("trait A { fn f() ", "}"),
        ("mod inner { fn f() ", "}"),
        ("#[cfg(test)] mod tests { #[test] fn f() ", "}"),
        ("fn outer() { fn f() ", "}"),
    ] {
        let code = |lines| format!("{before}{}{after}", body(lines));
        let short = functions_are_short(&of(&code(MAX_FUNCTION_LINES)));
        assert!(short.is_empty(), "{before}");
        let long = problems(functions_are_short(&of(&code(MAX_FUNCTION_LINES + 1))));
        let caught = long.iter().any(|problem| problem.starts_with("`f`"));
        assert!(caught, "{before}: {long:?}");
    }
}

#[test]
fn a_struct_may_have_12_fields_unless_it_is_a_schema() {
    let fields = |count: usize| {
        (0..count)
            .map(|at| format!("f{at}: u8,"))
            .collect::<String>()
    };
    let found = |derive: &str, count| {
        let code = format!("{derive} struct A {{ {} }}", fields(count));
        structs_have_few_fields(&of(&code)).len()
    };
    assert_eq!(found("#[derive(Debug)]", MAX_FIELDS), 0);
    assert_eq!(found("#[derive(Debug)]", MAX_FIELDS + 1), 1);
    assert_eq!(found("#[derive(Debug, clap::Args)]", MAX_FIELDS + 1), 0);
    assert_eq!(found("#[derive(CustomResource)]", MAX_FIELDS + 1), 0);
    assert_eq!(found("#[cfg(test)]", MAX_FIELDS + 1), 0);
    let tuple = format!("struct A({});", "u8,".repeat(MAX_FIELDS + 1));
    assert_eq!(structs_have_few_fields(&of(&tuple)).len(), 1);
}

#[test]
fn methods_of_a_type_are_counted_over_all_files() {
    let methods = |prefix: &str, count: usize| {
        let method = |at| format!("fn {prefix}{at}(&self) {{}}");
        (0..count).map(method).collect::<String>()
    };
    let tree = |here, there, target: &str| {
        let root = format!(
            "//! A.\nmod b;\npub struct A;\nimpl A {{ {} }}",
            methods("a", here)
        );
        let below = format!(
            "//! B.\nuse super::A as Own;\nimpl {target} {{ {} }}",
            methods("b", there)
        );
        workspace(&[("a/src/lib.rs", &root), ("a/src/b.rs", &below)])
    };
    let half = MAX_METHODS / 2;
    for target in ["Own", "crate::A", "super::A"] {
        let rest = MAX_METHODS - half;
        assert!(
            types_have_few_methods(&tree(half, rest, target)).is_empty(),
            "{target}"
        );
        let found = types_have_few_methods(&tree(half, rest + 1, target));
        assert_eq!(found.len(), 1, "{target}");
    }
    let of_a_trait = tree(half, MAX_METHODS, "Clone for Own");
    assert!(types_have_few_methods(&of_a_trait).is_empty());
}
