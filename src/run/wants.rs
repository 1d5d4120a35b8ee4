//! What the outputs of a run need captured. Nothing here may start or open anything.

use crate::capture::{self, Wanted};
use crate::decode::walk::Limits;
use crate::model::{Direction, Plan, Statuses};
use crate::sink;

/// What the output that `plan` describes needs captured.
pub(super) fn wants(plan: &Plan) -> Wanted {
    wants_of(plan, sink::needs(plan), capture::Hash::default())
}

/// As [`wants`], for a sink with needs of its own, and with the digests it asks for.
pub(super) fn wants_of(plan: &Plan, needs: sink::Needs, hash: capture::Hash) -> Wanted {
    // What is kept can be shown in any form.
    let kept = plan.capture.as_ref();
    let watches = plan.watching.any();
    Wanted {
        args: needs.args || kept.is_some() || watches,
        fds: needs.fds || kept.is_some_and(|capture| capture.fds),
        opened: needs.opened || kept.is_some() || plan.watching.asks.opened,
        places: needs.opened || kept.is_some() || watches,
        program: kept.is_some() || plan.watching.asks.program,
        named: needs.named || kept.is_some(),
        detail: needs.detail,
        env: needs.env || watches,
        signals: needs.signals || kept.is_some(),
        exits: plan.filters.direction != Direction::Enter
            || plan.filters.statuses != Statuses::ALL
            || kept.is_some()
            || watches,
        ran: needs.ran,
        secrets: plan.show_secrets,
        str_max: plan.output.str_max,
        max_items: Limits::of(&plan.output).items,
        probe: plan.probe || kept.is_some(),
        hash,
    }
}
