/** The thread that writes the outbox: one SQLite file, one transaction for each batch, on disk before it replies. */
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../common/system-error.ts";
import { openDatabase } from "./database.ts";
import type { Change, ThreadReply, ThreadRequest } from "./messages.ts";

const port = parentPort!;
const send = (reply: ThreadReply): void => port.postMessage(reply);

const { db, items, movedAside } = openDatabase(workerData as string);
const put = db.prepare("INSERT INTO item VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET item = ?2");
const remove = db.prepare("DELETE FROM item WHERE id = ?");

const commit = (database: DatabaseSync, changes: readonly Change[]): string | undefined => {
  try {
    database.exec("BEGIN IMMEDIATE");
    for (const { id, item } of changes) {
      if (item === null) remove.run(id);
      else put.run(id, item);
    }
    database.exec("COMMIT");
    return undefined;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    return faultInWords(error);
  }
};

port.on("message", (request: ThreadRequest) => {
  if (request.kind === "commit") return send({ kind: "committed", failed: commit(db, request.changes) });
  db.close();
  send({ kind: "closed" });
  port.close();
});
send({ kind: "opened", items, movedAside });
