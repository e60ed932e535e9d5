/**
 * The thread that writes ownership: one SQLite file, one transaction for each batch, on disk before it is acknowledged.
 */
import { uptime } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../common/system-error.ts";
import { HandlePages } from "../handles/announced-handles.ts";
import { bootId, openDatabase, pagesIn } from "./database.ts";
import type { StoreChange, ThreadReply, ThreadRequest } from "./messages.ts";
import { prepare, type Statements } from "./statements.ts";
import type { OwnershipRow } from "./types.ts";

/** An upstream's epoch on disk. `dirty`: pages of announced handles that the next commit writes. */
type Life = { number: number; pages: HandlePages; readonly dirty: Map<number, Uint8Array> };

const lives = new Map<string, Life>();

const lifeOf = (db: DatabaseSync, { number }: Statements, upstream: string): Life => {
  let life = lives.get(upstream);
  if (!life) {
    const known = number.get(upstream) as { number: number } | undefined;
    lives.set(
      upstream,
      (life = { number: known?.number ?? 0, pages: new HandlePages(pagesIn(db, upstream)), dirty: new Map() }),
    );
  }
  return life;
};

const noteAnnounced = ({ drop }: Statements, life: Life, upstream: string, handle: number): void => {
  if (life.pages.has(handle)) return;
  const { number, bits, dropped } = life.pages.add(handle);
  life.dirty.set(number, bits);
  if (dropped === undefined) return;
  life.dirty.delete(dropped);
  drop.run(upstream, dropped);
};

type Epoch = {
  readonly upstream: string;
  readonly epoch: number;
  readonly endpoint: string;
  readonly keepFrom?: number | undefined;
};

type Reached = Pick<OwnershipRow, "highest" | "highestAt" | "generation">;
const NOTHING: Reached = { highest: 0, highestAt: 0, generation: 0 };

const beginEpoch = (
  statements: Statements,
  life: Life,
  { upstream, epoch, endpoint, keepFrom }: Epoch,
  reached: Reached,
): void => {
  statements.epoch.run(upstream, epoch, endpoint, reached.highest, reached.generation, reached.highestAt);
  if (epoch <= life.number) return;
  if (keepFrom !== undefined) statements.keep.run(upstream, epoch, keepFrom);
  statements.clear.run(upstream, epoch);
  statements.unpage.run(upstream);
  life.number = epoch;
  life.pages = new HandlePages();
  life.dirty.clear();
  for (const { handle } of statements.handles.all(upstream) as { handle: number }[])
    noteAnnounced(statements, life, upstream, handle);
};

const apply = (db: DatabaseSync, statements: Statements, change: StoreChange): void => {
  const { upstream } = change.do === "put" ? change.row : change;
  const life = lifeOf(db, statements, upstream);
  if (change.do === "remove") statements.remove.run(upstream, change.handle, change.generation);
  else if (change.do === "epoch") beginEpoch(statements, life, change, NOTHING);
  else if (change.do === "doubt") statements.doubt.run(upstream, change.generation);
  else if (change.do === "announced") {
    if (change.epoch !== life.number) return;
    noteAnnounced(statements, life, upstream, change.handle);
    statements.reach.run(upstream, change.epoch, change.handle, change.generation);
  } else {
    const {
      epoch,
      handle,
      tenant,
      generation,
      since,
      campaign,
      group,
      list,
      phone,
      customer = null,
      attempt,
      among,
    } = change.row;
    beginEpoch(statements, life, change.row, change.row);
    const about = [campaign, group, list, phone, attempt] as const;
    const tenants = among === undefined ? null : JSON.stringify(among);
    statements.put.run(upstream, epoch, handle, tenant, since, ...about, generation, tenants, customer);
  }
};

const writePages = ({ page }: Statements): void => {
  for (const [upstream, { dirty }] of lives) {
    for (const [number, bits] of dirty) page.run(upstream, number, bits);
    dirty.clear();
  }
};

const commit = (
  db: DatabaseSync,
  statements: Statements,
  { changes, mark }: Extract<ThreadRequest, { kind: "commit" }>,
): string | undefined => {
  try {
    db.exec("BEGIN IMMEDIATE");
    for (const change of changes) apply(db, statements, change);
    writePages(statements);
    statements.alive.run(bootId ?? "", uptime(), mark);
    db.exec("COMMIT");
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    // The next access reads them from disk again.
    lives.clear();
    return faultInWords(error);
  }
};

/** The handle of an attempt; undefined if it is unknown or the database cannot be read. */
const handleOf = ({ attempt }: Statements, guid: string, upstream: string): number | undefined => {
  try {
    return (attempt.get(guid, upstream) as { handle: number } | undefined)?.handle;
  } catch {
    return undefined;
  }
};

const port = parentPort!;
const send = (reply: ThreadReply): void => port.postMessage(reply);

const { db, restored, movedAside, downtime, mark } = openDatabase(workerData as string);
const statements = prepare(db);
port.on("message", (request: ThreadRequest) => {
  if (request.kind === "commit") return send({ kind: "committed", failed: commit(db, statements, request) });
  if (request.kind === "attempt")
    return send({ kind: "attempt", id: request.id, handle: handleOf(statements, request.attempt, request.upstream) });
  db.close();
  send({ kind: "closed" });
  port.close();
});
send({ kind: "opened", restored, movedAside, downtime, mark });
