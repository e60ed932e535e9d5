/**
 * The revocations file beside the journal: a copy of what the journal says is revoked, and the place where a command leaves
 * a revocation for a gateway that it cannot ask. One line of JSON for each decision; the last one about a credential counts.
 * `journalled` says that all lines above it are in the journal.
 */
import { constants } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { giveToOwner, makeFolders, openToWrite } from "../file-owner.ts";
import type { Revocation, RevocationKind } from "../tenants/credential.ts";
import { LONGEST_TOKEN_MS } from "./units.ts";

const KINDS = ["token", "key", "certificate", "client"] as const satisfies readonly RevocationKind[];
const time = z.iso.datetime({ error: "expected a time in UTC, as in 2026-11-22T12:00:00Z" });
const kind = z.enum(KINDS);
const id = z
  .string({ error: "expected a text" })
  .min(1, { error: "expected a text that is not empty" })
  .max(256, { error: "expected 256 characters at most" });

/** `lifted`: it counts again from then on. */
const decisionSchema = z.strictObject({
  kind,
  id,
  lifted: z.boolean().default(false),
  until: time.nullable().default(null),
});
const lineSchema = z.union([
  z.strictObject({ at: time, ...decisionSchema.shape }),
  z.strictObject({ at: time, journalled: z.literal(true) }),
]);

export type Decision = Readonly<z.output<typeof decisionSchema>>;

export const revocationsFile = (auditDir: string): string => join(auditDir, "revocations.jsonl");

/**
 * No config accepts a token that lives longer, so its revocation needs not either; an hour is for clocks. What the config in
 * force accepts says nothing here: the next one may accept more.
 */
const TOKEN_MS = LONGEST_TOKEN_MS + 3_600_000;

/** What somebody asks for; a text says what is wrong with it. */
export const readDecision = (value: unknown, now: number = Date.now()): Decision | string => {
  const { success, data, error } = decisionSchema.safeParse(value);
  if (!success)
    return error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`).join("; ");
  const strange = strangeId(data);
  if (strange !== undefined) return `id: expected ${strange}`;
  if (data.until !== null && Date.parse(data.until) <= now) return "until: expected a time to come";
  return data.kind === "token" && data.until === null && !data.lifted
    ? { ...data, until: new Date(now + TOKEN_MS).toISOString() }
    : data;
};

/** What no credential goes by would be written down as revoked, and the credential would go on. A key itself must not be written down at all. */
const strangeId = ({ kind: of, id: named }: Decision): string | undefined => {
  if (of === "certificate" && !/^[A-Za-z0-9_-]{43}$/.test(named))
    return "the SHA-256 of a certificate's DER, in base64url without padding";
  return of === "key" && /^ocsgw_.{20}/.test(named) ? "a key's id, and not the key itself" : undefined;
};

export type RevocationsRead = {
  /** By kind and id, what was said last of each, liftings too. */
  readonly last: ReadonlyMap<string, Decision>;
  /** In order: those that the journal may not have yet. */
  readonly fresh: readonly Decision[];
  /** Numbers of the lines that are damaged, from 1. */
  readonly damaged: readonly number[];
};

export const nameOf = ({ kind: of, id: named }: Pick<Decision, "kind" | "id">): string => `${of} ${named}`;

/** A last line without its end was never confirmed to anybody and says nothing. */
export const readRevocations = (text: string): RevocationsRead => {
  const last = new Map<string, Decision>();
  const damaged: number[] = [];
  let fresh: Decision[] = [];
  for (const [at, line] of text.split("\n").slice(0, -1).entries()) {
    const said = line === "" ? undefined : lineOf(line);
    if (said === "damaged") damaged.push(at + 1);
    else if (said && "journalled" in said) fresh = [];
    else if (said) {
      const { at: _at, ...decision } = said;
      fresh.push(decision);
      last.set(nameOf(decision), decision);
    }
  }
  return { last, fresh, damaged };
};

export const standingOf = ({ kind: of, id: named, until }: Pick<Decision, "kind" | "id" | "until">): Revocation => ({
  kind: of,
  id: named,
  ...(until !== null && { until: Date.parse(until) }),
});

const lineOf = (line: string): z.output<typeof lineSchema> | "damaged" => {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return "damaged";
  }
};

export type Added = {
  readonly decisions: readonly Decision[];
  /** They, and all lines before them, are in the journal. */ readonly journalled: boolean;
};

/** Adds lines with one write. Resolves when they are on disk, in the file that has this name then. */
export const addToFile = async (file: string, { decisions, journalled }: Added): Promise<void> => {
  const at = new Date().toISOString();
  const lines = [
    ...decisions.map((decision) => ({ at, ...decision })),
    ...(journalled ? [{ at, journalled: true }] : []),
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await makeFolders(dirname(file));
  // Whoever repairs a damaged file puts another in its place: lines in the old one would be lost.
  while (!(await addOnce(file, text)));
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
    // What a crash left without its end must not become the beginning of this line.
    if (whole < bytes.length) await handle.truncate(whole);
    await handle.appendFile(text);
    await handle.sync();
    const now = await stat(file).catch(() => undefined);
    return now?.ino === found.ino && now.dev === found.dev;
  } finally {
    await handle.close();
  }
};

/** Out of the way, and kept to be looked at. Resolves with its new name. */
export const setAside = async (file: string): Promise<string> => {
  const aside = `${file}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, "")}`;
  await rename(file, aside);
  return aside;
};
