/** The thread of the keys: one SQLite file, one transaction for each batch, on disk before it is acknowledged. */
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../common/system-error.ts";
import { openDatabase } from "./database.ts";
import { KeyTable } from "./key-table.ts";
import type { ThreadData, ThreadReply, ThreadRequest } from "./messages.ts";

const port = parentPort!;
const { file, mostKeys } = workerData as ThreadData;
const send = (reply: ThreadReply): void => port.postMessage(reply);
const db = openDatabase(file);
const table = new KeyTable(db, mostKeys);

type Committed = Extract<ThreadReply, { kind: "committed" }>;

const commit = ({ ends, claims, expire }: Extract<ThreadRequest, { kind: "commit" }>): Committed => {
  try {
    db.exec("BEGIN IMMEDIATE");
    for (const [id, end] of ends) table.end(id, end);
    const results = claims.map((claim) => table.claim(claim));
    const expired = expire ? table.expire(expire) : 0;
    db.exec("COMMIT");
    return { kind: "committed", failed: undefined, claims: results, expired };
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    table.forgetCounts();
    return { kind: "committed", failed: faultInWords(error), claims: [], expired: 0 };
  }
};

port.on("message", (request: ThreadRequest) => {
  if (request.kind === "commit") return send(commit(request));
  db.close();
  send({ kind: "closed" });
  port.close();
});
send({ kind: "opened", running: table.running() });
