/**
 * Plays of payloads against a gateway, and what is wrong with what came of them: after a siege without fault there is
 * no sentence left.
 */
import { basic } from "../kit/gateway.ts";
import { statusOf, warningOf } from "../kit/recording-ocs.ts";
import { seeded } from "../faults/random.ts";
import { attack, type Address, type Outcome } from "./attack.ts";
import { cutUp, CUTS, type Cut } from "./cut.ts";
import { dressed, DRESSES, type Dress } from "./payload-variants.ts";
import type { Field } from "./test-gateway.ts";
import { FIRST_HANDLE, handleOf, isSmuggled, latin1, type Payload } from "./payload.ts";

export type Play = {
  readonly payload: Payload;
  readonly dress: Dress;
  readonly cut: Cut;
  readonly over: "plain" | "tls";
};
export type Tally = {
  connections: number;
  /** Second clients that asked, each on a connection of its own. */
  witnesses: number;
  /** Requests that reached OCS, each a mere spelling of one good request. */
  readonly reached: Map<string, number>;
  /** By status, of all replies to payloads. */
  readonly statuses: Map<number, number>;
  readonly faults: string[];
};

const PARALLEL = 24;

/** Every payload in every dress, cut and transport; of paths, whose bytes are one line, only whole. */
export const everyPlay = (payloads: readonly Payload[]): Play[] => payloads.flatMap(playsOf);

/** `each` plays of every payload, other ones from payload to payload, so that together they are of every kind. */
export const somePlays = (payloads: readonly Payload[], each: number): Play[] =>
  payloads.flatMap((payload, at) => {
    const plays = playsOf(payload);
    const step = Math.max(1, Math.floor(plays.length / each));
    return Array.from({ length: Math.min(each, plays.length) }, (_, turn) => plays[(at + turn * step) % plays.length]!);
  });

const playsOf = (bare: Payload): Play[] =>
  DRESSES.flatMap((dress) => {
    const payload = dressed(bare, dress);
    const cuts: readonly Cut[] = bare.family === "paths" ? ["whole"] : CUTS;
    if (!payload || (dress === "graft" && OURS.has(bare.family))) return [];
    return cuts.flatMap((cut) => (["plain", "tls"] as const).map((over): Play => ({ payload, dress, cut, over })));
  });

/** These are addressed to us as they are. */
const OURS = new Set(["gadgets", "chunks", "paths"]);

export const besiege = async (field: Field, plays: readonly Play[], seed = 1): Promise<Tally> => {
  const tally: Tally = { connections: 0, witnesses: 0, reached: new Map(), statuses: new Map(), faults: [] };
  const random = seeded(seed);
  const outcomes = new Map<number, { play: Play; outcome: Outcome }>();
  const before = field.wire.requests.length;
  let next = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (next < plays.length) {
        const [handle, play] = [FIRST_HANDLE + next, plays[next]!];
        next++;
        const outcome = await attack(addressOf(field, play), cutUp(play.payload.pieces(handle), play.cut, random));
        outcomes.set(handle, { play, outcome });
        tally.faults.push(...(await askAsAnother(field, handle)).map((fault) => `${nameOf(play)}: ${fault}`));
      }
    }),
  );
  tally.connections = tally.witnesses = plays.length;
  judge(field, before, outcomes, tally);
  return tally;
};

const addressOf = ({ ports, ca }: Field, { over }: Play): Address =>
  over === "tls" ? { port: ports.tls, ca } : { port: ports.plain };

const nameOf = ({ payload, dress, cut, over }: Play): string =>
  `${payload.family} ${payload.id}, ${dress}, ${cut}, ${over}`;

/** The second client leaves its side open until it has its answer. */
const PATIENT_MS = 4000;

/** Another tenant's client, on a fresh connection: it must get exactly its own answer. */
const askAsAnother = async ({ ports }: Field, handle: number): Promise<string[]> => {
  const [marker, body] = [markOf(handle), JSON.stringify({ MARK: markOf(handle) })];
  const { replies, rest, closed } = await attack(
    { port: ports.plain },
    [
      latin1(
        [
          `POST /phones/4155550123?req=DoNotCall HTTP/1.1`,
          "Host: localhost",
          `Authorization: ${basic("beta")}`,
          `Content-Length: ${body.length}`,
          "",
          body,
        ].join("\r\n"),
      ),
    ],
    PATIENT_MS,
  );
  const [reply] = replies;
  const right =
    replies.length === 1 &&
    rest === "" &&
    closed &&
    reply?.status === statusOf(marker) &&
    reply.warning === warningOf(marker) &&
    reply.origin === "ocs";
  return right
    ? []
    : [`the second client got ${JSON.stringify(replies)} ${rest} and not ${statusOf(marker)} ${warningOf(marker)}`];
};

const markOf = (handle: number): string => `second-client-${handle}`;

const judge = (
  { wire }: Field,
  before: number,
  outcomes: ReadonlyMap<number, { play: Play; outcome: Outcome }>,
  tally: Tally,
): void => {
  const reached = new Map<number, number>();
  const marks = new Map<string, number>();
  for (const { target, body } of wire.requests.slice(before)) {
    const mark = /"MARK":"(second-client-\d+)"/.exec(body)?.[1];
    const handle = handleOf(target);
    if (mark !== undefined && target === "/phones/4155550123?req=DoNotCall")
      marks.set(mark, (marks.get(mark) ?? 0) + 1);
    else if (isSmuggled(handle) || !outcomes.has(handle)) tally.faults.push(`OCS received ${target} ${body}`);
    else reached.set(handle, (reached.get(handle) ?? 0) + 1);
  }
  for (const strange of wire.strange)
    tally.faults.push(`OCS received bytes that are no request of the gateway's: ${JSON.stringify(strange)}`);
  for (const [handle, { play, outcome }] of outcomes) {
    const arrived = reached.get(handle) ?? 0;
    if (arrived > 0) tally.reached.set(nameOf(play), arrived);
    for (const { status } of outcome.replies) tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
    tally.faults.push(...faultsOf(play, outcome, arrived).map((fault) => `${nameOf(play)}: ${fault}`));
    const seen = marks.get(markOf(handle)) ?? 0;
    if (seen !== 1) tally.faults.push(`${nameOf(play)}: the second client's request reached OCS ${seen} times`);
  }
};

/** The client closes its side 5 ms after its last byte: a request that is still queued then is not sent. */
const ABANDONED = "OCSGW-3003";

const faultsOf = ({ payload }: Play, { replies, rest, closed }: Outcome, arrived: number): string[] => {
  const faults: string[] = [];
  const allowed = payload.refusedElsewhere ? 0 : payload.allows;
  const answered = replies.filter(({ origin }) => origin === "ocs").length;
  if (arrived > allowed) faults.push(`${arrived} requests reached OCS and ${allowed} may`);
  if (answered !== arrived) faults.push(`${arrived} requests reached OCS and ${answered} replies are OCS's`);
  if (!closed) faults.push("the connection stayed open");
  if (rest !== "") faults.push(`the replies end in ${JSON.stringify(rest)}`);
  const odd = replies.filter(
    ({ status, origin, code }) =>
      origin !== "ocs" &&
      !(arrived === 0 && code === ABANDONED) &&
      (origin !== "gateway" || status >= 500 || status < 400 || code === undefined),
  );
  if (odd.length > 0) faults.push(`odd replies: ${JSON.stringify(odd)}`);
  return faults;
};
