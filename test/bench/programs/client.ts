/**
 * The clients of the bench, all in one process: opens crowds of connections, and makes them ask in a closed loop or at
 * a pace.
 */
import type { Crowd, Order, Outcome, Run, Reply } from "./client-words.ts";
import { Connection, dial, type Answered } from "./connection.ts";
import { Tally } from "./tally.ts";

type Asking = {
  readonly answered: (connection: Connection, answered: Answered) => void;
  readonly failed: (error: Error) => void;
};
type Open = { readonly connections: readonly Connection[]; asking: Asking | undefined; fault: Error | undefined };

const crowds = new Map<number, Open>();
let opened = 0;

const open = async (crowd: Crowd): Promise<number> => {
  const handlers: Asking = {
    answered: (connection, answered) => self.asking?.answered(connection, answered),
    failed: (error) => {
      self.fault = error;
      self.asking?.failed(error);
    },
  };
  const connections: Connection[] = [];
  // In small groups: a listener's backlog is no concern of the bench.
  for (let at = 0; at < crowd.lines.length; at += 32) {
    connections.push(
      ...(await Promise.all(
        crowd.lines.slice(at, at + 32).map(async (line) => new Connection(line, await dial(crowd), handlers)),
      )),
    );
  }
  const self: Open = { connections, asking: undefined, fault: undefined };
  crowds.set(++opened, self);
  return opened;
};

const run = (id: number, how: Run): Promise<Outcome> => {
  const crowd = crowds.get(id)!;
  if (crowd.fault) throw crowd.fault;
  return new Promise<Outcome>((resolve, reject) => {
    const tally = new Tally();
    const ask = how.kind === "closed" ? askInLoop : askAtPace;
    crowd.asking = ask(crowd.connections, how as never, tally, {
      done: () => resolve(tally.outcome()),
      failed: reject,
    });
  }).finally(() => (crowd.asking = undefined));
};

type End = { readonly done: () => void; readonly failed: (error: Error) => void };

const askInLoop = (
  connections: readonly Connection[],
  { ms, requests = Infinity }: Extract<Run, { kind: "closed" }>,
  tally: Tally,
  { done, failed }: End,
): Asking => {
  const end = performance.now() + ms;
  let left = requests;
  let busy = connections.length;
  const next = (connection: Connection): void => {
    if (left > 0 && performance.now() < end) {
      left--;
      connection.send();
    } else if (--busy === 0) done();
  };
  connections.forEach(next);
  return {
    answered: (connection, answered) => {
      tally.add(answered);
      next(connection);
    },
    failed,
  };
};

const askAtPace = (
  connections: readonly Connection[],
  { ms, perSecond }: Extract<Run, { kind: "paced" }>,
  tally: Tally,
  { done, failed }: End,
): Asking => {
  const idle = [...connections];
  const late: number[] = [];
  const random = seeded(1);
  const end = performance.now() + ms;
  let due = performance.now();
  const tick = (): void => {
    // A timer's own lateness is not the peer's: who finds a connection free waits from now on.
    for (const now = performance.now(); due <= now && due < end; due -= (Math.log(random()) * 1000) / perSecond) {
      const connection = idle.shift();
      if (connection) connection.send();
      else late.push(due);
    }
    if (due < end) setTimeout(tick, 1);
    else finish();
  };
  const finish = (): void => {
    if (due >= end && late.length === 0 && idle.length === connections.length) done();
  };
  tick();
  return {
    answered: (connection, answered) => {
      tally.add(answered);
      const since = late.shift();
      if (since !== undefined) return connection.send(since);
      idle.push(connection);
      finish();
    },
    failed,
  };
};

/** Numbers above 0 and up to 1, the same in every run (mulberry32). */
const seeded = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return (((mixed ^ (mixed >>> 14)) >>> 0) + 1) / 4_294_967_296;
};

const obey = async (order: Order): Promise<Reply> => {
  if (order.order === "open") return { id: await open(order.crowd) };
  if (order.order === "run") return { outcome: await run(order.id, order.run) };
  crowds.get(order.id)?.connections.forEach((connection) => connection.close());
  crowds.delete(order.id);
  return { id: order.id };
};

process
  .on("message", (order: Order) => {
    void obey(order)
      .catch((error: unknown): Reply => ({ fault: String(error) }))
      .then((reply) => process.send!(reply));
  })
  .on("disconnect", () => process.exit());
