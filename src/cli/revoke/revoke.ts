/** `ocsgw revoke`: revokes or reinstates a token, a key, a certificate or a client; lists what is revoked. */
import { spanOf } from "../../journal/search/filter/times.ts";
import { clientsIn } from "../../settings/clients.ts";
import { partialLoad } from "../../settings/partial-load.ts";
import { idOfKey } from "../../settings/files/api-key.ts";
import { readKeys } from "../../settings/files/keys-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import { loadSettings } from "../../settings/load.ts";
import { suggest } from "../../settings/problems/did-you-mean.ts";
import { readDecision, type Decision } from "../../settings/files/revocations-file.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../../settings/schema/units.ts";
import { askAs } from "../admin-client.ts";
import { applyRevocation, outcomeOf, withUnreachedDoubt, type Outcome } from "./apply-revocation.ts";
import { revocationsIn } from "./list.ts";
import { inShell } from "../../common/shell-word.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { CANNOT_TELL, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";

const KINDS = ["token", "key", "certificate", "client"] as const;

export type RevokeOptions = {
  readonly config: string;
  readonly token?: string;
  readonly key?: string;
  readonly certificate?: string;
  readonly client?: string;
  /** A time, or a duration from now. */
  readonly until?: string;
  /** Ends a revocation. */
  readonly reinstate?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly url?: string;
  readonly adminToken?: string;
};

export const revoke = async (options: RevokeOptions): Promise<number> => {
  const decision = options.list ? undefined : decisionOf(options);
  if (decision === undefined && (namedIn(options).length > 0 || options.until !== undefined || options.reinstate)) {
    console.error("--list shows all revocations: leave out the other options, or leave out --list");
    return WRONG_USAGE;
  }
  if (decision === undefined) return list(options);
  const fault = typeof decision === "string" ? decision : await unknownName(decision, options.config);
  if (typeof decision === "string" || fault !== undefined) {
    console.error(fault);
    return WRONG_USAGE;
  }
  const { config, url, adminToken } = options;
  const partial = await partialLoad(config);
  // From another machine only the admin listener can be reached.
  if (url !== undefined || (partial?.admin && adminToken !== undefined)) {
    const answer = await askAs(
      { config, ...(url !== undefined && { url }), ...(adminToken !== undefined && { token: adminToken }) },
      { path: "/api/revocations", method: "POST", body: decision },
    );
    if (typeof answer === "number" && (url !== undefined || answer !== UNREACHABLE)) return answer;
    if (typeof answer !== "number") return printOutcome(outcomeOf(answer.value, answer.status));
  }
  const code = printOutcome(await applyRevocation(partial?.auditDir, config, decision));
  return code === DONE && decision.kind === "key" && decision.lifted ? warnIfInKeysFile(config, decision.id) : code;
};

const printOutcome = ({ code, says }: Outcome): number => {
  console.error(says);
  return code;
};

/** A reinstated key still does not work if the keys file marks it as revoked. */
const warnIfInKeysFile = async (config: string, id: string): Promise<number> => {
  const loaded = await loadSettings(config);
  const file = loaded.ok ? loaded.settings.identity.keys?.file : undefined;
  const revoked = file === undefined ? undefined : (await keysIn(file))?.find((key) => key.id === id)?.revoked;
  if (file === undefined || revoked === undefined || revoked === null) return DONE;
  console.error(
    `key ${id} is still marked as revoked in ${file}, since ${new Date(revoked).toISOString()}: create a new key ` +
      `with ocsgw keys create -c ${inShell(config)} --client NAME, or remove "revoked" there`,
  );
  return FAILED;
};

const namedIn = (options: RevokeOptions): readonly Decision["kind"][] =>
  KINDS.filter((kind) => options[kind] !== undefined);

const decisionOf = (options: RevokeOptions): Decision | string => {
  const named = namedIn(options);
  const [kind] = named;
  if (kind === undefined || named.length > 1)
    return "expected exactly one of --token JTI, --key ID, --certificate X5T, --client NAME";
  if (options.reinstate && options.until !== undefined)
    return "--until is the end of a revocation: leave it out with --reinstate";
  const until = options.until === undefined ? undefined : momentOf(options.until);
  if (options.until !== undefined && until === undefined)
    return (
      "--until: expected a time, for example 2026-11-22T12:00:00Z or 2026-11-22T14:00:00+02:00, or " +
      `${DURATION_EXPECTED}; found ${options.until}`
    );
  return readDecision({
    kind,
    id: idOf(kind, options[kind]!),
    lifted: options.reinstate === true,
    ...(until !== undefined && { until }),
  });
};

/** Also accepts a whole key, and a fingerprint as openssl prints it. */
const idOf = (kind: Decision["kind"], given: string): string => {
  if (kind === "key") return idOfKey(given) ?? given;
  return kind === "certificate" && FINGERPRINT.test(given)
    ? Buffer.from(given.replaceAll(":", ""), "hex").toString("base64url")
    : given;
};

const FINGERPRINT = /^[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i;

/** The latest time that RFC 3339 can express. */
const LATEST = Date.parse("9999-12-31T23:59:59Z");

/** RFC 3339 in UTC; undefined for another text, and for a later time than RFC 3339 can express. */
export const momentOf = (text: string): string | undefined => {
  const duration = parseDuration(text);
  if (duration !== undefined) return Date.now() + duration > LATEST ? undefined : iso(Date.now() + duration);
  const span = /^\d{4}-\d\d-\d\d/.test(text) ? spanOf(text, Date.now()) : undefined;
  return span && iso(span[0] / 1000);
};

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * A message for a client or key that does not exist, which may be misspelt. Nothing is checked without a valid config.
 */
const unknownName = async ({ kind, id, lifted }: Decision, config: string): Promise<string | undefined> => {
  const loaded = kind === "client" || (kind === "key" && !lifted) ? await loadSettings(config) : undefined;
  if (!loaded?.ok) return undefined;
  const known = kind === "client" ? [...clientsIn(loaded.settings)] : await keyIdsIn(loaded.settings);
  return !known || known.includes(id)
    ? undefined
    : [`unknown ${kind} ${id}`, suggest(id, known)].filter(Boolean).join("; ");
};

const keyIdsIn = async ({ identity: { keys } }: Settings): Promise<readonly string[] | undefined> =>
  keys === null ? undefined : (await keysIn(keys.file))?.map((key) => key.id);

const keysIn = async (file: string): Promise<readonly KeyRecord[] | undefined> => {
  const text = await readSmallFile(file).catch(() => undefined);
  const read = text === undefined ? undefined : readKeys(text, file);
  return read?.ok ? read.keys : undefined;
};

const list = async ({ config, json }: RevokeOptions): Promise<number> => {
  const auditDir = (await partialLoad(config))?.auditDir;
  if (auditDir === undefined) {
    console.error(`${config} has no valid audit.dir, where revocations are stored`);
    return FAILED;
  }
  const { revocations, doubts } = await withUnreachedDoubt(await revocationsIn(auditDir), config, auditDir);
  if (json) console.log(JSON.stringify(revocations, undefined, 2));
  else
    for (const { kind, id, until } of revocations)
      console.log(`${kind} ${id}${until === null ? "" : ` until ${until}`}`);
  if (!json && revocations.length === 0)
    console.error(doubts.length === 0 ? "nothing is revoked" : "found no revocations");
  for (const doubt of doubts) console.error(doubt);
  return doubts.length > 0 ? CANNOT_TELL : DONE;
};
