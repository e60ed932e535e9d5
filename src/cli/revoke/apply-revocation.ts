/**
 * Applies a revocation through the running gateway, else in its journal, else in the revocations file, which the
 * gateway reads at its start.
 */
import { readCheckpointSinks } from "../../app/wiring/journal/checkpoint-sinks.ts";
import { signingKeyOf, trustOf } from "../../app/wiring/journal/journal-trust.ts";
import { databaseOptions, nodeName } from "../../app/wiring/cluster/cluster.ts";
import { sharingOfCommand } from "../../app/wiring/revocations/cluster-sharing.ts";
import { RevocationKeeper, type Decided } from "../../app/wiring/revocations/revocations.ts";
import { SharedDatabase } from "../../cluster/database.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { Journal } from "../../journal/journal.ts";
import { createCheckpoints } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { JournalHeld, type Lock } from "../../journal/lock/lock.ts";
import { openChecked } from "../../journal/write/open-checked.ts";
import { hashOf, loadToRead, readConfigText } from "../../settings/load.ts";
import { addToFile, revocationsFile, type Decision } from "../../settings/files/revocations-file.ts";
import { createRevocations } from "../../identity/credentials.ts";
import { gatewayOfAnother } from "../admin-client.ts";
import { reachJournal } from "../audit/reach-journal.ts";
import { CANNOT_TELL, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";
import { inWordsOnOthers } from "./other-gateways.ts";
import type { Listed } from "./list.ts";
import { faultInWords } from "../../common/system-error.ts";
import { makeFolders } from "../../common/file-owner.ts";

const OK = 200;
const UNPROCESSABLE = 422;

const TEXTS = {
  applied: "applied by the running gateway",
  notStored: "applied by the running gateway, but it could not be stored: it is lost when the gateway stops",
  nothingChanged: "not done: it could not be stored, so nothing has changed",
  notInJournalYet: "; it will be written to the journal once the journal can be written again",
  noAuditDir: (config: string) => `${config} has no valid audit.dir, where the revocation would be stored`,
  otherJournal: (url: string, auditDir: string, config: string) =>
    `The journal of the gateway at ${url} is not in ${auditDir}: undo the change of audit.dir in ${config} for ` +
    "now, or restart the gateway first",
  unknownKey: (config: string) => `${config} is not valid, so the key that signs the journal is unknown`,
  uncertain: (dir: string) => `the journal in ${dir} could not be written, so the result is uncertain; try again`,
  inJournal: (dir: string) =>
    `written to the journal in ${dir}; no gateway is running there, and the next one that starts will apply it`,
  held: (why: string) =>
    `not done. ${why}, and it takes no commands; give it an admin listener and pass its address with --url, or ` +
    "stop it first",
  cannotReinstate: (why: string) =>
    `not done. The journal cannot be opened: ${why}; only a gateway or its journal can end a revocation`,
  inFile: (file: string, why: string) =>
    `written to ${file}; the gateway will apply it when it starts. The journal cannot be opened: ${why}`,
} as const;

/** Exit code, message for stderr, and `where` the revocation was stored. */
export type Outcome = { readonly code: number; readonly says: string; readonly where?: "gateway" | "journal" | "file" };

/** The outcome of a gateway's answer. */
export const outcomeOf = (value: unknown, status: number): Outcome => {
  if (status === UNPROCESSABLE) return { code: WRONG_USAGE, says: (value as { readonly error: string }).error };
  const decided = value as Decided;
  const stored = decided.kept ? TEXTS.applied : decided.lifted ? TEXTS.nothingChanged : TEXTS.notStored;
  const journal = decided.kept && !decided.journalled ? TEXTS.notInJournalYet : "";
  const { says, isComplete } = inWordsOnOthers(decided);
  return {
    code: !decided.kept ? FAILED : isComplete ? DONE : CANNOT_TELL,
    says: `${inWords(decided)}: ${stored}${journal}${says}`,
    where: "gateway",
  };
};

/** Asks the gateway that has the journal open; else writes to the journal, under its lock. */
export const applyRevocation = async (
  auditDir: string | undefined,
  config: string,
  decision: Decision,
): Promise<Outcome> => {
  if (auditDir === undefined) return { code: FAILED, says: TEXTS.noAuditDir(config) };
  const unreached = await whyUnreached(config, auditDir);
  if (unreached !== undefined) return { code: UNREACHABLE, says: `${inWords(decision)}: not done. ${unreached}` };
  await makeFolders(auditDir);
  const access = await reachJournal(auditDir, "revoke").catch((error: unknown) =>
    error instanceof JournalHeld ? error : Promise.reject(error as Error),
  );
  if (access instanceof JournalHeld) return outcomeWhileHeld(decision, access.message);
  if (access.by === "gateway") return outcomeOf(await access.ask("revoke", decision), OK);
  try {
    const opened = await openToWrite(config, access.lock).catch((error: unknown) =>
      error instanceof Error ? new Error(faultInWords(error)) : new Error(String(error)),
    );
    if (opened instanceof Error) return await leaveInFile(revocationsFile(auditDir), decision, opened.message);
    return await writeTo(opened, config, decision).finally(opened.journal.close);
  } finally {
    await access.lock.release();
  }
};

/**
 * Why a revocation stored in `auditDir` would not reach the running gateway: its journal is elsewhere. Else undefined.
 */
export const whyUnreached = async (config: string, auditDir: string): Promise<string | undefined> => {
  const url = await gatewayOfAnother(config, auditDir);
  return url === undefined ? undefined : TEXTS.otherJournal(url, auditDir, config);
};

/** Adds a doubt to the list if the running gateway has its journal elsewhere. */
export const withUnreachedDoubt = async (
  { revocations, doubts }: Listed,
  config: string,
  auditDir: string,
): Promise<Listed> => {
  const unreached = await whyUnreached(config, auditDir);
  return {
    revocations,
    doubts: unreached === undefined ? doubts : [...doubts, `further revocations may exist. ${unreached}`],
  };
};

/** Opens the journal with the same checks as the gateway. Rejects with the reason when it cannot. */
const openToWrite = async (config: string, lock: Lock): Promise<Opened> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) throw new Error(TEXTS.unknownKey(config));
  const { settings } = loaded;
  const {
    dir,
    checkpoint: { origin, every: everyMs },
  } = settings.audit;
  const key = await signingKeyOf(settings);
  const { journal, anchor } = await openChecked(
    { dir, durability: "flush", lock },
    trustOf(settings, key, await readCheckpointSinks(settings)),
  );
  try {
    await createCheckpoints(journal, { key, origin, everyMs, anchor });
    return { journal, settings };
  } catch (error) {
    await journal.close();
    throw error;
  }
};

type Opened = { readonly journal: Journal; readonly settings: Settings };

const writeTo = async ({ journal, settings }: Opened, config: string, decision: Decision): Promise<Outcome> => {
  const text = await readConfigText(config);
  const configHash = "main" in text ? hashOf(text) : "";
  let database: SharedDatabase | undefined;
  try {
    const node = settings.shared && nodeName(settings);
    database = settings.shared ? new SharedDatabase(databaseOptions(settings.shared, `ocsgw ${node}`)) : undefined;
    const keeper = await RevocationKeeper.open(
      {
        file: revocationsFile(journal.dir),
        revocations: createRevocations(),
        journal,
        configHash: () => configHash,
        sharing: database && sharingOfCommand(database, node!),
      },
      { watch: false, mustShare: false },
    );
    const decided = await keeper.decide(decision);
    return typeof decided === "string" ? { code: FAILED, says: decided } : outcomeInJournal(decided, journal.dir);
  } catch (error) {
    return { code: FAILED, says: faultInWords(error) };
  } finally {
    await database?.close();
  }
};

const outcomeInJournal = (decided: Decided, dir: string): Outcome => {
  const { says, isComplete } = inWordsOnOthers(decided);
  if (decided.journalled)
    return {
      code: isComplete ? DONE : CANNOT_TELL,
      says: `${inWords(decided)}: ${TEXTS.inJournal(dir)}${says}`,
      where: "journal",
    };
  const isNotShared = typeof decided.shared?.trouble === "string";
  const why = isNotShared && decided.lifted ? TEXTS.nothingChanged : TEXTS.uncertain(dir);
  return { code: FAILED, says: `${inWords(decided)}: ${why}${says}` };
};

const outcomeWhileHeld = (decision: Decision, why: string): Outcome => ({
  code: UNREACHABLE,
  says: `${inWords(decision)}: ${TEXTS.held(why)}`,
});

/** Other programs can change the file, so it can only add a revocation, never end one. */
const leaveInFile = async (file: string, decision: Decision, why: string): Promise<Outcome> => {
  if (decision.lifted) {
    return { code: FAILED, says: `${inWords(decision)}: ${TEXTS.cannotReinstate(why)}` };
  }
  await addToFile(file, { decisions: [decision], journalled: [] });
  return {
    code: DONE,
    says: `${inWords(decision)}: ${TEXTS.inFile(file, why)}`,
    where: "file",
  };
};

const inWords = ({ kind, id, lifted, until }: Decision): string =>
  `${kind} ${id} ${lifted ? "is reinstated" : "is revoked"}${until === null ? "" : ` until ${until}`}`;
