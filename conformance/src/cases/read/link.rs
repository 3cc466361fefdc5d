//! §8.3, §9, steps 15 and 16: links, which name the run of the segment before.

use super::index::{ENTRIES_MAX, optional};
use super::{empty, three, uniform};
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::{Item, Plan, run_salt, with_index};
use crate::generator::wire::builder::Builder;

const RUNS: &str = "accept-run-in-every-segment";
const OPENED: &str = "link altered before sealing; all else made for that";

pub(crate) fn cases() -> Vec<Case> {
    [
        edges(),
        many(),
        zero(),
        data(),
        indexes(),
        trailers(),
        firsts(),
        of_indexes(),
        of_trailers(),
        uniforms(),
    ]
    .concat()
}

/// Returns data segments of one run each, and the final segment as a run of its own.
fn runs() -> Plan {
    three().runs_at(&[1, 2, 3])
}

/// Returns data, index and final segments, with runs that begin at these segments.
fn indexed(runs: &[usize]) -> Plan {
    let plan = three();
    let items = with_index(&plan.items, ENTRIES_MAX);
    plan.items(&items).runs_at(runs)
}

/// Each row of the table of §8.3 that a stream of a few segments can have.
fn edges() -> Vec<Case> {
    let accept = |id: &str, comment: &str, plan: &Plan| {
        Case::new(id, &["SV2-DIG-005", "SV2-DIG-007", "SV2-FIN-001"], comment, plan.write())
    };
    let index = |id: &str, comment: &str, runs: &[usize]| {
        optional(id, &["SV2-DIG-005", "SV2-DIG-007", "SV2-FIN-001"], comment, &indexed(runs), 3)
    };
    vec![
        accept("link-empty", "A final segment alone: its link is zero.", &empty()),
        accept("link-one-run", "The trailer names the only run, which begins with segment 0.", &three()),
        accept(
            "link-final-alone",
            "The third run seals the final segment and nothing else: the trailer names the second.",
            &three().runs_at(&[2, 3]),
        ),
        accept(
            "link-last-run",
            "The second run seals data and the final segment: the trailer names it, and segment 1.",
            &three().runs_at(&[1]),
        ),
        index("link-index-begins-run", "A run begins with the index segment: it names the run before.", &[3]),
        index("link-index-of-its-run", "A run begins before the index segment, which names that run.", &[2]),
        index("link-index-first-run", "The index segment names the only run.", &[]),
        index(
            "link-index-alone",
            "The index segment is a run of its own: the trailer names it, and its segment_index.",
            &[3, 4],
        ),
        optional(
            "link-index-several",
            &["SV2-DIG-005", "SV2-DIG-007", "SV2-IDX-004"],
            "Two index segments, both of a run that begins between data segments.",
            &two_indexes().runs_at(&[5]),
            ENTRIES_MAX,
        ),
        optional(
            "link-index-several-runs",
            &["SV2-DIG-005", "SV2-DIG-007", "SV2-IDX-004"],
            "A run begins with the first of two index segments, and holds the second one too.",
            &two_indexes().runs_at(&[ENTRIES_MAX]),
            ENTRIES_MAX,
        ),
    ]
}

fn two_indexes() -> Plan {
    let plan = Plan::flushed(&vec![1; ENTRIES_MAX + 3]);
    let items = with_index(&plan.items, ENTRIES_MAX);
    plan.items(&items)
}

/// One to four runs. Segments that begin a run may be short.
fn many() -> Vec<Case> {
    let requirements = &["SV2-DIG-005", "SV2-DIG-007"];
    let accept = |id: &str, comment: &str, plan: &Plan| Case::new(id, requirements, comment, plan.write());
    let five = || Plan::flushed(&[40, 30, 20, 10, 5]);
    let full = || Plan::filled(4096, 4 * 4096 + 100).uniform();
    vec![
        accept("link-three-runs", "Three runs, of one, three and two segments.", &five().runs_at(&[1, 4])),
        accept("link-four-runs", "Four runs, of one or two segments each.", &five().runs_at(&[1, 2, 4])),
        accept("link-three-runs-uniform", "UNIFORM, and three runs.", &full().runs_at(&[1, 4])),
        accept("link-four-runs-uniform", "UNIFORM, and four runs.", &full().runs_at(&[1, 2, 4])),
        accept(
            "link-short-begins",
            "UNIFORM: a run begins with the last data segment, which is short.",
            &uniform().runs_at(&[1]),
        ),
        accept("link-epochs", "Four runs in epochs 0, 1 and 2.", &five().epochs(2).runs_at(&[1, 2, 4])),
        accept("link-epoch-3", "A run begins in epoch 3, and the one before it in epoch 0.", &{
            Plan::flushed(&[1; 8]).epochs(2).runs_at(&[1, 6])
        }),
        accept(
            "link-run-of-digest-2",
            "Three runs with digest_alg 2.",
            &five().digest_alg(2).runs_at(&[1, 4]),
        ),
    ]
}

/// A run_salt may be zero, like any other value.
fn zero() -> Vec<Case> {
    let requirements = &["SV2-DIG-005", "SV2-DIG-007", "SV2-FIN-001"];
    let accept = |id: &str, comment: &str, runs: &[(usize, [u8; 16])]| {
        Case::new(id, requirements, comment, three().runs(runs).write())
    };
    vec![
        accept(
            "link-zero-salt",
            "The run_salt of the first run is zero: the link of the second one is zero too.",
            &[(0, [0; 16]), (1, run_salt(1))],
        ),
        accept(
            "link-zero-salt-final",
            "The run_salt of the only run is zero: so is the link of the trailer.",
            &[(0, [0; 16])],
        ),
        accept(
            "link-zero-salt-later",
            "The run_salt of the second run is zero.",
            &[(0, run_salt(0)), (1, [0; 16]), (2, run_salt(2))],
        ),
    ]
}

/// Words of an id, a comment, and the change of the 20 bytes of a link.
type Bent = (&'static str, &'static str, fn(&mut [u8]));

fn links() -> [Bent; 6] {
    [
        ("salt-first", "The first byte of run_salt in the link is wrong.", |link| link[0] ^= 1),
        ("salt-last", "The last byte of run_salt in the link is wrong.", |link| link[15] ^= 0x80),
        ("salt-zero", "run_salt in the link is zero.", |link| link[..16].fill(0)),
        ("first-less", "The run before begins with a segment before its first one.", |link| link[16] -= 1),
        ("first-more", "The run before begins with a segment after its first one.", |link| link[16] += 1),
        ("zero", "The link is zero: nothing went before.", |link| link.fill(0)),
    ]
}

fn alter(link: fn(&mut [u8])) -> impl Fn(&mut Builder) {
    move |builder| {
        let at = builder.terminator.plain.len() - 20;
        link(&mut builder.terminator.plain[at..]);
    }
}

/// Returns a plan whose run from segment 4 names that of segments 1 to 3.
fn chain() -> Plan {
    Plan::flushed(&[40, 30, 20, 10, 5]).runs_at(&[1, 4])
}

fn data() -> Vec<Case> {
    let case = |id: &str, comment: &str, base, plan: Plan, link| {
        let frame = Place::Frame(4, 2);
        Case::new(id, &["SV2-DIG-005"], comment, plan.builder(4, alter(link)).write())
            .made(base, OPENED)
            .rejects("order.transcript", frame)
    };
    let full = || Plan::filled(4096, 4 * 4096 + 100).uniform().runs_at(&[1, 4]);
    let plain = links().map(|(name, comment, link)| {
        case(&format!("link-run-{name}"), comment, "link-three-runs", chain(), link)
    });
    let uniform = links().map(|(name, comment, link)| {
        let id = format!("link-run-uniform-{name}");
        case(&id, &format!("UNIFORM: {comment}"), "link-three-runs-uniform", full(), link)
    });
    [plain.to_vec(), uniform.to_vec()].concat()
}

/// Index segments, one that begins a run and one that does not. In both, the run before begins with
/// segment 1.
fn indexes() -> Vec<Case> {
    let base = |id: &str, comment: &str, runs: &[usize]| {
        optional(id, &["SV2-DIG-005", "SV2-DIG-007"], comment, &indexed(runs), 3)
    };
    let case = |id: String, comment: &str, base, runs: &[usize], link| {
        let plan = indexed(runs).builder(3, alter(link));
        optional(&id, &["SV2-DIG-005"], comment, &plan, 3)
            .made(base, OPENED)
            .rejects("order.transcript", Place::Frame(3, 2))
    };
    let begins = links().map(|(name, comment, link)| {
        case(format!("link-index-run-{name}"), comment, "link-index-after-two", &[1, 3], link)
    });
    let within = links().map(|(name, comment, link)| {
        case(format!("link-index-{name}"), comment, "link-index-after-one", &[1], link)
    });
    let bases = vec![
        base("link-index-after-two", "The third run begins with the index segment.", &[1, 3]),
        base("link-index-after-one", "The second run holds the index segment too.", &[1]),
    ];
    [bases, begins.to_vec(), within.to_vec()].concat()
}

fn trailers() -> Vec<Case> {
    let case = |id: String, comment: &str, base, plan: Plan, link| {
        Case::new(&id, &["SV2-FIN-001"], comment, plan.builder(5, alter(link)).write())
            .made(base, OPENED)
            .rejects("auth.trailer", Place::Frame(5, 1))
    };
    let begun = || Plan::flushed(&[40, 30, 20, 10, 5]).runs_at(&[1]);
    let within = links().map(|(name, comment, link)| {
        case(format!("link-trailer-{name}"), comment, "link-trailer", begun(), link)
    });
    let own = links().map(|(name, comment, link)| {
        case(format!("link-trailer-run-{name}"), comment, "link-trailer-run", begun().runs_at(&[1, 5]), link)
    });
    let accept = |id: &str, comment: &str, plan: &Plan| {
        Case::new(id, &["SV2-FIN-001", "SV2-FIN-005"], comment, plan.write())
    };
    let bases = vec![
        accept("link-trailer", "The second of two runs ends the stream.", &begun()),
        accept("link-trailer-run", "The third run is the final segment alone.", &begun().runs_at(&[1, 5])),
    ];
    [bases, within.to_vec(), own.to_vec()].concat()
}

/// Returns a change of `first`, which ends a terminator, to a number.
fn number(at: usize, first: u32) -> impl Fn(&mut Builder) {
    move |builder| builder.terminator.plain[at..].copy_from_slice(&first.to_le_bytes())
}

/// Links that no segment can have, whatever precedes it.
fn firsts() -> Vec<Case> {
    let run = |id: &str, comment: &str, base, plan: Plan, segment| {
        Case::new(id, &["SV2-DIG-007"], comment, plan.write())
            .made(base, OPENED)
            .rejects("malformed.terminator", Place::Frame(segment, 2))
    };
    let salted = |builder: &mut Builder| builder.terminator.plain[32] = 1;
    let both = |builder: &mut Builder| {
        builder.terminator.plain[0] ^= 1;
        builder.terminator.plain[48] = 2;
    };
    vec![
        run("link-segment-0-salt", "Segment 0 names a run before it.", BASE, three().builder(0, salted), 0),
        run(
            "link-segment-0-first",
            "Segment 0 names a segment that begins the run before it.",
            BASE,
            three().builder(0, number(48, 1)),
            0,
        ),
        run(
            "link-run-first-own",
            "The run before a segment begins with the segment itself.",
            RUNS,
            runs().builder(2, number(48, 2)),
            2,
        ),
        run(
            "link-run-first-high",
            "The highest byte of first is not zero.",
            RUNS,
            runs().builder(2, number(48, 1 << 24)),
            2,
        ),
        run(
            "link-run-first-uniform",
            "UNIFORM: the run before a segment begins with the segment itself.",
            "accept-uniform-two-runs",
            uniform().runs_at(&[1]).builder(1, number(48, 1)),
            1,
        ),
        run(
            "link-run-first-before-transcript",
            "Link and transcript are wrong: what no segment can have comes first.",
            RUNS,
            runs().builder(2, both),
            2,
        ),
    ]
}

fn of_indexes() -> Vec<Case> {
    let index = |id: &str, comment: &str, base, plan: Plan| {
        optional(id, &["SV2-DIG-007"], comment, &plan, 3)
            .made(base, OPENED)
            .rejects("malformed.terminator", Place::Frame(3, 2))
    };
    vec![
        index(
            "link-index-run-first-own",
            "The run before an index segment that begins a run begins with it.",
            "link-index-after-two",
            indexed(&[1, 3]).builder(3, number(48, 3)),
        ),
        index(
            "link-index-first-own",
            "The run before an index segment begins with it.",
            "link-index-after-one",
            indexed(&[1]).builder(3, number(48, 3)),
        ),
    ]
}

fn of_trailers() -> Vec<Case> {
    let trailer = |id: &str, comment: &str, base, plan: Plan, segment, frame| {
        Case::new(id, &["SV2-FIN-005"], comment, plan.write())
            .made(base, OPENED)
            .rejects("auth.trailer", Place::Frame(segment, frame))
    };
    vec![
        trailer(
            "link-trailer-first-own",
            "The run before the final segment begins with it.",
            BASE,
            three().builder(3, number(72, 3)),
            3,
            1,
        ),
        trailer(
            "link-trailer-first-high",
            "The highest byte of first in the trailer is not zero.",
            BASE,
            three().builder(3, number(72, 1 << 24)),
            3,
            1,
        ),
        trailer(
            "link-trailer-empty-salt",
            "The final segment of an empty stream names a run.",
            "accept-empty",
            empty().builder(0, |builder| builder.terminator.plain[56] = 1),
            0,
            1,
        ),
        trailer(
            "link-trailer-empty-first",
            "The final segment of an empty stream names a segment.",
            "accept-empty",
            empty().builder(0, number(72, 1)),
            0,
            1,
        ),
    ]
}

const BASE: &str = "accept-three-segments";

/// SV2-DIG-006: with UNIFORM, a segment that begins no run has no link, not even a right one.
fn uniforms() -> Vec<Case> {
    let case = |id: &str, comment: &str, alter: fn(&mut Builder)| {
        let items = [Item::Data(4096), Item::Data(4096), Item::Data(100), Item::Final];
        let plan = Plan::filled(4096, 8292).uniform().items(&items).builder(1, alter);
        Case::new(id, &["SV2-DIG-006"], comment, plan.write())
            .made("accept-uniform", "terminator of segment 1 altered before sealing; all else made for that")
            .rejects("malformed.terminator", Place::Frame(1, 2))
    };
    vec![
        case("link-uniform-salt", "UNIFORM: a segment that begins no run names its run.", |builder| {
            builder.terminator.plain[32..48].copy_from_slice(&run_salt(0))
        }),
        case("link-uniform-first", "UNIFORM: first is not zero where no run begins.", |builder| {
            builder.terminator.plain[51] = 1
        }),
    ]
}
