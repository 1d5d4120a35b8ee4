//! Files as people write them: the stock ones, small ones, and wrong ones.

use super::{Code, Loader, Report, Rules};
use crate::rules::fields::Registry;
use std::time::Instant;

fn load(texts: &[&str]) -> (Option<Rules>, Vec<Report>) {
    let mut loader = Loader::new(&Registry);
    for (at, text) in texts.iter().enumerate() {
        loader.add(&format!("{at}.yaml"), text);
    }
    loader.finish()
}

/// The code, message, line and column of the first error.
fn error(texts: &[&str]) -> (Code, String, usize, usize) {
    let (rules, reports) = load(texts);
    assert!(rules.is_none(), "{texts:?} was loaded");
    let trouble = reports.iter().flat_map(Report::errors).next().unwrap().clone();
    let place = trouble.context.locations.last().unwrap().place;
    (trouble.code, trouble.text, place.line + 1, place.column + 1)
}

fn rule(name: &str, condition: &str) -> String {
    format!("- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o %proc.name\n  priority: WARNING\n")
}

const STOCK: [&str; 4] = [
    include_str!("../../../tests/falco/falco_rules.yaml"),
    include_str!("../../../tests/falco/falco-incubating_rules.yaml"),
    include_str!("../../../tests/falco/falco-sandbox_rules.yaml"),
    include_str!("../../../tests/falco/falco_cicd_rules.yaml"),
];

#[test]
fn the_stock_files_load_unchanged() {
    // The fourth needs macros of the first.
    for (text, rules) in STOCK.into_iter().zip([25, 31, 37]) {
        let (loaded, reports) = load(&[text]);
        let text: String = reports.iter().flat_map(Report::errors).map(|trouble| format!("{trouble:?}\n")).collect();
        assert!(reports[0].successful(), "{text}");
        assert!(loaded.unwrap().rules.len() >= rules);
    }
    let start = Instant::now();
    let (loaded, reports) = load(&STOCK);
    let took = start.elapsed();
    let loaded = loaded.unwrap_or_else(|| panic!("{}", reports.iter().map(Report::text).collect::<String>()));
    assert!(loaded.rules.len() >= 93, "{}", loaded.rules.len());
    assert_eq!(loaded.rules.iter().filter(|rule| !rule.enabled).count(), 12);
    println!("{} rules in {took:?}, program {:?}", loaded.rules.len(), loaded.program.size());
}

#[test]
fn later_items_change_earlier_ones() {
    let base = format!(
        "- list: l\n  items: [a, b]\n- macro: m\n  condition: proc.name in (l)\n{}",
        rule("r", "evt.type = open and m")
    );
    let more = "- list: l\n  items: [c]\n  override: {items: append}\n- macro: m\n  condition: or proc.name = d\n  \
                append: true\n- rule: r\n  condition: and fd.name exists\n  priority: ERROR\n  tags: [x]\n  override: \
                {condition: append, priority: replace, tags: append}\n";
    let (rules, reports) = load(&[&base, more]);
    let rules = rules.unwrap_or_else(|| panic!("{}", reports[1].text()));
    let rule = &rules.rules[0];
    assert_eq!(rule.condition, "evt.type = open and m and fd.name exists");
    assert_eq!((rule.priority.name(), rule.tags.len()), ("Error", 1));
    assert_eq!(rules.macros[0].1, "proc.name in ( a, b, c ) or proc.name = d");
    let codes: Vec<_> = reports[1].warnings().map(|trouble| trouble.code).collect();
    assert_eq!(codes, [Code::DeprecatedItem]);
    // A rule defined again is the later one, in the earlier one's place.
    let (rules, _) = load(&[&base, &rule_text_disabled()]);
    assert!(!rules.unwrap().rules[0].enabled);
}

#[test]
fn the_direction_of_an_event_is_deprecated() {
    let told = |condition: &str| {
        let file = format!("- macro: exits\n  condition: evt.dir = <\n{}", rule("r", condition));
        let (rules, reports) = load(&[&file]);
        assert!(rules.is_some(), "{}", reports[0].text());
        reports[0].warnings().filter(|trouble| trouble.code == Code::DeprecatedItem).count()
    };
    assert_eq!(told("evt.type = open and evt.dir = <"), 1);
    assert_eq!(told("evt.type = open and not exits"), 1);
    assert_eq!(told("evt.type = open"), 0);
}

fn rule_text_disabled() -> String {
    "- rule: r\n  enabled: false\n".to_owned()
}

#[test]
fn exceptions_are_conditions() {
    let text = "- rule: r\n  desc: d\n  condition: evt.type = openat\n  output: o\n  priority: INFO\n  exceptions:\n  - \
                name: two\n    fields: [proc.name, fd.name]\n    comps: [in, startswith]\n    values:\n    - [[vi, \
                cat], /root]\n    - [dog, /etc]\n  - name: one\n    fields: proc.pname\n    values: [bash, a b]\n";
    let (rules, reports) = load(&[text]);
    let rules = rules.unwrap_or_else(|| panic!("{}", reports[0].text()));
    assert_eq!(
        rules.rules[0].condition,
        "(evt.type = openat) and not ((proc.name in (vi, cat) and fd.name startswith /root) or (proc.name in (dog) and \
         fd.name startswith /etc)) and not (proc.pname in (bash, \"a b\"))"
    );
    assert_eq!(rules.rules[0].events.len(), 1);
}

#[test]
fn mistakes_have_codes_and_places() {
    let (code, text, line, column) = error(&[&rule("r", "evt.type = open and proc.nmae = x")]);
    assert_eq!((code, line), (Code::ErrCompileCondition, 3));
    assert!(text.contains("nonexistent field proc.nmae") && column > 20, "{text} {column}");
    let cases: [(&str, Code, &str); 16] = [
        ("- a: [", Code::ErrYamlParse, ""),
        ("a: b", Code::ErrYamlValidate, "not yaml array"),
        ("just text", Code::ErrYamlValidate, "not yaml"),
        ("- x", Code::ErrYamlValidate, "associative array"),
        ("- list: l", Code::ErrYamlValidate, "no mapping for key 'items'"),
        ("- list: l\n  items: x", Code::ErrYamlValidate, "not a sequence"),
        ("- macro: m", Code::ErrYamlValidate, "'condition'"),
        ("- macro: 1m\n  condition: a.b=c", Code::ErrYamlValidate, "invalid name"),
        ("- macro: m\n  condition: proc.name ~ x", Code::ErrCompileCondition, "valid check operator"),
        ("- macro: m\n  condition: nope", Code::ErrValidate, "Undefined macro 'nope'"),
        ("- macro: m\n  condition: m", Code::ErrValidate, "Undefined macro 'm'"),
        ("- list: l\n  items: []\n  append: true", Code::ErrValidate, "no list by that name"),
        ("- rule: r\n  enabled: false", Code::ErrValidate, "no rule by that name"),
        ("- rule: r\n  desc: d", Code::ErrYamlValidate, "'condition'"),
        ("- required_engine_version: 0.99.0", Code::ErrValidate, "engine version is 0.63.0"),
        ("- required_engine_version: x", Code::ErrYamlValidate, "semver"),
    ];
    for (text, want, words) in cases {
        let (code, message, ..) = error(&[text]);
        assert!(code == want && message.contains(words), "{text:?}: {code:?} {message}");
    }
    let output = rule("r", "evt.type=open").replace("%proc.name", "%nope.x");
    assert_eq!(error(&[&output]).0, Code::ErrCompileOutput);
    let priority = rule("r", "evt.type=open").replace("WARNING", "LOUD");
    assert_eq!(error(&[&priority]).1, "Invalid priority");
    assert_eq!(error(&[&rule("r", "nope and evt.type=open")]).1, "Undefined macro 'nope' used in filter.");
}

#[test]
fn every_mistake_is_told_where_it_is() {
    let first = rule("a", "evt.type=opeat") + &rule("b", "evt.type=open and proc.nmae=x");
    let second = "- macro: m\n  condition: proc.name=x and\n    foo.bar=1\n".to_owned()
        + &rule("c", "evt.type=open and m")
        + &rule("d", "m and evt.type=openat");
    let (rules, reports) = load(&["- a: [", &first, &second]);
    assert!(rules.is_none());
    let told = |report: &Report| {
        let of = |trouble: &super::Trouble| {
            let place = trouble.context.locations.last().unwrap().place;
            (trouble.code.words().0, place.line + 1, trouble.context.snippet(&report.content).contains('^'))
        };
        report.errors().map(of).collect::<Vec<_>>()
    };
    assert_eq!(told(&reports[0]), [("LOAD_ERR_YAML_PARSE", 1, true)]);
    let wrong = "LOAD_ERR_COMPILE_CONDITION";
    assert_eq!(told(&reports[1]), [(wrong, 3, true), (wrong, 8, true)]);
    // The macro's mistake is told once, in the macro.
    assert_eq!(told(&reports[2]), [(wrong, 2, true)]);
    assert!(reports[2].text().contains("\nproc.name=x and foo.bar=1\n                ^\n"), "{}", reports[2].text());
}

#[test]
fn a_file_whose_macros_are_missing_by_mistakes_elsewhere_is_not_called_right() {
    let broken = "- macro: m\n  condition: proc.name ~ x\n".to_owned();
    let (rules, reports) = load(&[&broken, &rule("r", "evt.type=open and m"), &rule("s", "evt.type=open")]);
    assert!(rules.is_none());
    let verdicts: Vec<_> = reports.iter().map(|report| report.text().lines().next().unwrap().to_owned()).collect();
    assert_eq!(verdicts[0], "0.yaml: Invalid");
    assert!(verdicts[1].starts_with("1.yaml: Not wholly checked"), "{verdicts:?}");
    assert_eq!(verdicts[2], "2.yaml: Ok");
}

#[test]
fn details_are_those_of_the_condition_with_its_macros() {
    let text = "- list: editors\n  items: [vi, 'my ed']\n- macro: reads\n  condition: (evt.type in (open, openat) and \
                evt.is_open_read=true)\n"
        .to_owned()
        + &rule(
            "r",
            "reads and not proc.name in (editors) and tolower(fd.name) startswith anyof (/etc, /root) and proc.exe != val(proc.name)",
        );
    let (rules, reports) = load(&[&text]);
    let rules = rules.unwrap_or_else(|| panic!("{}", reports[0].text()));
    let details = &super::details(&rules)[0];
    assert_eq!(
        details.compiled,
        "((evt.type in (open, openat) and evt.is_open_read = true) and not proc.name in (vi, my ed) and tolower(fd.name) \
         startswith anyof (/etc, /root) and proc.exe != val(proc.name))"
    );
    assert_eq!(details.macros.iter().collect::<Vec<_>>(), ["reads"]);
    assert_eq!(details.lists.iter().collect::<Vec<_>>(), ["editors"]);
    assert_eq!(details.operators.iter().copied().collect::<Vec<_>>(), ["!=", "=", "in", "startswith"]);
    assert_eq!(
        details.fields.iter().collect::<Vec<_>>(),
        ["evt.is_open_read", "evt.type", "fd.name", "proc.exe", "proc.name"]
    );
}

#[test]
fn a_rule_with_unknown_fields_can_be_skipped() {
    let text = rule("r", "evt.type=open and nope.x = 1") + "  skip-if-unknown-filter: true\n";
    let (rules, reports) = load(&[&text]);
    assert!(rules.unwrap().rules.is_empty());
    assert_eq!(reports[0].warnings().next().unwrap().code, Code::UnknownFilter);
}

#[test]
fn warnings_do_not_refuse() {
    let text = "- macro: unused\n  condition: proc.name = x\n- list: unused\n  items: []\n- thing: x\n".to_owned()
        + &rule("r", "proc.name = x")
        + "  tagz: [x]\n"
        + &rule("s", "evt.type=open").replace("desc: d\n", "desc: d\n  source: k8s_audit\n");
    let (rules, reports) = load(&[&text]);
    assert_eq!(rules.unwrap().rules.len(), 1);
    let mut codes: Vec<_> = reports[0].warnings().map(|trouble| trouble.code.words().0).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "LOAD_NO_EVTTYPE",
            "LOAD_UNKNOWN_ITEM",
            "LOAD_UNKNOWN_KEY",
            "LOAD_UNKNOWN_SOURCE",
            "LOAD_UNUSED_LIST",
            "LOAD_UNUSED_MACRO"
        ]
    );
}
