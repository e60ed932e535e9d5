/** `ocsgw witness`: cosigns the checkpoints of journals on an auditor's machine, until a signal stops it. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadOrCreateKey } from "../journal/integrity/checkpoints/checkpoint.ts";
import { JournalHeld, takeLock } from "../journal/lock/lock.ts";
import { requireKeyName, witnessKey, type Cosigner } from "../journal/integrity/checkpoints/signed-note.ts";
import { openLogs, readLogs } from "../witness/logs.ts";
import { CosignedCheckpoints, checkpointsIn } from "../witness/cosigned-checkpoints.ts";
import { startWitnessServer, type Bind } from "../witness/server.ts";
import { Witness, type WitnessEvent } from "../witness/witness.ts";
import { stopOnSignal, firstSignal } from "./process/wait-for-signal.ts";
import { faultInWords } from "../common/system-error.ts";
import { makeFolders } from "../common/file-owner.ts";
import { DONE, FAILED, WRONG_USAGE } from "./exit-codes.ts";

export type WitnessCommand = {
  /** File of the private key; created if it is missing. */
  readonly key: string;
  readonly state: string;
  readonly bind: Bind;
  readonly name?: string;
  /** Verifier keys of journals, or files with keys. */
  readonly log?: readonly string[];
};

export const witness = async ({ key: file, state, bind, name, log = [] }: WitnessCommand): Promise<number> => {
  await makeFolders(state);
  const given = await logsGiven(log);
  if (typeof given === "string") return printError(given, WRONG_USAGE);
  const lock = await takeLock(state, { command: "ocsgw witness", role: "gateway" }).catch((error: unknown) => {
    if (error instanceof JournalHeld) return undefined;
    throw error;
  });
  if (!lock)
    return printError(
      `${state} is in use by another ocsgw witness; a state directory is for one process at a time`,
      FAILED,
    );
  try {
    const { own, isFirst } = await ownKey({ file, state, name });
    if (!isFirst) await requireRecords(state);
    const records = await CosignedCheckpoints.open(state, own);
    // Written after the folder of records: from now on a start without that folder is an error.
    if (isFirst) await writeFile(join(state, "witness.pub"), `${witnessKey(own.name, own.key)}\n`, { mode: 0o644 });
    const logs = await openLogs(state, given, warn);
    // Before the witness listens: a signal may arrive at once.
    const signal = firstSignal();
    const server = await startWitnessServer(new Witness({ own, records, logs, onEvent: report }), bind);
    const known = await logs();
    process.stdout.write(`listening ${server.address}\nkey ${witnessKey(own.name, own.key)}\n`);
    for (const origin of known.keys()) process.stdout.write(`log ${origin} ${records.last(origin)?.size ?? 0}\n`);
    if (known.size === 0)
      warn(
        "no journal is configured, so every checkpoint is rejected with 404: add a verifier key with --log, or as " +
          `a line of ${join(state, "logs.txt")}`,
      );
    await stopOnSignal({ stop: async () => server.stop() }, signal);
    return DONE;
  } finally {
    await lock.release();
  }
};

const printError = (text: string, code: number): number => {
  console.error(text);
  return code;
};

const warn = (text: string): void => console.error(`${new Date().toISOString()} ${text}`);

const report = (event: WitnessEvent): void => {
  switch (event.kind) {
    case "cosigned":
      return warn(`cosigned ${event.size} entries of ${event.origin}`);
    case "contradiction":
      return warn(
        `CONTRADICTION: ${event.origin} signed two checkpoints of ${event.size} entries with different roots; this ` +
          `one was not cosigned. Keep this, it is evidence: ${JSON.stringify(event.note)}`,
      );
    case "unproved":
      return warn(
        `UNPROVED: ${event.origin} signed a checkpoint of ${event.size} entries, and the proof that came with it ` +
          `does not show that it continues the ${event.before} that were cosigned before; not cosigned. Either the ` +
          "journal was rewritten, or whoever sent this sent a wrong proof. Keep this, and ask the journal's " +
          "operator: " +
          JSON.stringify(event.note),
      );
    case "smaller":
      return warn(
        `SMALLER: a checkpoint of ${event.size} entries came from ${event.origin}, and ${event.before} were cosigned ` +
          "before; not cosigned. Either the journal lost entries, or whoever sent this sent an old checkpoint",
      );
    case "failed":
      return warn(`a checkpoint was not cosigned: ${event.reason}`);
  }
};

/** The verifier keys, or a message about an invalid one. */
const logsGiven = async (log: readonly string[]): Promise<readonly string[] | string> => {
  const keys: string[] = [];
  for (const each of log) {
    const text = await readFile(each, "utf8").catch(() => each);
    try {
      keys.push(...readLogs(text));
    } catch (error) {
      return `--log ${each}: ${faultInWords(error)}`;
    }
  }
  return keys;
};

type Named = { readonly file: string; readonly state: string; readonly name: string | undefined };

/** Name and key must stay those of the first start, because earlier cosignatures are verified with them. */
const ownKey = async ({ file, state, name }: Named): Promise<{ readonly own: Cosigner; readonly isFirst: boolean }> => {
  const key = await loadOrCreateKey(file);
  const path = join(state, "witness.pub");
  const before = (await readFile(path, "utf8").catch(() => "")).trim();
  const own = name ?? (before === "" ? `witness.${hostname()}` : before.split("+")[0]!);
  requireKeyName(own);
  const line = witnessKey(own, key);
  if (before !== "" && before !== line) {
    throw new Error(
      `${path} holds ${before}, but the witness is now ${line}: the key ${file} or the name has changed. A witness ` +
        "with another key or name needs its own --state",
    );
  }
  return { own: { name: own, key }, isFirst: before === "" };
};

/**
 * Throws when the records are missing: without them the witness might cosign a history that contradicts an earlier one.
 */
const requireRecords = async (state: string): Promise<void> => {
  const folder = checkpointsIn(state);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found?.isDirectory()) {
    throw new Error(
      `${folder} is missing, but ${join(state, "witness.pub")} shows that this witness has run before; without its ` +
        "records it must not cosign. Restore the folder, or start with a new --key, --name and --state",
    );
  }
};
