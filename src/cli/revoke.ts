/** `ocsgw revoke`: revokes a token, a key, a certificate or a client, or lifts that again: told to the running gateway, or written to its journal while none runs. */
import { readSecondPlaces } from "../assemble/second-places.ts";
import { signingKeyOf, trustOf } from "../assemble/trust.ts";
import { RevocationKeeper, type Decided } from "../assemble/revocations.ts";
import { spanOf } from "../journal/filter/times.ts";
import type { Journal } from "../journal/append.ts";
import { createCheckpoints } from "../journal/checkpoint.ts";
import { JournalHeld, type Lock } from "../journal/lock.ts";
import { openChecked } from "../journal/open-checked.ts";
import { clientsIn } from "../settings/clients.ts";
import { glimpse } from "../settings/glimpse.ts";
import { idOfKey } from "../settings/key.ts";
import { readKeys, type KeyRecord } from "../settings/keys-file.ts";
import { hashOf, loadSettings, loadToRead, readConfigText } from "../settings/load.ts";
import { suggest } from "../settings/nearest.ts";
import { addToFile, readDecision, revocationsFile, type Decision } from "../settings/revocations-file.ts";
import type { Settings } from "../settings/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/units.ts";
import { createRevocations } from "../tenants/credential.ts";
import { askAs, gatewayOfAnother } from "./admin.ts";
import { reachJournal } from "./journal.ts";
import { standingIn, type Listed } from "./revoked-list.ts";
import { readSmallFile } from "../small-file.ts";
import { faultInWords } from "../system-error.ts";
import { makeFolders } from "../file-owner.ts";

const DONE = 0;
const OK = 200;
const FAILED = 1;
const WRONG_USAGE = 2;
const UNREACHABLE = 5;
const CANNOT_TELL = 8;
const KINDS = ["token", "key", "certificate", "client"] as const;

export type RevokeOptions = {
  readonly config: string;
  readonly token?: string;
  readonly key?: string;
  readonly certificate?: string;
  readonly client?: string;
  /** A moment or a duration from now. */
  readonly until?: string;
  readonly lift?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly url?: string;
  readonly adminToken?: string;
};

export const revoke = async (options: RevokeOptions): Promise<number> => {
  if (options.list) return list(options);
  const decision = decisionOf(options);
  const wrong = typeof decision === "string" ? decision : await unknown(decision, options.config);
  if (typeof decision === "string" || wrong !== undefined) {
    console.error(wrong);
    return WRONG_USAGE;
  }
  const { config, url, adminToken } = options;
  const place = await glimpse(config);
  // Elsewhere than on the gateway's machine there is only its admin listener.
  if (url !== undefined || (place?.admin && adminToken !== undefined)) {
    const answer = await askAs(
      { config, ...(url !== undefined && { url }), ...(adminToken !== undefined && { token: adminToken }) },
      { path: "/api/revocations", method: "POST", body: decision },
    );
    if (typeof answer === "number" && (url !== undefined || answer !== UNREACHABLE)) return answer;
    if (typeof answer !== "number") return say(outcomeOf(answer.value, answer.status));
  }
  const code = say(await decide(place?.auditDir, config, decision));
  return code === DONE && decision.kind === "key" && decision.lifted ? sayStillMarked(config, decision.id) : code;
};

/** How it went: the exit code, and what to say on stderr. `where`: who holds to it from now on. */
export type Outcome = { readonly code: number; readonly says: string; readonly where?: "gateway" | "journal" | "file" };

const say = ({ code, says }: Outcome): number => {
  console.error(says);
  return code;
};

/** What is lifted here is still no key where its own file says that it was revoked. */
const sayStillMarked = async (config: string, id: string): Promise<number> => {
  const loaded = await loadSettings(config);
  const file = loaded.ok ? loaded.settings.identity.keys?.file : undefined;
  const revoked = file === undefined ? undefined : (await keysIn(file))?.find((key) => key.id === id)?.revoked;
  if (file === undefined || revoked === undefined || revoked === null) return DONE;
  console.error(
    `key ${id} is still revoked in ${file}, since ${new Date(revoked).toISOString()}: make another with ocsgw keys create, or take "revoked" away there`,
  );
  return FAILED;
};

const decisionOf = (options: RevokeOptions): Decision | string => {
  const named = KINDS.filter((kind) => options[kind] !== undefined);
  const [kind] = named;
  if (kind === undefined || named.length > 1)
    return "expected one of --token JTI, --key ID, --certificate X5T, --client NAME";
  const until = options.until === undefined ? undefined : momentOf(options.until);
  if (options.until !== undefined && until === undefined)
    return `--until: expected a time as in 2026-11-22T12:00:00Z or 2026-11-22T14:00:00+02:00, or ${DURATION_EXPECTED}; found ${options.until}`;
  return readDecision({
    kind,
    id: idOf(kind, options[kind]!),
    lifted: options.lift === true,
    ...(until !== undefined && { until }),
  });
};

/** Also by what people have at hand: a whole key, and a fingerprint as openssl prints it. */
const idOf = (kind: Decision["kind"], given: string): string => {
  if (kind === "key") return idOfKey(given) ?? given;
  return kind === "certificate" && FINGERPRINT.test(given)
    ? Buffer.from(given.replaceAll(":", ""), "hex").toString("base64url")
    : given;
};

const FINGERPRINT = /^[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i;

/** RFC 3339 in UTC; undefined when it is no time. */
export const momentOf = (text: string): string | undefined => {
  const duration = parseDuration(text);
  if (duration !== undefined) return new Date(Date.now() + duration).toISOString();
  const span = /^\d{4}-\d\d-\d\d/.test(text) ? spanOf(text, Date.now()) : undefined;
  return span && new Date(span[0] / 1000).toISOString();
};

/** A client or a key that is misspelt would go on. Of a config that does not load nothing is known. */
const unknown = async ({ kind, id, lifted }: Decision, config: string): Promise<string | undefined> => {
  const loaded = kind === "client" || (kind === "key" && !lifted) ? await loadSettings(config) : undefined;
  if (!loaded?.ok) return undefined;
  const known = kind === "client" ? [...clientsIn(loaded.settings)] : await keyIdsIn(loaded.settings);
  return !known || known.includes(id) ? undefined : `there is no ${kind} ${id}; ${suggest(id, known) ?? ""}`;
};

const keyIdsIn = async ({ identity: { keys } }: Settings): Promise<readonly string[] | undefined> =>
  keys === null ? undefined : (await keysIn(keys.file))?.map((key) => key.id);

const keysIn = async (file: string): Promise<readonly KeyRecord[] | undefined> => {
  const text = await readSmallFile(file).catch(() => undefined);
  const read = text === undefined ? undefined : readKeys(text, file);
  return read?.ok ? read.keys : undefined;
};

const outcomeOf = (value: unknown, status: number): Outcome => {
  if (status === 422) return { code: WRONG_USAGE, says: (value as { readonly error: string }).error };
  const decided = value as Decided;
  const lost = decided.kept
    ? ""
    : decided.lifted
      ? ", but it could not be written down: nothing has changed"
      : ", but it could not be written down: it is forgotten when the gateway stops";
  const says = `${inWords(decided)}: in force at the running gateway${lost}${decided.kept && !decided.journalled ? "; the journal could not be told yet" : ""}`;
  return { code: decided.kept ? DONE : FAILED, says, where: "gateway" };
};

/** By the gateway that has the journal open; else here, under the lock, and the next start holds to it. */
export const decide = async (auditDir: string | undefined, config: string, decision: Decision): Promise<Outcome> => {
  if (auditDir === undefined)
    return { code: FAILED, says: `${config} has no audit.dir where the revocation could be kept` };
  const elsewhere = await runsElsewhere(config, auditDir);
  if (elsewhere !== undefined) return { code: UNREACHABLE, says: `${inWords(decision)}: not done. ${elsewhere}` };
  await makeFolders(auditDir);
  const way = await reachJournal(auditDir, "revoke").catch((error: unknown) =>
    error instanceof JournalHeld ? error : Promise.reject(error as Error),
  );
  if (way instanceof JournalHeld) return heldBy(decision, way.message);
  if (way.by === "gateway") return outcomeOf(await way.ask("revoke", decision), OK);
  try {
    const journal = await openToWrite(config, way.lock).catch((error: unknown) =>
      error instanceof Error ? new Error(faultInWords(error)) : new Error(String(error)),
    );
    if (journal instanceof Error) return await leaveInFile(revocationsFile(auditDir), decision, journal.message);
    return await writeTo(journal, config, decision).finally(journal.close);
  } finally {
    await way.lock.release();
  }
};

/** In words, undefined where nothing says so: what is written here is not what a running gateway holds to. */
export const runsElsewhere = async (config: string, auditDir: string): Promise<string | undefined> => {
  const url = await gatewayOfAnother(config, auditDir);
  if (url === undefined) return undefined;
  const where = `The gateway at ${url} has its journal elsewhere than ${auditDir}`;
  return `${where}: take the change of audit.dir in ${config} back for now, or restart the gateway first`;
};

/** What is listed here is not all where a gateway runs that has its journal elsewhere. */
export const withElsewhere = async (
  { standing, doubts }: Listed,
  config: string,
  auditDir: string,
): Promise<Listed> => {
  const elsewhere = await runsElsewhere(config, auditDir);
  return {
    standing,
    doubts: elsewhere === undefined ? doubts : [...doubts, `cannot tell what else is revoked. ${elsewhere}`],
  };
};

/** Under the conditions of the gateway, and with the anchor that a first entry needs. Rejects with why not. */
const openToWrite = async (config: string, lock: Lock): Promise<Journal> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) throw new Error(`${config} is not valid, so it is not known what signs the journal`);
  const { settings } = loaded;
  const {
    dir,
    checkpoint: { origin, every: everyMs },
  } = settings.audit;
  const key = await signingKeyOf(settings);
  const { journal, anchor } = await openChecked(
    { dir, durability: "flush", lock },
    trustOf(settings, key, await readSecondPlaces(settings)),
  );
  try {
    await createCheckpoints(journal, { key, origin, everyMs, anchor });
    return journal;
  } catch (error) {
    await journal.close();
    throw error;
  }
};

const writeTo = async (journal: Journal, config: string, decision: Decision): Promise<Outcome> => {
  const text = await readConfigText(config);
  const configHash = "main" in text ? hashOf(text) : "";
  try {
    const keeper = await RevocationKeeper.open(
      { file: revocationsFile(journal.dir), revocations: createRevocations(), journal, configHash: () => configHash },
      { watch: false },
    );
    const decided = await keeper.decide(decision);
    if (typeof decided === "string" || !decided.journalled) {
      return {
        code: FAILED,
        says:
          typeof decided === "string"
            ? decided
            : `${inWords(decided)}: the journal in ${journal.dir} could not be written, so nothing is certain; try again`,
      };
    }
    return {
      code: DONE,
      says: `${inWords(decided)}: written to the journal in ${journal.dir}; no gateway runs there, and the next one that starts holds to it`,
      where: "journal",
    };
  } catch (error) {
    return { code: FAILED, says: faultInWords(error) };
  }
};

const heldBy = (decision: Decision, why: string): Outcome => ({
  code: UNREACHABLE,
  says: `${inWords(decision)}: not done. ${why}, and it takes no commands; give it an admin listener and name that with --url, or stop it first`,
});

/** A file can be emptied or written by others, so it only ever adds a revocation. */
const leaveInFile = async (file: string, decision: Decision, why: string): Promise<Outcome> => {
  if (decision.lifted) {
    return {
      code: FAILED,
      says: `${inWords(decision)}: not done. The journal cannot be opened: ${why}; only the gateway or its journal can lift a revocation`,
    };
  }
  await addToFile(file, { decisions: [decision], journalled: false });
  return {
    code: DONE,
    says: `${inWords(decision)}: written to ${file}; a gateway takes it when it starts. The journal cannot be opened: ${why}`,
    where: "file",
  };
};

const list = async ({ config, json }: RevokeOptions): Promise<number> => {
  const auditDir = (await glimpse(config))?.auditDir;
  if (auditDir === undefined) {
    console.error(`${config} has no audit.dir where revocations could be kept`);
    return FAILED;
  }
  const { standing, doubts } = await withElsewhere(await standingIn(auditDir), config, auditDir);
  if (json) console.log(JSON.stringify(standing, undefined, 2));
  else
    for (const { kind, id, until } of standing) console.log(`${kind} ${id}${until === null ? "" : ` until ${until}`}`);
  if (!json && standing.length === 0)
    console.error(doubts.length === 0 ? "nothing is revoked" : "no revocation was found");
  for (const doubt of doubts) console.error(doubt);
  return doubts.length > 0 ? CANNOT_TELL : DONE;
};

const inWords = ({ kind, id, lifted, until }: Decision): string =>
  `${kind} ${id} ${lifted ? "counts again" : "is revoked"}${until === null ? "" : ` until ${until}`}`;
