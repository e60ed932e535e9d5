/**
 * The revocations file beside the journal: a copy of the journal's revocations; commands also write revocations here
 * when they cannot reach the gateway. Each line is one decision as JSON; the last line for a credential applies. A line
 * with `journalled` says that the journal has a decision: earlier lines for this credential that revoke no more are
 * done. It names one decision, because another program may append a line at any time; earlier versions wrote `true` for
 * all earlier lines.
 */
import { constants } from "node:fs";
import { lstat, open, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { giveToOwner, makeFolders, openToWrite } from "../../common/file-owner.ts";
import type { Revocation, RevocationKind } from "../../identity/credentials.ts";
import { LONGEST_TOKEN_MS } from "../schema/units.ts";

const KINDS = ["token", "key", "certificate", "client"] as const satisfies readonly RevocationKind[];
const time = z.iso.datetime({ error: "expected a time in UTC, for example 2026-11-22T12:00:00Z" });
const kind = z.enum(KINDS, { error: `expected one of ${KINDS.join(", ")}` });
const id = z
  .string({ error: "expected a text" })
  .min(1, { error: "expected a text that is not empty" })
  .max(256, { error: "expected 256 characters at most" });

/** `lifted`: the credential is reinstated. */
const decisionSchema = z.strictObject({
  kind,
  id,
  lifted: z.boolean({ error: "expected true or false" }).default(false),
  until: time.nullable().default(null),
});
const lineSchema = z.union([
  z.strictObject({ at: time, ...decisionSchema.shape }),
  z.strictObject({ at: time, journalled: z.union([z.literal(true), z.strictObject(decisionSchema.shape)]) }),
]);

export type Decision = Readonly<z.output<typeof decisionSchema>>;

export const revocationsFile = (auditDir: string): string => join(auditDir, "revocations.jsonl");

/**
 * How long a token's revocation is kept: the longest token lifetime that any config may accept, plus an hour for clock
 * differences. Not the current config's `max_lifetime`, which the next config may raise.
 */
const TOKEN_MS = LONGEST_TOKEN_MS + 3_600_000;

/** Validates a requested decision. Returns a text that says what is wrong with an invalid one. */
export const readDecision = (value: unknown, now: number = Date.now()): Decision | string => {
  const { success, data, error } = decisionSchema.safeParse(value);
  if (!success) return error.issues.map(({ path, message }) => `${path.join(".") || "request"}: ${message}`).join("; ");
  const expected = malformedId(data);
  if (expected !== undefined) return `id: expected ${expected}`;
  if (data.until !== null && Date.parse(data.until) <= now) return "until: expected a time in the future";
  return data.kind === "token" && data.until === null && !data.lifted
    ? { ...data, until: new Date(now + TOKEN_MS).toISOString() }
    : data;
};

/**
 * The expected form if no credential can have this id, so that revoking it would have no effect. Also rejects a whole
 * key, which must not be stored.
 */
const malformedId = ({ kind: of, id: named }: Decision): string | undefined => {
  if (of === "certificate" && !/^[A-Za-z0-9_-]{43}$/.test(named))
    return "the SHA-256 of the certificate in DER, as base64url without padding";
  return of === "key" && /^ocsgw_.{20}/.test(named) ? "the id of a key, not the key itself" : undefined;
};

export type RevocationsRead = {
  /** The last decision about each credential, including reinstatements, by kind and id. */
  readonly last: ReadonlyMap<string, Decision>;
  /** Decisions that the journal may not have yet; those about the same credential in order. */
  readonly fresh: readonly Decision[];
  /** Line numbers of damaged lines, from 1. */
  readonly damaged: readonly number[];
  readonly lines: number;
};

export const nameOf = ({ kind: of, id: named }: Pick<Decision, "kind" | "id">): string => `${of} ${named}`;

/** Ignores an incomplete last line (no line break): its writer got no confirmation. */
export const readRevocations = (text: string): RevocationsRead => {
  const last = new Map<string, Decision>();
  const damaged: number[] = [];
  const fresh = new Map<string, Decision[]>();
  const lines = text.split("\n").slice(0, -1);
  for (const [at, line] of lines.entries()) {
    const parsed = line === "" ? undefined : parseLine(line);
    if (parsed === "damaged") damaged.push(at + 1);
    else if (parsed && "journalled" in parsed) settle(fresh, parsed.journalled);
    else if (parsed) {
      const { at: _at, ...decision } = parsed;
      const same = fresh.get(nameOf(decision));
      if (same) same.push(decision);
      else fresh.set(nameOf(decision), [decision]);
      last.set(nameOf(decision), decision);
    }
  }
  return { last, fresh: [...fresh.values()].flat(), damaged, lines: lines.length };
};

const settle = (fresh: Map<string, Decision[]>, journalled: true | Decision): void => {
  if (journalled === true) return fresh.clear();
  const left = fresh.get(nameOf(journalled))?.filter((decision) => !isSettledBy(decision, journalled)) ?? [];
  if (left.length > 0) fresh.set(nameOf(journalled), left);
  else fresh.delete(nameOf(journalled));
};

/** False for a decision that revokes longer than the journalled one: the journal still needs it. */
const isSettledBy = (decision: Decision, journalled: Decision): boolean =>
  decision.lifted === journalled.lifted && endOf(decision) <= endOf(journalled);

export const standingOf = ({ kind: of, id: named, until }: Pick<Decision, "kind" | "id" | "until">): Revocation => ({
  kind: of,
  id: named,
  ...(until !== null && { until: Date.parse(until) }),
});

const endOf = (decision: Decision): number => standingOf(decision).until ?? Number.POSITIVE_INFINITY;

const parseLine = (line: string): z.output<typeof lineSchema> | "damaged" => {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return "damaged";
  }
};

export type Added = {
  readonly decisions: readonly Decision[];
  /** Decisions, from these or from earlier lines, that the journal has. */
  readonly journalled: readonly Decision[];
};

/** Appends the lines with one write. Resolves when they are on disk. */
export const addToFile = async (file: string, added: Added): Promise<void> => {
  await makeFolders(dirname(file));
  const text = textOf(added);
  // Retries if another program has replaced the file meanwhile to repair it: lines in the old file would be lost.
  while (!(await addOnce(file, text)));
};

const textOf = ({ decisions, journalled }: Added): string => {
  const at = new Date().toISOString();
  const lines = [
    ...decisions.map((decision) => ({ at, ...decision })),
    ...journalled.map((decision) => ({ at, journalled: decision })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
};

const addOnce = async (file: string, text: string): Promise<boolean> => {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
  const handle = await openToWrite(file, flags, 0o600);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`${file} is not a regular file`);
    if (found.size === 0) await giveToOwner(file, (uid, gid) => handle.chown(uid, gid));
    const bytes = await handle.readFile();
    const whole = bytes.lastIndexOf("\n") + 1;
    // A crash may have left an incomplete last line, to which nothing must be appended.
    if (whole < bytes.length) await handle.truncate(whole);
    await handle.appendFile(text);
    await handle.sync();
    const now = await stat(file).catch(() => undefined);
    return now?.ino === found.ino && now.dev === found.dev;
  } finally {
    await handle.close();
  }
};

/**
 * Replaces the file by one with these decisions, which the journal has. Does nothing if a line is damaged or
 * incomplete, or the journal may lack one. Lines that another program adds meanwhile are copied. Resolves to whether it
 * was replaced.
 */
export const compactFile = async (file: string, decisions: readonly Decision[]): Promise<boolean> => {
  const old = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const text = await old.readFile("utf8");
    const { fresh, damaged } = readRevocations(text);
    const { mode } = await old.stat();
    const isLink = (await lstat(file)).isSymbolicLink();
    if (fresh.length > 0 || damaged.length > 0 || isLink || !text.endsWith("\n")) return false;
    const beside = `${file}.new`;
    const handle = await openToWrite(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      await giveToOwner(beside, (uid, gid) => handle.chown(uid, gid), file);
      await handle.chmod(mode & 0o777);
      await handle.writeFile(textOf({ decisions, journalled: decisions }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    // From where the first reading ended.
    const added = readRevocations(await old.readFile("utf8")).fresh;
    if (added.length > 0) await addToFile(file, { decisions: added, journalled: [] });
    return true;
  } finally {
    await old.close();
  }
};

/** Renames a damaged file, to keep it for inspection. Resolves to the new name. */
export const setAside = async (file: string): Promise<string> => {
  const aside = `${file}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, "")}`;
  await rename(file, aside);
  return aside;
};
