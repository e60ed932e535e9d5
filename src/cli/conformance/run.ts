/** Sends the rows one after the other and judges each. Remembers the effects of a row for later rows. */
import { headerOf, type HeaderLine } from "../../common/message.ts";
import { codesOf, REFUSALS } from "../../gateway/refusals.ts";
import type { ExampleAnswer } from "../../ocs/examples.ts";
import { NO_CALL_FOR_HANDLE } from "../../ocs/answer-tables.ts";
import type { Answer, Connection } from "./connection.ts";
import { answersIn, stateAfter, stateOf, type GroupState } from "./group-life.ts";
import { answerProblem, gatewayProblem, objectIn, refusalCodeOf } from "./judge.ts";
import type { Row } from "./rows.ts";
import { faultInWords } from "../../common/system-error.ts";

export type Client = { readonly name: string; readonly authorization: string };

export type Parts = {
  readonly connection: Connection;
  /** scheme://host[:port] of the server under test. */
  readonly origin: string;
  /** The clients of a gateway; empty for an OCS. */
  readonly clients: readonly Client[];
  /** Opens a record and resolves to its handle; undefined without a sandbox. */
  readonly openHandle: (() => Promise<string>) | undefined;
};

export type Result = {
  readonly row: string;
  readonly request: string;
  readonly expected: string;
  readonly got: string;
  readonly verdict: "ok" | "FAIL" | "skip";
  readonly reason?: string;
};

type Exchange = {
  readonly answer: Answer;
  readonly client: Client | undefined;
  readonly refused: boolean;
  readonly problem: string | undefined;
};
type World = { readonly handles: Map<string, string>; group: GroupState; mayForce: boolean };

/** This client may not do the row; another one might. */
const NOT_THIS_CLIENT = codesOf("not-granted", "other-tenant", "foreign-object");
const NO_SUCH_RECORD = REFUSALS["no-such-record"].code;

/** The first row got no answer at all. */
export class Unreachable extends Error {}

/** The server rejects the key. The run stops: every row would fail, and the gateway would throttle the address. */
export class Unauthorized extends Error {}

const requireAccepted = ({ status }: Answer, client: Client | undefined): void => {
  if (status !== 401) return;
  throw new Unauthorized(
    client
      ? `the server rejects the key of ${client.name} (401); the run was stopped`
      : "the server requires credentials (401): add a client of the gateway with --key CLIENT:KEY",
  );
};

/**
 * One result for each row, and one for the connection. Rejects with Unreachable or Unauthorized; a row without an
 * answer fails.
 */
export const run = async (parts: Parts, rows: readonly Row[]): Promise<Result[]> => {
  const world: World = { handles: new Map(), group: "running", mayForce: true };
  const results: Result[] = [];
  for (const row of rows)
    results.push(
      await perform(parts, world, row).catch((error: unknown) =>
        broken(parts, world, row, error, results.length === 0),
      ),
    );
  const opened = parts.connection.opened();
  return [
    ...results,
    {
      row: "one persistent connection",
      request: `${rows.length} rows`,
      expected: "1 connection",
      got: `${opened}`,
      ...(opened === 1
        ? { verdict: "ok" }
        : { verdict: "FAIL", reason: "the server closed a connection that it should keep open" }),
    },
  ];
};

const perform = async (parts: Parts, world: World, row: Row): Promise<Result> => {
  const graceful = row.moves === "Unload" || row.moves === "Complete";
  if (graceful && !world.mayForce)
    return skipped(
      describe(world, row),
      "no given client may ForceUnload, and an unload that waits for records takes too long",
    );
  let exchange = await ask(parts, world, row);
  if (row.fresh && isGone(exchange.answer)) {
    if (!parts.openHandle)
      return skipped(
        describe(world, row, exchange),
        `handle ${row.handle} was used before; reset the sandbox (--sandbox URL)`,
      );
    world.handles.set(row.handle!, await parts.openHandle());
    exchange = await ask(parts, world, row);
  }
  const result = judge(parts, world, row, exchange);
  remember(world, row, exchange);
  return result;
};

const ask = async (parts: Parts, world: World, row: Row): Promise<Exchange> => {
  const tries: { answer: Answer; client: Client | undefined }[] = [];
  for (const client of parts.clients.length === 0 ? [undefined] : parts.clients) {
    const answer = await parts.connection.ask({
      method: row.method,
      target: targetFor(parts, world, row),
      headers: headersFor(row, client),
      body: row.body,
    });
    requireAccepted(answer, client);
    tries.push({ answer, client });
    if (!client || !mayNot(answer)) break;
  }
  const problem =
    parts.clients.length === 0
      ? undefined
      : tries.map(({ answer }) => gatewayProblem(answer)).find((each) => each !== undefined);
  const last = tries.at(-1)!;
  const missing = tries.find(({ answer }) => refusalCodeOf(answer) === NO_SUCH_RECORD);
  const refused = NOT_THIS_CLIENT.has(refusalCodeOf(last.answer) ?? "") && !missing;
  return { ...(mayNot(last.answer) && missing ? missing : last), refused, problem };
};

const mayNot = (answer: Answer): boolean => {
  const code = refusalCodeOf(answer) ?? "";
  return NOT_THIS_CLIENT.has(code) || code === NO_SUCH_RECORD;
};

const isGone = (answer: Answer): boolean =>
  answer.status === 410 &&
  (headerOf(answer.headers, "Warning") === `${NO_CALL_FOR_HANDLE}` || refusalCodeOf(answer) === NO_SUCH_RECORD);

const pathFor = (world: World, { target, handle }: Row): string =>
  handle === undefined
    ? target
    : target.replace(`/records/${handle}`, `/records/${world.handles.get(handle) ?? handle}`);

const targetFor = ({ origin }: Parts, world: World, row: Row): string =>
  `${row.absolute ? origin : ""}${pathFor(world, row)}`;

const headersFor = ({ headers }: Row, client: Client | undefined): readonly HeaderLine[] =>
  client ? [...headers, ["Authorization", client.authorization]] : headers;

const expectedOf = (world: World, row: Row): readonly ExampleAnswer[] =>
  row.moves ? answersIn(world.group, row.moves) : row.answers;

const judge = ({ clients }: Parts, world: World, row: Row, exchange: Exchange): Result => {
  const described = describe(world, row, exchange);
  if (exchange.problem !== undefined) return failed(described, exchange.problem);
  if (exchange.refused)
    return exchange.answer.status === 403
      ? { ...described, verdict: "ok", reason: "refused (no given client is allowed)" }
      : failed(described, "a refusal must be a 403");
  const problem = answerProblem(exchange.answer, expectedOf(world, row), clients.length > 0);
  return problem === undefined ? { ...described, verdict: "ok" } : failed(described, problem);
};

const remember = (world: World, row: Row, { answer, refused }: Exchange): void => {
  if (row.moves && !refused) world.group = stateAfter(world.group, row.moves, answer.status);
  if (row.moves === "ForceUnload") world.mayForce = !refused;
  const status = row.readsState && objectIn(answer.body)?.["GSW_CM_AttrGroupCampStatus"];
  if (typeof status === "number") world.group = stateOf(status);
};

type Described = Omit<Result, "verdict" | "reason">;

const describe = (world: World, row: Row, exchange?: Exchange): Described => ({
  row: row.title,
  request: `${row.method} ${pathFor(world, row)}`,
  expected: expectedOf(world, row)
    .map(({ status, warning }) => (warning === undefined ? `${status}` : `${status}/${warning}`))
    .join(" or "),
  got: exchange ? gotOf(exchange) : "-",
});

const gotOf = ({ answer, client }: Exchange): string => {
  const warning = headerOf(answer.headers, "Warning");
  return [
    `${answer.status}${warning === undefined ? "" : `/${warning}`}`,
    refusalCodeOf(answer),
    client && `(${client.name})`,
  ]
    .filter(Boolean)
    .join(" ");
};

const failed = (described: Described, reason: string): Result => ({ ...described, verdict: "FAIL", reason });
const skipped = (described: Described, reason: string): Result => ({ ...described, verdict: "skip", reason });

const broken = (parts: Parts, world: World, row: Row, error: unknown, first: boolean): Result => {
  if (error instanceof Unauthorized) throw error;
  const reason = faultInWords(error);
  if (first) throw new Unreachable(`no answer from ${parts.origin}: ${reason}`);
  return failed({ ...describe(world, row), got: "no answer" }, reason);
};
