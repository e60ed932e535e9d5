/** `ocsgw witness`: cosigns the checkpoints of journals, on an auditor's own machine, until it is told to stop. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadOrCreateKey } from "../journal/checkpoint.ts";
import { JournalHeld, takeLock } from "../journal/lock.ts";
import { requireKeyName, witnessKey, type Cosigner } from "../journal/note.ts";
import { openLogs, readLogs } from "../witness/logs.ts";
import { Records, recordsIn } from "../witness/records.ts";
import { startWitnessServer, type Bind } from "../witness/server.ts";
import { Witness, type WitnessNews } from "../witness/witness.ts";
import { untilToldToStop, whenToldToStop } from "./until-told-to-stop.ts";
import { faultInWords } from "../system-error.ts";
import { makeFolders } from "../file-owner.ts";

export type WitnessCommand = {
  /** The private key's file; made when it is not there. */
  readonly key: string;
  readonly state: string;
  readonly bind: Bind;
  readonly name?: string;
  /** Verifier keys of logs, or files with some. */
  readonly log?: readonly string[];
};

const FAILED = 1;
const WRONG_USAGE = 2;

export const witness = async ({ key: file, state, bind, name, log = [] }: WitnessCommand): Promise<number> => {
  await makeFolders(state);
  const given = await logsGiven(log);
  if (typeof given === "string") return say(given, WRONG_USAGE);
  const lock = await takeLock(state, { command: "ocsgw witness", role: "gateway" }).catch((error: unknown) => {
    if (error instanceof JournalHeld) return undefined;
    throw error;
  });
  if (!lock)
    return say(
      `${state} is used by another ocsgw witness: one process at a time keeps the record of a witness`,
      FAILED,
    );
  try {
    const { own, isFirst } = await ownKey({ file, state, name });
    if (!isFirst) await requireRecords(state);
    const records = await Records.open(state, own);
    // After the folder of the record: from now on a start without that folder is refused.
    if (isFirst) await writeFile(join(state, "witness.pub"), `${witnessKey(own.name, own.key)}\n`, { mode: 0o644 });
    const logs = await openLogs(state, given, warn);
    // Before it listens: a signal may come as soon as it does.
    const told = whenToldToStop();
    const server = await startWitnessServer(new Witness({ own, records, logs, tell }), bind);
    const known = await logs();
    process.stdout.write(`listening ${server.address}\nkey ${witnessKey(own.name, own.key)}\n`);
    for (const origin of known.keys()) process.stdout.write(`log ${origin} ${records.of(origin)?.size ?? 0}\n`);
    if (known.size === 0)
      warn(
        `no log is known, so every checkpoint gets 404: ` +
          `add a journal's verifier key with --log, or as a line of ${join(state, "logs.txt")}`,
      );
    await untilToldToStop({ stop: async () => server.stop() }, told);
    return 0;
  } finally {
    await lock.release();
  }
};

const say = (text: string, code: number): number => {
  console.error(text);
  return code;
};

const warn = (text: string): void => console.error(`${new Date().toISOString()} ${text}`);

const tell = (news: WitnessNews): void => {
  switch (news.kind) {
    case "cosigned":
      return warn(`cosigned ${news.size} entries of ${news.origin}`);
    case "contradiction":
      return warn(
        `CONTRADICTION: ${news.origin} signed two checkpoints of ${news.size} entries with different roots; this one ` +
          `was not cosigned. Keep this, it is evidence: ${JSON.stringify(news.note)}`,
      );
    case "unproved":
      return warn(
        `UNPROVED: ${news.origin} signed a checkpoint of ${news.size} entries, and the proof that came with it does ` +
          `not show that it continues the ${news.before} that were cosigned before; not cosigned. Either the journal ` +
          `was rewritten, or whoever sent this sent a wrong proof. Keep this, and ask the journal's operator: ` +
          JSON.stringify(news.note),
      );
    case "failed":
      return warn(`a checkpoint was not cosigned: ${news.reason}`);
  }
};

/** Verifier keys, or in words what is wrong with one. */
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

/** Name and key stay those of the first start: what was cosigned with them is verified with them. */
const ownKey = async ({ file, state, name }: Named): Promise<{ readonly own: Cosigner; readonly isFirst: boolean }> => {
  const key = await loadOrCreateKey(file);
  const path = join(state, "witness.pub");
  const before = (await readFile(path, "utf8").catch(() => "")).trim();
  const own = name ?? (before === "" ? `witness.${hostname()}` : before.split("+")[0]!);
  requireKeyName(own);
  const line = witnessKey(own, key);
  if (before !== "" && before !== line) {
    throw new Error(
      `${path} holds ${before}, and this would be ${line}: the key ${file} or the name was changed. ` +
        `A witness with another key or name needs a --state of its own`,
    );
  }
  return { own: { name: own, key }, isFirst: before === "" };
};

/** Throws when the records are gone: without them a witness would cosign a history that contradicts one it has cosigned. */
const requireRecords = async (state: string): Promise<void> => {
  const folder = recordsIn(state);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found?.isDirectory()) {
    throw new Error(
      `${folder} is missing, and ${join(state, "witness.pub")} says that this witness has run before: without its ` +
        `record it must not cosign. If the record is lost for good, start with a new --key, --name and --state`,
    );
  }
};
