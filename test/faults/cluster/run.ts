/** One run: several gateways between clients and one OCS, on a real PostgreSQL, under faults; then the judgement. */
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { keyBeside } from "../../journal/kit.ts";
import { PostgresServer } from "../../kit/postgres-server.ts";
import { RecordingOcs } from "../../kit/recording-ocs.ts";
import { seeded } from "../random.ts";
import { check, type History } from "./checks.ts";
import { rest, work, type Case } from "./clients.ts";
import { dial } from "./dialer.ts";
import { exchange } from "./exchange.ts";
import { LaneCount } from "./lane-count.ts";
import { rage, type Fault } from "./nemesis.ts";
import { ClusterNode } from "./node.ts";
import { Records } from "./records.ts";
import { LIMITED, requestState, TENANTS } from "./world.ts";

export type RunOptions = {
  readonly requests: number;
  readonly seed: number;
  readonly gateways?: number;
  /** Milliseconds between a client's requests, in the mean. */
  readonly think: number;
  readonly seats?: number;
  readonly isCalm?: boolean;
};

export type Run = {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, unknown>>;
  readonly history: History;
};

const SETTLE_MS = 60_000;

export const run = async ({
  requests,
  seed,
  think,
  gateways = 3,
  seats = 2,
  isCalm = false,
}: RunOptions): Promise<Run> => {
  const random = seeded(seed);
  const postgres = await PostgresServer.start();
  const ocs = await RecordingOcs.start("shared", seeded(seed + 1));
  const [records, lanes] = [new Records(), new LaneCount()];
  ocs.records = records;
  const port = (which: "primary" | "backup"): number => Number(new URL(ocs.url(which)).port);
  const around = { postgres: postgres.port, ocs: [port("primary"), port("backup")] as const, lanes };
  const nodes: ClusterNode[] = [];
  try {
    for (let at = 0; at < gateways; at++) {
      const first = nodes[0]?.relays;
      const ports = [first?.primary.port ?? 0, first?.backup.port ?? 0] as const;
      nodes.push(await ClusterNode.start({ name: `gw-${"abc"[at]}`, host: `127.0.7.${at + 1}`, ports, ...around }));
    }
    const [cases, faults]: [Case[], Fault[]] = [[], []];
    let left = requests;
    let isOver = false;
    const more = (): boolean => left-- > 0;
    const began = performance.now();
    const raging = isCalm ? undefined : rage({ nodes, postgres, ocs, records, lanes, random }, faults, () => isOver);
    const dialing = dial({
      nodes,
      random: seeded(seed + 2),
      cases,
      records,
      isOver: () => isOver,
      every: Math.max(5, think / 4),
    });
    await Promise.all(
      TENANTS.flatMap((tenant) =>
        Array.from({ length: seats }, (_, seat) =>
          work({
            nodes,
            random: seeded(seed + tenant * 100 + seat),
            cases,
            tenant,
            name: `s${seat}`,
            more,
            think: tenant === LIMITED ? Math.min(think, 20) : think,
          }),
        ),
      ),
    );
    isOver = true;
    await Promise.all([raging, dialing]);
    const seconds = (performance.now() - began) / 1000;
    await settled(nodes, cases);
    await Promise.all(nodes.map((node) => node.end("SIGTERM")));
    const journals = new Map<string, Recorded[]>();
    const unverified: string[] = [];
    for (const { name, audit } of nodes) {
      journals.set(name, await Array.fromAsync(readEntries(audit, { from: 0 })));
      const { verdict, findings } = await verifyJournal(audit, { vkey: await keyBeside(audit) });
      if (verdict !== "ok")
        unverified.push(`H5: the journal of ${name} is ${verdict}: ${findings.map(({ text }) => text).join("; ")}`);
    }
    const history: History = {
      cases,
      received: ocs.ledger,
      records,
      mostLanes: lanes.most,
      mostLanesBy: lanes.mostBy,
      journals,
      faults,
    };
    return { violations: [...check(history), ...unverified], history, figures: figuresOf(history, seconds) };
  } finally {
    await Promise.all(nodes.map((node) => node.remove()));
    await ocs.close();
    await postgres.remove();
  }
};

/** Resolves when every Do-Not-Call that was handed over is through, or after a minute. */
const settled = async (nodes: readonly ClusterNode[], cases: readonly Case[]): Promise<void> => {
  let open = cases.flatMap(({ ask, attempts }) => {
    const taken = attempts.find(({ seen }) => seen?.status === 202)?.seen;
    return taken?.location === undefined ? [] : [{ tenant: ask.tenant, id: taken.location.split("/").at(-1)! }];
  });
  for (const until = performance.now() + SETTLE_MS; open.length > 0 && performance.now() < until;) {
    const still: typeof open = [];
    for (const each of open) {
      const seen = await exchange(nodes[0]!.relays.clients.port, requestState(each.tenant, each.id));
      if (!seen || !/"state":\s*"answered"/.test(seen.body)) still.push(each);
    }
    open = still;
    await rest(500);
  }
};

const figuresOf = ({ cases, records, faults, mostLanes }: History, seconds: number): Record<string, unknown> => ({
  seconds: Math.round(seconds),
  requests: cases.length,
  attempts: cases.reduce((sum, { attempts }) => sum + attempts.length, 0),
  records: records.all.length,
  dialed: records.all.filter(({ openedAt }) => openedAt !== undefined).length,
  finalized: records.all.filter(({ finalizedAt }) => finalizedAt !== undefined).length,
  mostLanes,
  faults: countBy(faults.map(({ name }) => name)),
  outcomes: countBy(
    cases.flatMap(({ ask, attempts }) =>
      attempts.map(({ seen }) => `${ask.kind}: ${seen ? describe(seen) : "no reply"}`),
    ),
  ),
});

const describe = ({ status, code, delivery, isReplayed }: NonNullable<Case["attempts"][number]["seen"]>): string =>
  [status, code, delivery, isReplayed ? "replayed" : undefined].filter((each) => each !== undefined).join(" ");

const countBy = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(names, (name) => name)]
      .map(([name, those]): [string, number] => [name, those.length])
      .toSorted(([a], [b]) => a.localeCompare(b)),
  );
