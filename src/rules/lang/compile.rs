//! Trees to a program: names are resolved, types checked, constants made, and equal parts put together.

use super::ast::{Expr, Operand, Pos, Quantity, Right};
use super::compare::Check;
use super::field::Names;
use super::program::{Node, NodeId, Program};
use super::{EventSet, Op, ParseError, source};
use rustc_hash::{FxHashMap, FxHashSet};

/// The deepest graph, so that evaluation cannot exhaust the stack.
const DEEPEST: u16 = 1500;

/// The macros that conditions can name.
pub type Macros = FxHashMap<String, Expr>;

/// Makes a program of conditions, one after another.
pub struct Compiler<'n> {
    names: &'n dyn Names,
    program: Program,
    nodes: FxHashMap<Node, NodeId>,
    checks: FxHashMap<String, u32>,
    depths: Vec<u16>,
    macros: FxHashMap<String, NodeId>,
    /// The macros that are being compiled, the innermost last: none may name itself.
    open: Vec<String>,
    /// Macros that a condition named.
    pub used: FxHashSet<String>,
}

impl std::fmt::Debug for Compiler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("program", &self.program).finish_non_exhaustive()
    }
}

impl<'n> Compiler<'n> {
    /// A compiler without any condition yet.
    #[must_use]
    pub fn new(names: &'n dyn Names) -> Compiler<'n> {
        Compiler {
            names,
            program: Program::default(),
            nodes: FxHashMap::default(),
            checks: FxHashMap::default(),
            depths: Vec::new(),
            macros: FxHashMap::default(),
            open: Vec::new(),
            used: FxHashSet::default(),
        }
    }

    /// The program of all conditions.
    #[must_use]
    pub fn finish(self) -> Program {
        self.program
    }

    /// The program so far.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Adds a condition.
    ///
    /// # Errors
    /// The first mistake, with its place: in the condition, or in the macro that [`Compiler::failed_in`] tells then.
    pub fn add(&mut self, expr: &Expr, macros: &Macros) -> Result<NodeId, ParseError> {
        self.open.clear();
        self.expr(expr, macros, 0).map_err(|(text, pos)| ParseError { text, pos })
    }

    /// The macro that has the last condition's mistake; `None` when it is the condition's own.
    #[must_use]
    pub fn failed_in(&self) -> Option<&str> {
        self.open.last().map(String::as_str)
    }

    fn expr(&mut self, expr: &Expr, macros: &Macros, level: u16) -> Result<NodeId, (String, Pos)> {
        if level > DEEPEST {
            return Err((format!("exceeded max depth limit of {DEEPEST}"), Pos::default()));
        }
        match expr {
            Expr::And(parts) => {
                let parts = self.parts(parts, macros, level)?;
                self.node(Node::And(parts))
            }
            Expr::Or(parts) => {
                let parts = self.parts(parts, macros, level)?;
                self.node(Node::Or(parts))
            }
            Expr::Not(part) => {
                let part = self.expr(part, macros, level + 1)?;
                self.node(Node::Not(part))
            }
            Expr::Macro(name, pos) => {
                self.used.insert(name.clone());
                if let Some(node) = self.macros.get(name) {
                    return Ok(*node);
                }
                let Some(body) = macros.get(name) else {
                    return Err((format!("Undefined macro '{name}' used in filter."), *pos));
                };
                if self.open.contains(name) {
                    return Err((format!("reference loop in macro '{name}'"), *pos));
                }
                self.open.push(name.clone());
                let node = self.expr(body, macros, level + 1)?;
                self.open.pop();
                self.macros.insert(name.clone(), node);
                Ok(node)
            }
            Expr::Check { left, op, right, pos } => self.check(left, *op, right, *pos),
        }
    }

    fn parts(&mut self, parts: &[Expr], macros: &Macros, level: u16) -> Result<Box<[NodeId]>, (String, Pos)> {
        parts.iter().map(|part| self.expr(part, macros, level + 1)).collect()
    }

    fn node(&mut self, node: Node) -> Result<NodeId, (String, Pos)> {
        if let Some(known) = self.nodes.get(&node) {
            return Ok(*known);
        }
        let depth_of = |part: &NodeId| usize::try_from(*part).ok().and_then(|at| self.depths.get(at)).copied();
        let below = match &node {
            Node::And(parts) | Node::Or(parts) => parts.iter().filter_map(depth_of).max(),
            Node::Not(part) => depth_of(part),
            Node::Check(_) => None,
        };
        let depth = below.unwrap_or(0).saturating_add(1);
        let id = u32::try_from(self.program.nodes.len()).ok().filter(|_| depth <= DEEPEST);
        let id = id.ok_or_else(|| (format!("exceeded max depth limit of {DEEPEST}"), Pos::default()))?;
        self.depths.push(depth);
        self.program.nodes.push(node.clone());
        self.nodes.insert(node, id);
        Ok(id)
    }

    fn check(&mut self, left: &Operand, op: Op, right: &Right, pos: Pos) -> Result<NodeId, (String, Pos)> {
        let place = |what: String| (what, pos);
        let left = source::compile(left, self.names)?;
        let key = format!("{} {op:?} {}", left.key(), right_key(right));
        if let Some(check) = self.checks.get(&key) {
            return self.node(Node::Check(*check));
        }
        // Only the name itself tells which events can pass.
        let (is_event, tells) = (left.event, left.plain().is_some());
        let mut events = None;
        let check = match right {
            Right::Nothing => Check::exists(left),
            Right::Operand(operand) => {
                let right = source::compile(operand, self.names)?;
                Check::field(left, op, right).map_err(place)?
            }
            Right::Value(value, _) => {
                if is_event {
                    events = self.events(op, std::slice::from_ref(value), None).map_err(place)?;
                }
                Check::constant(left, op, std::slice::from_ref(value), None).map_err(place)?
            }
            Right::List(values, quantity, _) => {
                if is_event {
                    events = self.events(op, values, *quantity).map_err(place)?;
                }
                Check::constant(left, op, values, *quantity).map_err(place)?
            }
        };
        let id = u32::try_from(self.program.checks.len()).map_err(|_| place("too many comparisons".to_owned()))?;
        self.program.checks.push(check);
        self.program.events.push(events.filter(|_| tells));
        self.checks.insert(key, id);
        self.node(Node::Check(id))
    }

    /// The events that a comparison with their name lets pass; `None` when it tells nothing.
    fn events(&self, op: Op, values: &[String], quantity: Option<Quantity>) -> Result<Option<EventSet>, String> {
        let mut named = EventSet::default();
        for value in values {
            let events = self.names.events(value).ok_or_else(|| format!("unknown event type {value}"))?;
            named.add(&events);
        }
        Ok(match (op, quantity) {
            (Op::Eq, None | Some(Quantity::Any)) | (Op::In | Op::Intersects, _) => Some(named),
            (Op::Ne, None) => Some(self.names.all_events().without(&named)),
            _ => None,
        })
    }
}

fn right_key(right: &Right) -> String {
    match right {
        Right::Nothing => String::new(),
        Right::Value(value, _) => format!("{value:?}"),
        Right::List(values, quantity, _) => format!("{quantity:?} {values:?}"),
        Right::Operand(operand) => format!("{:?}", without_places(operand)),
    }
}

fn without_places(operand: &Operand) -> Operand {
    let all = |list: &[Operand]| list.iter().map(without_places).collect();
    let pos = Pos::default();
    match operand {
        Operand::Field { name, arg, .. } => Operand::Field { name: name.clone(), arg: arg.clone(), pos },
        Operand::Call { name, args, .. } => Operand::Call { name: name.clone(), args: all(args), pos },
        Operand::Literal(text, _) => Operand::Literal(text.clone(), pos),
        Operand::List(items, _) => Operand::List(all(items), pos),
    }
}
