/**
 * The rows of a conformance run, in an order that works from the sandbox's seeded world and leaves group 106 running:
 * records while their handles are open, then phones, customers and lists while the campaign dials, then the group,
 * whose own requests bring it through its states.
 */
import type { HeaderLine } from "../../common/message.ts";
import { NO_CALL_FOR_HANDLE } from "../../ocs/answer-tables.ts";
import { CATALOG, type Action, type ActionName, type ResourceName } from "../../ocs/catalog.ts";
import { caseOf, CASES, EXAMPLES, lengthOf, type Case, type Example, type ExampleAnswer } from "../../ocs/examples.ts";
import { splitTarget } from "../../ocs/target.ts";

export type Row = {
  readonly title: string;
  readonly method: string;
  /** In origin form. */
  readonly target: string;
  /** As the manual prints them, without Host. */
  readonly headers: readonly HeaderLine[];
  readonly body: string;
  /** Each of these is correct. Empty for a row whose answer depends on the group's state. */
  readonly answers: readonly ExampleAnswer[];
  /** The record handle in the target. */
  readonly handle?: string;
  /** The row needs a handle that no request has finalized yet. */
  readonly fresh?: true;
  /** The row changes the campaign group's state. */
  readonly moves?: ActionName;
  /** The answer contains the campaign group's state. */
  readonly readsState?: true;
  /** Sent in absolute form. */
  readonly absolute?: true;
};

type Also = Partial<Omit<Row, "method" | "headers" | "body">>;

const DONE: ExampleAnswer = { status: 200, body: "none" };
const GONE: ExampleAnswer = { status: 410, warning: NO_CALL_FOR_HANDLE, body: "page" };
const page = (status: number): ExampleAnswer => ({ status, body: "page" });
const UNKNOWN_DBID = "2147483647";

const pathOf = (absolute: string): string => {
  const { path, query } = splitTarget(absolute)!;
  return query === undefined ? path : `${path}?${query}`;
};

const example = ({ title, request, answer }: Example, also: Also = {}): Row => ({
  title: `manual: ${title}`,
  method: request.method,
  target: pathOf(request.target),
  headers: request.headers.filter(([name]) => name !== "Host"),
  body: request.body,
  answers: [answer],
  ...also,
});

const rowOf = ({ operation: { action }, target, body, answer }: Case, note = "", also: Also = {}): Row => ({
  title: `${action.resource}: ${action.name}${note}`,
  method: action.method,
  target,
  headers: [
    ["User-Agent", "ocsgw conformance"],
    ...(body === "" ? [] : [["Content-type", "application/json"] as const]),
    ...(action.method === "GET" ? [] : [["Content-length", `${lengthOf(body)}`] as const]),
  ],
  body,
  answers: [answer],
  ...also,
});

const of = (resource: ResourceName, name: ActionName): Action => CATALOG[resource].actions[name]!;
const postsOf = (resource: ResourceName): Action[] =>
  Object.values(CATALOG[resource].actions).filter(({ method }) => method === "POST");

const onHandle = (action: Action, handle: string, note = "", also: Also = { fresh: true }): Row =>
  rowOf(caseOf(action, handle), note, { handle, ...also });

const records = (): Row[] => [
  example(EXAMPLES.recordProcessed, { handle: "15", fresh: true }),
  example(EXAMPLES.recordGone, { handle: "15" }),
  onHandle(of("records", "RecordProcessed"), "16", ", stale record", { answers: [GONE] }),
  ...postsOf("records")
    .filter(({ finalizes }) => finalizes)
    .flatMap((action, index) => [
      onHandle(action, `${17 + index}`),
      onHandle(action, `${17 + index}`, " again", { answers: [GONE] }),
    ]),
  ...postsOf("records")
    .filter(({ finalizes }) => !finalizes)
    .flatMap((action) => [onHandle(action, "30"), onHandle(action, "30", " again")]),
  rowOf(caseOf(of("records", "RecordProcessed"), "15"), ", asked to Load", {
    target: "/records/15?req=Load",
    answers: [page(400)],
  }),
];

/** Cancels before do-not-call, which takes the records too. After an earlier run OCS finds none to cancel (410). */
const people = (resource: ResourceName): Row[] => [
  rowOf(caseOf(of(resource, "RequestRecordCancel")), "", { answers: [DONE, page(410)] }),
  rowOf(caseOf(of(resource, "DoNotCall"))),
];

const lists = (): Row[] => [
  example(EXAMPLES.addGeneral),
  example(EXAMPLES.addRescheduled),
  rowOf(caseOf(of("lists", "AddRecord"))),
  rowOf(caseOf(of("lists", "AddRecord"), "No Such List"), ", unknown list", { answers: [page(404)] }),
];

const readings = (): Row[] => [
  example(EXAMPLES.oneGroup),
  example(EXAMPLES.allGroups),
  ...CASES.filter(({ operation }) => operation.action.method === "GET").map((reading) =>
    rowOf(
      reading,
      reading.operation.identifier ? "" : ", all groups",
      reading.operation.identifier ? { readsState: true } : {},
    ),
  ),
  rowOf(caseOf(of("campaigngroups", "ReadStatus")), ", absolute form", { absolute: true, readsState: true }),
  rowOf(caseOf(of("campaigngroups", "ReadStatus"), UNKNOWN_DBID), ", unknown group", { answers: [page(404)] }),
  rowOf(caseOf(of("campaigngroups", "Load"), UNKNOWN_DBID), ", unknown group", { answers: [page(404)] }),
];

const move = (name: ActionName, note = ""): Row =>
  rowOf(caseOf(of("campaigngroups", name)), note, { moves: name, answers: [] });
const moveBy = (by: Example, moves: ActionName): Row => example(by, { moves, answers: [] });

/**
 * ForceUnload comes first, and behind each graceful unload, because an unload waits for records that are still being
 * processed.
 */
const group = (): Row[] => [
  move("ForceUnload"),
  moveBy(EXAMPLES.load, "Load"),
  moveBy(EXAMPLES.loadAgain, "Load"),
  move("StartDialing"),
  moveBy(EXAMPLES.setDialingMode, "SetDialingMode"),
  move("SetDialingMode"),
  move("StartDialing", " again"),
  move("StopDialing"),
  move("Unload"),
  move("ForceUnload", ", to be sure"),
  move("StopDialing", ", not active"),
  move("Stage"),
  move("Launch"),
  move("Complete"),
  move("ForceUnload", ", to be sure"),
  move("Load"),
  move("StartDialing", ", running at the end"),
];

export const rows = (): Row[] => [
  ...records(),
  ...people("phones"),
  example(EXAMPLES.doNotCall),
  ...people("customer_ids"),
  ...lists(),
  ...readings(),
  ...group(),
];
